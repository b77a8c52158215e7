#include "harness/runner/live_record.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "harness/run/fields.h"

namespace harness::runner {
namespace {

using run::Json;
using run::textOf;

// What keeps a line is the size of a failure's text, which the writer bounds.
constexpr size_t kReadBytes = 256 << 10;

}  // namespace

const LiveTest* LiveRecord::running() const {
  auto found = tests_.find(running_);
  return found == tests_.end() ? nullptr : &found->second;
}

std::vector<LiveTest> LiveRecord::news() {
  if (!file_) file_ = Fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  std::vector<std::string> changed;
  if (!file_) return {};
  std::vector<char> buffer(kReadBytes);
  for (ssize_t count; (count = ::read(file_.get(), buffer.data(), buffer.size())) > 0;) {
    rest_.append(buffer.data(), static_cast<size_t>(count));
    size_t begin = 0;
    for (size_t end; (end = rest_.find('\n', begin)) != std::string::npos; begin = end + 1) {
      take(rest_.substr(begin, end - begin), changed);
    }
    rest_.erase(0, begin);
  }
  std::vector<LiveTest> news;
  for (const std::string& id : changed) news.push_back(tests_[id]);
  return news;
}

void LiveRecord::take(const std::string& text, std::vector<std::string>& changed) {
  Json line = Json::parse(text, nullptr, false);
  if (!line.is_object()) return;
  if (line.contains("records")) hasBegun_ = true;
  if (line.contains("close")) isClosed_ = true;
  for (const char* verb : {"announce", "begin", "add", "end", "abort"}) {
    std::string id = textOf(line, verb);
    if (id.empty()) continue;
    std::string_view word = verb;
    if (line.contains("kind")) kinds_[id] = textOf(line, "kind");
    if (kinds_[id] == "program" && word == "add" && textOf(line, "what") == "failure") {
      failures_.push_back(textOf(line, "text"));
    }
    if (word == "begin" && textOf(line, "type") == "look") {
      auto test = tests_.find(textOf(line, "in"));
      if (test != tests_.end()) test->second.look = textOf(line, "path");
    }
    if (kinds_[id] != "test") {
      if (word == "end" || word == "abort") kinds_.erase(id);
      continue;
    }
    LiveTest& test = tests_[id];
    if (line.contains("suite")) test.name = textOf(line, "suite") + "." + textOf(line, "name");
    test.repeat = line.value("repeat", test.repeat);
    if (word == "add" && test.text.empty()) test.text = textOf(line, "text");
    if (word == "begin") {
      test.hasBegun = true;
      test.seenBegin = std::chrono::steady_clock::now();
      running_ = id;
    }
    if (word == "end") {
      test.hasEnded = true;
      test.outcome = run::outcomeOf(textOf(line, "outcome")).value_or(run::Outcome::kFailed);
      test.because = textOf(line, "because");
      test.seconds = line.value("seconds", 0.0);
      if (auto nodes = line.find("nodes"); nodes != line.end() && nodes->is_array()) {
        for (const Json& node : *nodes) test.nodes.push_back(node.get<std::string>());
      }
      if (running_ == id) running_.clear();
    }
    if (word != "begin" && word != "end") continue;
    if (std::find(changed.begin(), changed.end(), id) == changed.end()) changed.push_back(id);
  }
}

}  // namespace harness::runner
