#include "harness/stacks/failure_fields.h"

namespace harness::stacks {

nlohmann::json failureFields(const std::string& text, const Story& story) {
  nlohmann::json fields = {{"text", text}, {"fatal", true}};
  if (!story.file.empty()) {
    fields["file"] = story.file;
    fields["line"] = story.line;
  }
  fields["stack"] = nlohmann::json::array();
  for (const SourceFrame& frame : story.frames) {
    nlohmann::json one = {{"function", frame.function}, {"module", frame.module}};
    if (!frame.file.empty()) {
      one["file"] = frame.file;
      one["line"] = frame.line;
    }
    fields["stack"].push_back(one);
  }
  return fields;
}

}  // namespace harness::stacks
