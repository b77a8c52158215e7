#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <optional>

#include <muster/helper.h>

#include "harness/helper/program/thrown.h"
#include "harness/helper/program/watchdog.h"
#include "harness/values/helper_codec.h"

namespace muster {
namespace {

using harness::helperField;
using SteadyClock = std::chrono::steady_clock;

[[noreturn]] void giveUp(const std::string& why) {
  std::fprintf(stderr, "muster_helper: %s\n", why.c_str());
  std::exit(EXIT_FAILURE);
}

// Reads until `size` bytes are there. Returns fewer at the end of the input.
std::string readFully(int fd, size_t size) {
  std::string bytes(size, '\0');
  size_t done = 0;
  while (done < size) {
    ssize_t count = ::read(fd, bytes.data() + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    done += static_cast<size_t>(count);
  }
  bytes.resize(done);
  return bytes;
}

bool writeFully(int fd, const std::string& bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    ssize_t count = ::write(fd, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    done += static_cast<size_t>(count);
  }
  return true;
}

HelperValue text(std::string value) {
  return HelperValue(std::move(value));
}

HelperValue errorOf(const harness::Thrown& thrown) {
  HelperValue::List backtrace;
  for (const harness::ThrownFrame& frame : thrown.frames) {
    if (frame.name.empty()) {
      backtrace.push_back(HelperValue(
          HelperValue::Map{{"address", HelperValue(static_cast<int64_t>(frame.address))}}));
    } else {
      backtrace.push_back(text(frame.name));
    }
  }
  return HelperValue(HelperValue::Map{{"type", text(thrown.type)},
                                      {"message", text(thrown.message)},
                                      {"backtrace", HelperValue(std::move(backtrace))}});
}

}  // namespace

struct Helper::Impl {
  struct Function {
    size_t arguments = 0;
    Call call;
  };

  // Moves standard input and output aside, and puts others in their places.
  Impl() {
    input = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    output = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    bool isMoved = input >= 0 && output >= 0 && null >= 0 && ::dup2(null, STDIN_FILENO) >= 0 &&
                   ::dup2(STDERR_FILENO, STDOUT_FILENO) >= 0;
    if (!isMoved) giveUp("standard input and output are not those of a test");
    if (null > STDERR_FILENO) ::close(null);
    if (::isatty(input) != 0) giveUp("this program is started by a test: see RemoteHelper");
  }

  bool send(const HelperValue::Map& message) {
    // What a function printed is on the node's side before its answer.
    std::fflush(stdout);
    std::cout.flush();
    return writeFully(output, harness::encodeHelperFrame(HelperValue(message)));
  }

  HelperValue perform(const HelperValue& request) {
    const std::string& name = helperField(request, "function").asText();
    const HelperValue::List& arguments = helperField(request, "arguments").asList();
    auto found = functions.find(name);
    if (found == functions.end()) {
      throw std::invalid_argument("there is no function \"" + name + "\"");
    }
    const Function& function = found->second;
    if (function.arguments != arguments.size()) {
      throw HelperTypeError("\"" + name + "\" takes " + std::to_string(function.arguments) +
                            " arguments, got " + std::to_string(arguments.size()));
    }
    std::chrono::nanoseconds allowed(helperField(request, "deadlineNs").asInteger());
    deadline = SteadyClock::now() + allowed;
    watchdog.begin("\"" + name + "\"", *deadline);
    return function.call(arguments);
  }

  // Returns false if the test does not listen any more.
  bool answer(const HelperValue& request) {
    HelperValue::Map reply{{"number", helperField(request, "number")}};
    try {
      reply.emplace("value", perform(request));
    } catch (...) {
      reply.emplace("error", errorOf(harness::currentThrown()));
    }
    watchdog.end();
    deadline.reset();
    try {
      return send(reply);
    } catch (const HelperTypeError& error) {
      reply.erase("value");
      reply.insert_or_assign("error", errorOf({"muster::HelperTypeError", error.what(), {}}));
      return send(reply);
    }
  }

  bool greet() {
    HelperValue::List names;
    for (const auto& [name, function] : functions) names.push_back(text(name));
    return send({{"protocol", HelperValue(harness::kHelperProtocol)},
                 {"functions", HelperValue(std::move(names))}});
  }

  int serve() {
    if (!greet()) return EXIT_FAILURE;
    while (true) {
      std::string header = readFully(input, harness::kHelperFrameHeaderBytes);
      if (header.empty()) return EXIT_SUCCESS;
      if (header.size() < harness::kHelperFrameHeaderBytes) return EXIT_FAILURE;
      size_t size = harness::helperFrameSize(header);
      std::string body = readFully(input, size);
      if (body.size() < size) return EXIT_FAILURE;
      if (!answer(harness::decodeHelperValue(body))) return EXIT_FAILURE;
    }
  }

  int input = -1;
  int output = -1;
  std::map<std::string, Function> functions;
  std::optional<SteadyClock::time_point> deadline;
  harness::Watchdog watchdog;
};

Helper::Helper() : impl_(std::make_unique<Impl>()) {}
Helper::~Helper() = default;

int Helper::serve() {
  try {
    return impl_->serve();
  } catch (const HelperTypeError& error) {
    giveUp(std::string("the test's message: ") + error.what());
  }
}

std::chrono::nanoseconds Helper::remaining() const {
  if (!impl_->deadline) return std::chrono::nanoseconds(0);
  return std::max<std::chrono::nanoseconds>(*impl_->deadline - SteadyClock::now(),
                                            std::chrono::nanoseconds(0));
}

void Helper::addCall(const std::string& name, size_t arguments, Call call) {
  if (name.empty()) throw std::invalid_argument("a function of a helper has no name");
  bool isNew = impl_->functions.emplace(name, Impl::Function{arguments, std::move(call)}).second;
  if (!isNew) throw std::invalid_argument("there are two functions \"" + name + "\" of the helper");
}

}  // namespace muster
