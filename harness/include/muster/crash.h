// Says within a test which programs may crash on its nodes, and which must.
//
//   ExpectCrash expected({.program = "kvd", .signal = SIGABRT, .reason = "a full disk"}, 5s);
//   Fault full = cluster().faultsOn(servers()).fillDisk("/srv/kvd");
//   client.run({"kvctl", "set", "a", "b"});
//
// Every test on nodes fails if a process of its nodes crashed meanwhile and nobody asked for it: it
// ended by a signal that dumps core, such as SIGSEGV or SIGABRT, the kernel killed it for lack of
// memory, or a sanitizer has reported. The failure names node, program, process, signal and core
// file, and has the stacks of the core where the node has gdb. docs/reference/crashes.md says what
// is found, and where.
//
// Three kinds of ends are the test's own matter and never fail it. The first is that of a command
// whose Result the test was given, by Node::run or Process::wait: it expects of the outcome what it
// wants. The second is a signal that the test sent itself, by Process::signal, Daemon::kill or
// Service::kill. The third is what an object below allows. A Daemon that crashes by itself fails
// the test, also if the test has waited for its end.
//
// Things to get right:
//   * Hold the objects: one that is not held is over at once. Compilers warn of it.
//   * Make them before that which makes the program crash, and keep them until it has ended, by
//     Daemon::wait or by the `within` of ExpectCrash.
//   * A report of a sanitizer counts even if the test was given the command's Result.
//   * Use them on the test thread, and destroy them before the test ends.
#pragma once

#include <chrono>
#include <iosfwd>
#include <memory>
#include <source_location>
#include <string>

namespace muster {

struct CrashRule {
  // Is a pattern as of fnmatch(3) for the program: its path, the last part of that, the name that
  // the kernel keeps (15 bytes at most), or the service of systemd, such as "kvd.service". It is
  // required.
  std::string program = {};

  // Is such a pattern for the node's name.
  std::string nodes = "*";

  // Is the signal. 0 means any, and also reports of sanitizers.
  int signal = 0;

  // Says why the program may crash. It is required.
  std::string reason = {};
};

// Prints the program, the signal and the reason for gtest.
void PrintTo(const CrashRule& rule, std::ostream* out);

// Allows the crashes that come between its construction and its destruction. A rule that has
// allowed none in the whole program is reported when the program ends.
class [[nodiscard]] AllowCrash {
 public:
  using Where = std::source_location;

  // NodeError kInvalid if the rule lacks its program or its reason, if its signal is none, or
  // outside of a test on nodes.
  explicit AllowCrash(const CrashRule& rule, Where where = Where::current());

  // Asks the nodes what crashed, for 30 s at most. A node that does not answer has none.
  ~AllowCrash();
  AllowCrash(const AllowCrash&) = delete;
  AllowCrash& operator=(const AllowCrash&) = delete;

  // Ends the scope now. Later calls and the destructor do nothing.
  void end();

  class Scope;

 private:
  std::unique_ptr<Scope> scope_;
};

// Allows the crashes of the rule too, and expects that at least one comes. If there was none, the
// test fails at the line of the construction, unless an exception ends it.
class [[nodiscard]] ExpectCrash {
 public:
  using Where = std::source_location;

  // Its end waits `within` for the crash. Throws what AllowCrash does.
  explicit ExpectCrash(const CrashRule& rule,
                       std::chrono::nanoseconds within = std::chrono::milliseconds(0),
                       Where where = Where::current());
  ~ExpectCrash();
  ExpectCrash(const ExpectCrash&) = delete;
  ExpectCrash& operator=(const ExpectCrash&) = delete;

  // Ends the expectation now. Later calls and the destructor do nothing.
  void end();

 private:
  std::unique_ptr<AllowCrash::Scope> scope_;
};

}  // namespace muster
