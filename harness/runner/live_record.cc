#include "harness/runner/live_record.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "harness/run/fields.h"
#include "harness/run/hold.h"

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

std::chrono::nanoseconds LiveRecord::heldTime() const {
  bool isHeld = hold_ && hold_->because.empty();
  if (!isHeld) return heldTime_;
  return heldTime_ + (std::chrono::steady_clock::now() - hold_->seenBegin);
}

void LiveRecord::takeHold(const Json& line, std::string_view verb) {
  if (verb == "begin") {
    hold_ = {.test = textOf(line, "test"),
             .text = textOf(line, "text"),
             .until = run::numberOf<int64_t>(line, "until", 0),
             .seenBegin = std::chrono::steady_clock::now()};
  } else if (hold_ && (verb == "end" || verb == "abort")) {
    heldTime_ = heldTime();
    hold_->because = textOf(line, "because");
    if (hold_->because.empty()) hold_->because = "it is over";
  }
}

void LiveRecord::take(const std::string& text, std::vector<std::string>& changed) {
  Json line = Json::parse(text, nullptr, false);
  if (!line.is_object()) return;
  if (line.contains("records")) {
    hasBegun_ = true;
    process_ = run::numberOf(line, "pid", 0);
  }
  if (line.contains("close")) isClosed_ = true;
  for (const char* verb : {"announce", "begin", "add", "end", "abort"}) {
    std::string id = textOf(line, verb);
    if (id.empty()) continue;
    std::string word = verb;
    if (line.contains("kind")) kinds_[id] = textOf(line, "kind");
    if (kinds_[id] == "program" && word == "add" && textOf(line, "what") == "failure") {
      failures_.push_back(textOf(line, "text"));
    }
    if (word == "begin" && textOf(line, "type") == "look") {
      auto test = tests_.find(textOf(line, "in"));
      if (test != tests_.end()) test->second.look = textOf(line, "path");
    }
    if (kinds_[id] == run::kHoldKind) takeHold(line, word);
    if (kinds_[id] != "test") {
      takeStep(word, id, line);
      if (word == "end" || word == "abort") kinds_.erase(id);
      continue;
    }
    takeTest(word, id, line);
    if (word != "begin" && word != "end") continue;
    if (std::find(changed.begin(), changed.end(), id) == changed.end()) changed.push_back(id);
  }
}

void LiveRecord::takeTest(const std::string& verb, const std::string& id, const Json& line) {
  LiveTest& test = tests_[id];
  if (line.contains("suite")) test.name = textOf(line, "suite") + "." + textOf(line, "name");
  test.repeat = line.value("repeat", test.repeat);
  if (verb == "add" && test.text.empty()) test.text = textOf(line, "text");
  if (verb == "begin") {
    test.hasBegun = true;
    test.seenBegin = std::chrono::steady_clock::now();
    test.heldBefore = heldTime();
    running_ = id;
    step_.reset();
  }
  if (verb != "end") return;
  test.hasEnded = true;
  test.outcome = run::outcomeOf(textOf(line, "outcome")).value_or(run::Outcome::kFailed);
  test.because = textOf(line, "because");
  test.seconds = line.value("seconds", 0.0);
  test.nodes = run::textsOf(line, "nodes");
  if (running_ != id) return;
  running_.clear();
  step_.reset();
}

// A program has one test at a time, so that what begins while one runs is its own.
void LiveRecord::takeStep(const std::string& verb, const std::string& id, const Json& line) {
  if (verb == "begin" && !running_.empty()) {
    std::string kind = kinds_[id];
    bool isStep = kind == "command" || kind == "call" || kind == "wait" || kind == "fault";
    if (!isStep) return;
    LiveStep step{.kind = kind, .node = textOf(line, "node"), .text = textOf(line, "text")};
    step.seenBegin = std::chrono::steady_clock::now();
    for (const std::string& word : run::textsOf(line, "argv")) {
      step.text += (step.text.empty() ? "" : " ") + word;
    }
    std::vector<std::string>& nodes = tests_[running_].nodes;
    bool isNew = std::find(nodes.begin(), nodes.end(), step.node) == nodes.end();
    if (isNew && !step.node.empty()) nodes.push_back(step.node);
    step_ = std::move(step);
    stepId_ = id;
  }
  if ((verb != "end" && verb != "abort") || !step_ || stepId_ != id) return;
  step_->hasEnded = true;
  for (const char* field : {"outcome", "error", "because"}) {
    if (step_->outcome.empty()) step_->outcome = textOf(line, field);
  }
}

}  // namespace harness::runner
