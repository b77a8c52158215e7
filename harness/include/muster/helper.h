// The helper's own side: a small program that a test starts on a node, and whose functions the test
// calls (remote_helper.h).
//
//   #include <muster/helper.h>
//
//   int main() {
//     muster::Helper helper;
//     int64_t sum = 0;
//     helper.on("add", [&](int64_t by) { return sum += by; });
//     return helper.serve();
//   }
//
// Build it with muster_helper(NAME SOURCES …), or name its source behind HELPERS of
// muster_component(). It needs nothing of the rest of Muster, and nothing on the node but a C
// library.
//
// Things to get right:
//   * State lives in variables of main, and lasts until the RemoteHelper is destroyed.
//   * One call runs at a time, on the thread of serve().
//   * What a function throws arrives in the test as RemoteError, with the stack at the throw.
//   * Make the Helper first: from then on standard output is standard error, so that printing
//     cannot disturb the conversation, and standard input is empty.
//   * A function that runs beyond the deadline of its call is ended, with the whole program.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include <muster/helper_conversion.h>
#include <muster/helper_value.h>

namespace muster {

// One in a program.
class Helper {
 public:
  // Takes standard input and output for the conversation with the test.
  Helper();
  ~Helper();
  Helper(const Helper&) = delete;
  Helper& operator=(const Helper&) = delete;

  // Lets the test call `function`, a lambda or a function of types that helper_conversion.h lists,
  // by this name. std::invalid_argument if the name is empty or taken.
  template <typename Function>
  Helper& on(const std::string& name, Function function) {
    return add(name, std::function(std::move(function)));
  }

  // Serves calls until the test has no more. Returns the exit status for main: 0, or 1 if the
  // conversation broke off.
  int serve();

  // Returns the time that is left for the running call, for functions that can end early. Without
  // a call it is zero.
  std::chrono::nanoseconds remaining() const;

 private:
  struct Impl;
  using Call = std::function<HelperValue(const HelperValue::List& arguments)>;

  template <typename Result, typename... Arguments>
  Helper& add(const std::string& name, std::function<Result(Arguments...)> function) {
    addCall(name, sizeof...(Arguments),
            [function = std::move(function)](const HelperValue::List& values) {
              return apply(function, values, std::index_sequence_for<Arguments...>());
            });
    return *this;
  }

  template <typename Result, typename... Arguments, size_t... Places>
  static HelperValue apply(const std::function<Result(Arguments...)>& function,
                           [[maybe_unused]] const HelperValue::List& values,
                           std::index_sequence<Places...>) {
    // In braces, the arguments are converted in order, so that the first wrong one is named.
    std::tuple<std::decay_t<Arguments>...> arguments{
        argument<std::decay_t<Arguments>>(values, Places)...};
    if constexpr (std::is_void_v<Result>) {
      function(std::get<Places>(arguments)...);
      return HelperValue();
    } else {
      return toHelperValue<std::decay_t<Result>>(function(std::get<Places>(arguments)...));
    }
  }

  template <typename T>
  static T argument(const HelperValue::List& values, size_t place) {
    try {
      return fromHelperValue<T>(values[place]);
    } catch (const HelperTypeError& error) {
      throw HelperTypeError("argument " + std::to_string(place + 1) + ": " + error.what());
    }
  }

  void addCall(const std::string& name, size_t arguments, Call call);

  std::unique_ptr<Impl> impl_;
};

}  // namespace muster
