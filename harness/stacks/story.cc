#include "harness/stacks/story.h"

#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iterator>
#include <string_view>

#include "harness/os/files.h"
#include "schema/support/base/text.h"

namespace harness::stacks {
namespace {

// The threads and the lines of each that are shown.
constexpr size_t kLinesMax = 60;
constexpr size_t kThreadsShown = 64;

// The frames of a recursion that are shown; the others are counted.
constexpr size_t kRepeatsMax = 3;

// The frames in which what ends the program is looked for.
constexpr size_t kEndFramesMax = 12;

using Lines = std::vector<SourceFrame>;

bool startsWithAny(std::string_view text, const std::vector<std::string_view>& beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](std::string_view beginning) { return text.starts_with(beginning); });
}

bool isOfSystem(const SourceFrame& frame) {
  return startsWithAny(frame.module, {"/usr/lib", "/lib"}) || frame.file.starts_with("/usr/");
}

// What gtest, main and the C library have called before the code of the test, and what starts a
// thread.
bool isOuterMachinery(const SourceFrame& frame) {
  if (isOfSystem(frame)) return true;
  if (frame.function == "main" || frame.function == "_start") return true;
  return startsWithAny(
      frame.function,
      {"testing::", "void testing::", "bool testing::", "RUN_ALL_TESTS", "harness::testMain",
       "harness::(anonymous namespace)::Program::", "harness::(anonymous namespace)::runThread"});
}

// What writes the stacks, and what the C library runs before it.
bool isInnerMachinery(const SourceFrame& frame) {
  std::string_view name = frame.function;
  if (name == "exit" || name == "_exit" || name == "_Exit" || name == "quick_exit") return true;
  return startsWithAny(
      name,
      {"harness::writeThisThread", "harness::reportExit",
       "harness::(anonymous namespace)::endedEarly", "harness::(anonymous namespace)::endQuickly",
       "harness::expectNoExit()", "harness::(anonymous namespace)::handle", "__run_exit_handlers",
       "__GI_exit", "__cxa_finalize", "__new_quick_exit"});
}

// What comes after these on a stack is how they work.
bool isEnd(const SourceFrame& frame) {
  return frame.function == "abort" || frame.function == "std::terminate()";
}

bool isOfLibrary(const SourceFrame& frame) {
  return frame.file.empty() || isOfSystem(frame) || isInnerMachinery(frame) ||
         isOuterMachinery(frame);
}

// The C library names some of its functions twice, and a thread that runs a lambda hides it in a
// template.
std::string plainName(std::string name) {
  constexpr std::string_view kInternal = "__GI_";
  constexpr std::string_view kThread = "std::thread::_State_impl<";
  constexpr std::string_view kTuple = "std::tuple<";
  if (name.starts_with(kInternal)) name.erase(0, kInternal.size());
  size_t end = name.find("> > >::_M_run()");
  size_t begin = name.find(kTuple);
  if (!name.starts_with(kThread) || end == std::string::npos || begin > end) return name;
  return name.substr(begin + kTuple.size(), end - begin - kTuple.size());
}

std::string placeText(const SourceFrame& frame) {
  if (!frame.file.empty()) return " at " + frame.file + ":" + std::to_string(frame.line);
  if (frame.module.empty()) return "";
  return " in " + frame.module.substr(frame.module.rfind('/') + 1);
}

std::string nameText(const SourceFrame& frame) {
  if (!frame.function.empty()) return frame.function;
  char text[40];
  std::snprintf(text, sizeof text, "0x%lx", static_cast<unsigned long>(frame.offset));
  return text;
}

bool isSame(const SourceFrame& one, const SourceFrame& other) {
  return !one.function.empty() && one.function == other.function;
}

// Frames of one function that follow each other are a recursion.
std::string textOf(const Lines& lines) {
  std::string text;
  size_t shown = 0;
  for (size_t i = 0; i < lines.size() && shown < kLinesMax;) {
    size_t end = i + 1;
    while (end < lines.size() && isSame(lines[i], lines[end])) ++end;
    bool isLong = end - i > kRepeatsMax + 1;
    for (size_t j = i; j < (isLong ? i + kRepeatsMax : end) && shown < kLinesMax; ++j, ++shown) {
      text += "  #" + std::to_string(j) + " " + nameText(lines[j]) + placeText(lines[j]) + "\n";
    }
    if (isLong) {
      text += "  and " + std::to_string(end - i - kRepeatsMax) + " more of " + nameText(lines[i]) +
              "\n";
    }
    i = end;
  }
  return shown == kLinesMax ? text + "  and further frames\n" : text;
}

struct Folded {
  Lines lines = {};
  size_t outer = 0;
};

// Takes the frames that every stack has off its ends.
Folded fold(const std::vector<std::vector<SourceFrame>>& frames) {
  Folded folded;
  for (const std::vector<SourceFrame>& frame : frames) {
    folded.lines.insert(folded.lines.end(), frame.begin(), frame.end());
  }
  Lines& lines = folded.lines;
  for (SourceFrame& line : lines) line.function = plainName(std::move(line.function));
  while (lines.size() > 1 && isOuterMachinery(lines.back())) {
    lines.pop_back();
    ++folded.outer;
  }
  auto near = [&] {
    size_t count = std::min(lines.size(), kEndFramesMax);
    return std::reverse_iterator(lines.begin() + static_cast<std::ptrdiff_t>(count));
  };
  auto own = std::find_if(near(), lines.rend(), isInnerMachinery);
  bool isInHandler = own != lines.rend() && own->function.find("::handle") != std::string::npos;
  if (own.base() != lines.end()) lines.erase(lines.begin(), own.base());
  // What the kernel comes back to stands between a handler and the code that it has interrupted.
  if (isInHandler && lines.size() > 1 && isOfSystem(lines.front())) lines.erase(lines.begin());
  auto end = std::find_if(near(), lines.rend(), isEnd);
  if (end != lines.rend()) lines.erase(lines.begin(), std::prev(end.base()));
  return folded;
}

