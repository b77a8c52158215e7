// Reads what a test program has written about its threads in the moment in which it crashed, exited
// or was asked where it is (harness/fixture/stack_writer.h). Addresses become functions elsewhere
// (symbols.h).
//
// A file has lines of a word and its values; what reads it passes over words that it does not know:
//
//   muster stacks 1                the format; the first line
//   test SUITE.NAME                the test that ran
//   signal NUMBER CODE ADDRESS PID si_code and si_addr, and the process that sent it
//   exit CALL                      the program called exit, quick_exit, _exit or _Exit
//   exception TEXT                 the exception that nobody caught
//   asked TEXT                     somebody wanted to know where the threads are
//   thread ID IS_MAIN NAME         what follows is of this thread
//   frame IS_EXACT OFFSET MODULE   an address as its offset in a file. It is one of an instruction
//                                  that was to run, or else the one behind a call
//   cut                            there are more frames than these
//   note TEXT
//   done                           the file is whole
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace harness::stacks {

// What follows the path of a record in the names of these files, which are beside it.
inline constexpr char kCrashSuffix[] = ".crash";
inline constexpr char kThreadsSuffix[] = ".threads";

inline constexpr char kFormat[] = "muster stacks 1";

struct RawFrame {
  // The path of the program or library. Empty: the address is in none of them.
  std::string module = {};

  // That of the address from the begin of the module, as its symbols count.
  uint64_t offset = 0;

  // The instruction itself is meant, and not the one behind a call.
  bool isExact = false;
};

struct ThreadStack {
  int64_t id = 0;
  std::string name = {};
  bool isMain = false;

  // The innermost first.
  std::vector<RawFrame> frames = {};

  // It has more frames than these.
  bool isCut = false;
};

struct StackFile {
  // SUITE.NAME. Empty: no test ran.
  std::string test = {};

  // The signal that ends the program, si_code, si_addr and si_pid. 0: there was none.
  int signal = 0;
  int code = 0;
  uint64_t address = 0;
  int64_t sender = 0;

  // The call by which the program wants to exit. Empty: it does not.
  std::string exit = {};

  // The type and text of an exception that nobody caught. Empty: there was none.
  std::string exception = {};

  // Why the threads were asked where they are. Empty: they were not.
  std::string asked = {};

  // The one that crashed comes first.
  std::vector<ThreadStack> threads = {};

  std::vector<std::string> notes = {};
  bool isWhole = false;
};

// Reads whatever there is of a file. One that was cut or is none of this format has less.
StackFile parseStacks(std::string_view content);

}  // namespace harness::stacks
