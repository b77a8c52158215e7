#include "harness/stacks/stack_file.h"

#include <cstdlib>

namespace harness::stacks {
namespace {

// More is no file of ours.
constexpr size_t kThreadsMax = 1000;
constexpr size_t kFramesMax = 1000;
constexpr size_t kNotesMax = 20;

// Takes the values of a line from its front.
class Words {
 public:
  explicit Words(std::string_view line) : rest_(line) {}

  std::string_view next() {
    size_t end = rest_.find(' ');
    std::string_view word = rest_.substr(0, end);
    rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
    return word;
  }

  // Reads a number that may be hexadecimal. What is none is 0.
  uint64_t number() { return std::strtoull(std::string(next()).c_str(), nullptr, 0); }
  int64_t signedNumber() { return std::strtoll(std::string(next()).c_str(), nullptr, 0); }

  std::string rest() const { return std::string(rest_); }

 private:
  std::string_view rest_;
};

void takeFrame(Words words, StackFile& file) {
  if (file.threads.empty()) return;
  ThreadStack& thread = file.threads.back();
  if (thread.frames.size() >= kFramesMax) return;
  RawFrame frame;
  frame.isExact = words.number() != 0;
  frame.offset = words.number();
  frame.module = words.rest();
  thread.frames.push_back(std::move(frame));
}

void takeLine(std::string_view line, StackFile& file) {
  Words words(line);
  std::string_view verb = words.next();
  if (verb == "test") file.test = words.rest();
  if (verb == "exit") file.exit = words.rest();
  if (verb == "exception") file.exception = words.rest();
  if (verb == "asked") file.asked = words.rest();
  if (verb == "note" && file.notes.size() < kNotesMax) file.notes.push_back(words.rest());
  if (verb == "done") file.isWhole = true;
  if (verb == "frame") takeFrame(words, file);
  if (verb == "cut" && !file.threads.empty()) file.threads.back().isCut = true;
  if (verb == "signal") {
    file.signal = static_cast<int>(words.signedNumber());
    file.code = static_cast<int>(words.signedNumber());
    file.address = words.number();
    file.sender = words.signedNumber();
  }
  if (verb == "thread" && file.threads.size() < kThreadsMax) {
    ThreadStack thread;
    thread.id = words.signedNumber();
    thread.isMain = words.number() != 0;
    thread.name = words.rest();
    file.threads.push_back(std::move(thread));
  }
}

}  // namespace

StackFile parseStacks(std::string_view content) {
  StackFile file;
  bool isFirst = true;
  while (!content.empty()) {
    size_t end = content.find('\n');
    // A line without its newline may be half of one.
    if (end == std::string_view::npos) break;
    std::string_view line = content.substr(0, end);
    if (isFirst && line != kFormat) return {};
    if (!isFirst) takeLine(line, file);
    isFirst = false;
    content.remove_prefix(end + 1);
  }
  return file;
}

}  // namespace harness::stacks
