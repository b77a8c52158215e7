#include "harness/runner/evidence.h"

#include <filesystem>
#include <fstream>

#include "harness/stacks/failure_fields.h"

namespace harness::runner {
namespace {

Evidence ofCrash(const std::string& because, const stacks::Story& crash) {
  Evidence evidence{.failure = stacks::failureFields(because + "\n" + crash.text, crash),
                    .shown = crash.text};
  evidence.failure["crash"] = true;
  return evidence;
}

// The stacks of all threads are too long for a failure, which has that of the main thread.
Evidence ofThreads(const std::string& because, const stacks::Story& threads,
                   const std::string& runDirectory, const std::string& writer) {
  Evidence evidence;
  evidence.path = "output/" + writer + ".threads.txt";
  std::filesystem::path path = std::filesystem::path(runDirectory) / evidence.path;
  std::error_code ignored;
  std::filesystem::create_directories(path.parent_path(), ignored);
  std::ofstream(path) << threads.text;
  evidence.bytes = threads.text.size();
  evidence.shown = threads.first + "the stacks of all " + std::to_string(threads.threads) +
                   (threads.threads == 1 ? " thread: " : " threads: ") + evidence.path + "\n";
  evidence.failure = stacks::failureFields(because + "\n" + evidence.shown, threads);
  return evidence;
}

}  // namespace

std::optional<Evidence> evidenceOf(const ProcessResult& result, const LiveTest* test,
                                   const std::string& runDirectory, const std::string& writer) {
  std::optional<Evidence> evidence;
  const std::string& because = test != nullptr ? test->because : result.because;
  if (result.crash) {
    evidence = ofCrash(because, *result.crash);
  } else if (result.threads) {
    evidence = ofThreads(because, *result.threads, runDirectory, writer);
  }
  if (test == nullptr || test->look.empty() || result.outcome == run::Outcome::kPassed) {
    return evidence;
  }
  if (!evidence) evidence = Evidence{.failure = {{"text", because + "\n"}, {"fatal", true}}};
  std::string look = "the last look at the nodes: " + test->look + "\n";
  evidence->shown += look;
  evidence->failure["text"] = evidence->failure["text"].get<std::string>() + look;
  return evidence;
}

void addEvidence(run::RecordWriter& writer, const std::string& item,
                 const std::optional<Evidence>& evidence) {
  if (!evidence) return;
  writer.add(item, "failure", evidence->failure);
  if (evidence->path.empty()) return;
  std::string id = writer.begin("artifact", item, {{"path", evidence->path}, {"type", "stacks"}});
  writer.end(id, {{"bytes", evidence->bytes}});
}

}  // namespace harness::runner
