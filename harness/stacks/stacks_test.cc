#include <dlfcn.h>
#include <execinfo.h>
#include <link.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/stacks/elf_symbols.h"
#include "harness/stacks/story.h"

namespace harness::stacks {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

RawFrame frameOf(void* address, bool isExact) {
  dl_find_object found;
  EXPECT_EQ(::_dl_find_object(address, &found), 0);
  std::string module = found.dlfo_link_map->l_name;
  if (module.empty()) module = std::filesystem::read_symlink("/proc/self/exe");
  return {module, reinterpret_cast<uintptr_t>(address) - found.dlfo_link_map->l_addr, isExact};
}

// Returns the stack of its caller as a program would have written it.
__attribute__((noinline)) ThreadStack stackOfCaller() {
  void* frames[64];
  int count = ::backtrace(frames, static_cast<int>(std::size(frames)));
  ThreadStack thread{.id = 7, .name = "kvd", .isMain = true};
  // A sanitizer has a function of its own around backtrace().
  void* caller = __builtin_return_address(0);
  void** first = std::find(frames, frames + count, caller);
  for (void** frame = first; frame != frames + count; ++frame) {
    thread.frames.push_back(frameOf(*frame, false));
  }
  return thread;
}

// Recurses before it takes the stack.
__attribute__((noinline)) ThreadStack deepStack(int depth) {
  ThreadStack thread = depth > 0 ? deepStack(depth - 1) : stackOfCaller();
  thread.id += 1;
  return thread;
}

TEST(StackFileTest, FileIsReadLineByLine) {
  StackFile file = parseStacks(
      "muster stacks 1\ntest A.b\nsignal 11 1 0x10 0\nexception std::runtime_error: no\n"
      "thread 12 0 io thread\nframe 1 0x4f0 /a b/kvd_tests\nframe 0 16 \nunknown word\ncut\n"
      "thread 11 1 kvd_tests\nnote the stack is full\ndone\n");
  EXPECT_EQ(file.test, "A.b");
  EXPECT_EQ(file.signal, SIGSEGV);
  EXPECT_EQ(file.address, 16u);
  EXPECT_EQ(file.exception, "std::runtime_error: no");
  ASSERT_EQ(file.threads.size(), 2u);
  EXPECT_EQ(file.threads[0].name, "io thread");
  ASSERT_EQ(file.threads[0].frames.size(), 2u);
  EXPECT_EQ(file.threads[0].frames[0].module, "/a b/kvd_tests");
  EXPECT_EQ(file.threads[0].frames[0].offset, 0x4f0u);
  EXPECT_TRUE(file.threads[0].frames[0].isExact);
  EXPECT_TRUE(file.threads[0].isCut);
  EXPECT_TRUE(file.threads[1].isMain);
  EXPECT_TRUE(file.isWhole);
}

TEST(StackFileTest, FileThatWasCutHasWhatIsBeforeTheCut) {
  StackFile file = parseStacks("muster stacks 1\nsignal 6 -6 0x0 4711\nthread 1 1 a\nframe 1 0x4");
  EXPECT_EQ(file.signal, SIGABRT);
  EXPECT_EQ(file.sender, 4711);
  ASSERT_EQ(file.threads.size(), 1u);
  EXPECT_THAT(file.threads[0].frames, IsEmpty());
  EXPECT_FALSE(file.isWhole);
  EXPECT_EQ(parseStacks("something else\nsignal 6 0 0 0\n").signal, 0);
  EXPECT_EQ(parseStacks("").signal, 0);
}

TEST(SymbolsTest, AddressIsAFunctionAndALine) {
  auto frames = symbolise({frameOf(reinterpret_cast<void*>(stackOfCaller), true)});
  ASSERT_EQ(frames.size(), 1u);
  const SourceFrame& frame = frames[0].back();
  EXPECT_THAT(frame.function, HasSubstr("stackOfCaller"));
  EXPECT_THAT(frame.file, EndsWith("harness/stacks/stacks_test.cc"));
  EXPECT_GT(frame.line, 0);
}

TEST(SymbolsTest, FunctionIsKnownWithoutAddr2line) {
  auto frames = symbolise({frameOf(reinterpret_cast<void*>(stackOfCaller), true)},
                          {.program = "no-such-addr2line"});
  EXPECT_THAT(frames[0].back().function, HasSubstr("stackOfCaller"));
  EXPECT_EQ(frames[0].back().line, 0);
}

TEST(SymbolsTest, WhatIsNotKnownStaysEmpty) {
  auto frames = symbolise({{"/no/such/library.so", 16, true}, {"", 0, true}, {"/etc/passwd", 1}});
  ASSERT_EQ(frames.size(), 3u);
  for (const auto& frame : frames) {
    ASSERT_EQ(frame.size(), 1u);
    EXPECT_EQ(frame[0].function, "");
    EXPECT_EQ(frame[0].file, "");
  }
  EXPECT_EQ(ElfSymbols("/etc").functionAt(16), "");
}

TEST(SymbolsTest, SourceIsNamedFromTheRootOfItsTree) {
  EXPECT_EQ(treePath("/home/me/kv/build/dev/../../src/kvd.cc"), "src/kvd.cc");
  EXPECT_EQ(treePath("../../src/kvd.cc"), "src/kvd.cc");
  EXPECT_EQ(treePath("/home/me/kv/src/kvd.cc"), "/home/me/kv/src/kvd.cc");
}

TEST(StoryTest, StackIsToldWithoutTheMachinery) {
  StackFile file{.test = "A.b", .signal = SIGSEGV, .code = SEGV_MAPERR, .address = 16};
  file.threads.push_back(stackOfCaller());
  file.isWhole = true;
  Story story = tell(file);
  EXPECT_THAT(story.where, AllOf(StartsWith("in "), HasSubstr("::TestBody() at harness/stacks/")));
  EXPECT_THAT(story.file, EndsWith("stacks_test.cc"));
  EXPECT_THAT(story.text,
              AllOf(StartsWith("SIGSEGV: address 0x10 is not mapped\n"),
                    HasSubstr("thread 7 \"kvd\" (main)\n  #0 "),
                    HasSubstr(" frames of gtest and main)\n"), Not(HasSubstr("RunAllTests"))));
  EXPECT_EQ(story.frames.size(), 1u);
}

TEST(StoryTest, RecursionIsCounted) {
  StackFile file{.signal = SIGABRT, .code = SI_TKILL};
  file.threads.push_back(deepStack(20));
  Story story = tell(file);
  EXPECT_THAT(story.where, HasSubstr("deepStack"));
  EXPECT_THAT(story.text, AllOf(HasSubstr("and 18 more of "), HasSubstr("::TestBody()"),
                                HasSubstr("is not whole")));
}

TEST(StoryTest, WhereIsTheSameForEqualCrashes) {
  StackFile one{.signal = SIGSEGV, .code = SEGV_MAPERR, .address = 16};
  StackFile other{.signal = SIGSEGV, .code = SEGV_MAPERR, .address = 4711};
  for (StackFile* file : {&one, &other}) file->threads.push_back(stackOfCaller());
  other.threads[0].id = 99;
  EXPECT_EQ(tell(one).where, tell(other).where);
}

TEST(StoryTest, FileThatIsNotThereTellsNothing) {
  EXPECT_FALSE(tellFile("/no/such/file"));
  EXPECT_EQ(tell({}).where, "");
}

}  // namespace
}  // namespace harness::stacks
