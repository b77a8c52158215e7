#include "nodeagent/log/line_filter.h"

#include <re2/re2.h>

#include "schema/support/base/text.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::logs {
namespace {

using Kind = wire::Error::Kind;

RE2::Options quietOptions() {
  RE2::Options options;
  options.set_log_errors(false);
  return options;
}

std::string shown(const std::string& pattern) {
  return "\"" + support::escaped(support::beginningOf(pattern, 200)) + "\"";
}

// An empty match would be found in every line.
void require(const std::string& pattern) {
  if (pattern.size() > LineFilter::kPatternBytesMax) {
    support::fail(Kind::INVALID, "pattern ", shown(pattern).c_str(), ": has ", pattern.size(),
                  " bytes, at most ", LineFilter::kPatternBytesMax, " are possible");
  }
  RE2 compiled(pattern, quietOptions());
  if (!compiled.ok()) {
    support::fail(Kind::INVALID, "pattern ", shown(pattern).c_str(),
                  ": does not compile: ", compiled.error().c_str(),
                  "; it is to be a regular expression of RE2");
  }
  if (RE2::PartialMatch("", compiled)) {
    support::fail(Kind::INVALID, "pattern ", shown(pattern).c_str(),
                  ": matches the empty string, and so every line; it is to name what the line has");
  }
}

// \A, \z and flags that are taken back mean something else in several lines than in one.
bool meansTheSameInBlocks(const std::string& pattern) {
  return pattern.find("\\A") == std::string::npos && pattern.find("\\z") == std::string::npos &&
         pattern.find("(?") == std::string::npos && pattern.find("\\Q") == std::string::npos;
}

}  // namespace

LineFilter::LineFilter(const std::vector<std::string>& patterns) {
  if (patterns.empty()) return;
  if (patterns.size() > kPatternsMax) {
    support::fail(Kind::INVALID, "patterns: ", patterns.size(), " of them, at most ", kPatternsMax,
                  " are possible");
  }
  std::string any;
  bool isBlockwise = true;
  for (const std::string& pattern : patterns) {
    require(pattern);
    any += (any.empty() ? "(?:" : "|(?:") + pattern + ")";
    isBlockwise = isBlockwise && meansTheSameInBlocks(pattern);
  }
  line_ = std::make_unique<RE2>(any, quietOptions());
  if (!line_->ok()) {
    support::fail(Kind::INVALID, "patterns: do not compile together: ", line_->error().c_str());
  }
  if (!isBlockwise) return;
  block_ = std::make_unique<RE2>("(?m:" + any + ")", quietOptions());
  if (!block_->ok()) block_ = nullptr;
}

LineFilter::~LineFilter() = default;

bool LineFilter::matches(std::string_view line) const {
  return !line_ || RE2::PartialMatch(re2::StringPiece(line.data(), line.size()), *line_);
}

bool LineFilter::mayMatchIn(std::string_view block) const {
  return !block_ || RE2::PartialMatch(re2::StringPiece(block.data(), block.size()), *block_);
}

}  // namespace nodeagent::logs