std::string threadText(const ThreadStack& thread, const Folded& folded) {
  std::string text = "thread " + std::to_string(thread.id) + " \"" +
                     support::printable(thread.name) + "\"" + (thread.isMain ? " (main)" : "") +
                     "\n" + textOf(folded.lines);
  if (thread.isCut) text += "  and further frames\n";
  if (folded.outer > 0) {
    text += "  (" + std::to_string(folded.outer) + (folded.outer == 1 ? " frame" : " frames") +
            (thread.isMain ? " of gtest and main)\n" : " of the thread's begin)\n");
  }
  if (thread.frames.empty()) text += "  its stack is not known: it takes no signals\n";
  return text;
}

// Says what the kernel knows of a signal.
std::string causeOf(const StackFile& file) {
  std::string address = hexText(file.address);
  if (file.code == SI_USER) return "sent by process " + std::to_string(file.sender);
  if (file.code <= 0) return "sent by the program itself";
  if (file.signal == SIGSEGV && file.code == SEGV_MAPERR)
    return "address " + address + " is not mapped";
  if (file.signal == SIGSEGV && file.code == SEGV_ACCERR) {
    return "address " + address + " may not be accessed";
  }
  // The processor does not tell an address that it cannot have.
  if (file.signal == SIGSEGV) return "the address cannot be one";
  if (file.signal == SIGFPE && file.code == FPE_INTDIV) return "a number was divided by 0";
  if (file.signal == SIGILL) return "the instruction is not one of the processor";
  if (file.signal == SIGTRAP) return "a breakpoint without a debugger";
  return "si_code " + std::to_string(file.code) + ", address " + address;
}

std::string circumstances(const StackFile& file) {
  std::string text;
  if (file.signal != 0) {
    text += "SIG" + std::string(::sigabbrev_np(file.signal) ? ::sigabbrev_np(file.signal) : "?") +
            ": " + causeOf(file) + "\n";
  }
  if (!file.asked.empty())
    text += "where the threads are: " + support::printable(file.asked) + "\n";
  if (!file.exit.empty()) text += "the program called " + file.exit + "\n";
  if (!file.exception.empty()) {
    text += "uncaught exception " + support::printable(file.exception) + "\n";
  }
  for (const std::string& note : file.notes) text += support::printable(note) + "\n";
  if (!file.isWhole) text += "(what follows is not whole: the program ended before)\n";
  return text;
}

// Looks up the frames of all threads at once, so that each file is asked for once.
std::vector<Folded> foldAll(const StackFile& file, const SymbolOptions& options) {
  std::vector<RawFrame> raw;
  for (const ThreadStack& thread : file.threads) {
    raw.insert(raw.end(), thread.frames.begin(), thread.frames.end());
  }
  auto frames = symbolise(raw, options);
  std::vector<Folded> folded;
  auto begin = frames.begin();
  for (const ThreadStack& thread : file.threads) {
    auto end = begin + static_cast<std::ptrdiff_t>(thread.frames.size());
    folded.push_back(fold({begin, end}));
    begin = end;
  }
  return folded;
}

}  // namespace

Story tell(const StackFile& file, const SymbolOptions& options) {
  Story story;
  std::vector<Folded> folded = foldAll(file, options);
  if (!file.exception.empty()) {
    story.exception = "uncaught exception " + support::printable(file.exception);
  }
  story.text = circumstances(file);
  story.threads = folded.size();
  for (size_t i = 0; i < folded.size(); ++i) {
    if (i == kThreadsShown) {
      story.text += "and " + std::to_string(folded.size() - i) + " further threads\n";
      break;
    }
    std::string text = threadText(file.threads[i], folded[i]);
    if (i == 0) story.first = text;
    story.text += text;
  }
  story.first = std::string(support::beginningOf(story.first, kStoryBytesMax));
  story.text = std::string(support::beginningOf(story.text, kStoryBytesMax));
  if (folded.empty()) return story;
  story.frames = folded.front().lines;
  if (story.frames.size() > kLinesMax) story.frames.resize(kLinesMax);
  auto own = std::find_if_not(story.frames.begin(), story.frames.end(), isOfLibrary);
  if (own == story.frames.end()) {
    own = std::find_if(story.frames.begin(), story.frames.end(),
                       [](const SourceFrame& frame) { return !frame.function.empty(); });
    if (own != story.frames.end()) story.where = "in " + own->function;
    return story;
  }
  story.file = own->file;
  story.line = own->line;
  story.where = "in " + nameText(*own) + placeText(*own);
  return story;
}

std::optional<Story> tellFile(const std::string& path, const SymbolOptions& options) noexcept {
  try {
    std::string content = readIfPresent(path);
    if (content.empty()) return std::nullopt;
    return tell(parseStacks(content), options);
  } catch (const std::exception&) {
    // There is no memory: the failure is told without its stack.
    return std::nullopt;
  }
}

}  // namespace harness::stacks
