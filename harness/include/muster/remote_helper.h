// A program of the test's own that runs on a node, keeps its state between calls, and is called
// like an object.
//
//   RemoteHelper counter(servers()[0], "counter_helper");
//   EXPECT_EQ(counter.call<int64_t>("add", 5), 5);
//   EXPECT_EQ(counter.call<int64_t>("add", 2), 7);
//
// The program is written with helper.h, or in Python with its module muster_helper. The node gets
// it once: it is kept there under the digest of its content, so that a program that was rebuilt is
// sent again, and one that was not is not. For a command that is called once and prints its result,
// Node::run is simpler.
//
// Things to get right:
//   * It ends with the scope that holds it, and with the test at the latest (HelperOptions).
//   * A call runs exactly once, also when the connection is lost in the middle of it.
//   * A call ends at DeadlineScope::current(). A helper that has not answered by then is killed,
//   and
//     its state is lost: every later call throws NodeError kLost. Make a new RemoteHelper then.
//   * What a function throws is a RemoteError here. The helper and its state stay.
//   * The program is looked for beside the test program, and then in the directories of
//     MUSTER_HELPERS, separated by colons. A name with a slash is a path.
#pragma once

#include <map>
#include <memory>
#include <source_location>
#include <stdexcept>
#include <string>
#include <vector>

#include <muster/helper_conversion.h>
#include <muster/helper_value.h>
#include <muster/node.h>
#include <muster/run_options.h>

namespace muster {

struct HelperOptions {
  // Follow the program's name on its command line.
  std::vector<std::string> arguments = {};

  // Are as those of RunOptions.
  std::map<std::string, std::string> environment = {};
  std::string directory = {};
  std::string user = {};
  std::string group = {};

  // kDetached is NodeError kInvalid: nobody could call it any more.
  CommandLifetime lifetime = CommandLifetime::kTest;
};

// Thrown by RemoteHelper::call when the helper's function has thrown. It is no NodeError, because
// the node did what it was asked. what() has all of it, with the test's line.
class RemoteError : public std::runtime_error {
 public:
  // Holds one exception as the helper described it.
  struct Cause {
    // Is the type's name, such as "std::out_of_range" or "KeyError".
    std::string type = {};

    // Is what() of a std::exception, or the text that was thrown. It is empty for other types.
    std::string message = {};

    // Holds the functions that were being called at the throw, the innermost first, such as
    // "Counter::add(long) at counter_helper.cc:12". It is empty if they are not known.
    std::vector<std::string> backtrace = {};
  };

  RemoteError(const std::string& node, const std::string& helper, const std::string& function,
              Cause cause, std::source_location where = {});

  const std::string& type() const { return cause_.type; }
  const std::string& message() const { return cause_.message; }
  const std::vector<std::string>& backtrace() const { return cause_.backtrace; }

 private:
  Cause cause_;
};

// Names a function of a helper, and notes the test's line. It is made from the name by itself.
struct HelperFunction {
  // NOLINTNEXTLINE(google-explicit-constructor): a text stands for it.
  HelperFunction(const char* functionName,
                 std::source_location callSite = std::source_location::current())
      : name(functionName), where(callSite) {}

  std::string name;
  std::source_location where;
};

// Owns one running helper. Call from one thread at a time. A RemoteHelper that was moved from may
// only be destroyed or assigned to. It is valid as long as the cluster of its node.
class RemoteHelper {
 public:
  using Where = std::source_location;

  // Brings the program to the node, starts it, and waits until it serves. NodeError, before
  // anything is changed: kNotFound if there is no such program here, kInvalid if it is none, and
  // kUnsupported if the node cannot run it, such as one of another architecture. kCommandFailed if
  // it ends, or speaks another version of the protocol.
  RemoteHelper(const Node& node, const std::string& program, const HelperOptions& options = {},
               Where where = Where::current());

  // Tells the helper that there are no more calls, and waits up to two seconds until it has ended;
  // then it is killed, with everything that it started. Never throws.
  ~RemoteHelper();
  RemoteHelper(RemoteHelper&& other) noexcept;
  RemoteHelper& operator=(RemoteHelper&& other) noexcept;

  // Calls a function of the helper and returns its result as a `Result`, one of the types that
  // helper_conversion.h lists. RemoteError if the function threw; NodeError kInvalid if there is no
  // such function, or its result is of another type, kTimeout if it did not answer in time, kLost
  // or kCommandFailed if the helper has ended, with its outcome and the last lines of its standard
  // error.
  template <typename Result = void, typename... Arguments>
  Result call(const HelperFunction& function, const Arguments&... arguments) {
    HelperValue value = callValue(function, {toHelperValue(arguments)...});
    if constexpr (!std::is_void_v<Result>) {
      try {
        return fromHelperValue<Result>(value);
      } catch (const HelperTypeError& error) {
        failResult(function, error.what());
      }
    }
  }

  // Calls a function without conversions.
  HelperValue callValue(const HelperFunction& function, HelperValue::List arguments);

  // Returns the names of the helper's functions, sorted, without asking it.
  std::vector<std::string> functions() const;

  // Returns the helper's process number on the node.
  int pid() const;

  // Returns the last 64 KiB of what it wrote on standard error and output, as they are on the node
  // now. NodeError kUnreachable if the node does not answer.
  std::string errors(Where where = Where::current());

 private:
  struct Impl;
  [[noreturn]] void failResult(const HelperFunction& function, const std::string& why) const;

  std::unique_ptr<Impl> impl_;
};

// Prints node, program and pid for gtest.
void PrintTo(const RemoteHelper& helper, std::ostream* out);

}  // namespace muster
