#include <algorithm>
#include <optional>
#include <ostream>
#include <utility>

#include <muster/deadline.h>
#include <muster/remote_helper.h>

#include "harness/api/access.h"
#include "harness/api/call_site.h"
#include "harness/api/request.h"
#include "harness/helper/program_file.h"
#include "harness/helper/python_module.h"
#include "harness/rpc/facts/facts.h"
#include "harness/rpc/file/files.h"
#include "harness/rpc/helper/helpers.h"
#include "harness/rpc/job/jobs.h"
#include "harness/values/failure_text.h"
#include "harness/values/helper_codec.h"
#include "schema/support/base/text.h"

namespace muster {
namespace {

using harness::at;
using harness::ControllerNode;
using harness::helperField;
using harness::PullUntil;
using harness::helper::ProgramFile;
using Kind = NodeError::Kind;

constexpr size_t kErrorBytesMax = 64 << 10;
constexpr std::chrono::seconds kStartMax{30};
constexpr const char* kHowToWrite =
    "; a helper is written with <muster/helper.h> or muster_helper.py, makes its Helper before it "
    "prints, and has functions";
constexpr std::chrono::seconds kEndMax{2};

SteadyTime now() {
  return std::chrono::steady_clock::now();
}

// Our own frames say nothing about the helper.
bool isMachinery(const std::string& function) {
  for (const char* prefix : {"std::_Function_handler", "std::function<", "std::__invoke",
                             "std::enable_if<", "muster::Helper::", "muster::helper_internal::",
                             "std::__throw_", "__libc_start", "_start"}) {
    if (function.starts_with(prefix)) return true;
  }
  return function.find(" std::__invoke") != std::string::npos ||
         function.find("muster::Helper::") != std::string::npos;
}

std::vector<std::string> backtraceOf(const HelperValue& items, const std::string& program) {
  std::vector<uint64_t> addresses;
  std::vector<std::string> texts;
  for (const HelperValue& item : items.asList()) {
    if (const auto* text = item.get<std::string>()) {
      texts.push_back(*text);
    } else {
      addresses.push_back(static_cast<uint64_t>(helperField(item, "address").asInteger()));
    }
  }
  if (!addresses.empty()) {
    // The other objects have nothing to tell but how the C library starts main.
    texts.clear();
    for (std::string& each : harness::helper::functionsAt(program, addresses)) {
      if (!isMachinery(each)) texts.push_back(std::move(each));
    }
  }
  return texts;
}

std::string remoteErrorText(const std::string& node, const std::string& helper,
                            const std::string& function, const RemoteError::Cause& cause,
                            const std::source_location& where) {
  std::string text = "node " + node + ": helper " + helper + ": call " +
                     harness::inQuotes(function) + ": threw " + cause.type;
  if (!cause.message.empty()) text += ": " + cause.message;
  for (const std::string& frame : cause.backtrace) text += "\n  in " + frame;
  return support::printable(text, support::Lines::kMany) + harness::locationText(where);
}

}  // namespace

RemoteError::RemoteError(const std::string& node, const std::string& helper,
                         const std::string& function, Cause cause, std::source_location where)
    : std::runtime_error(remoteErrorText(node, helper, function, cause, where)),
      cause_(std::move(cause)) {}

struct RemoteHelper::Impl {
  Impl(ControllerNode& ofNode, const std::string& program, const HelperOptions& options)
      : node(ofNode), file(harness::helper::findProgram(program)) {
    if (options.lifetime == CommandLifetime::kDetached) {
      fail(Kind::kInvalid, "start", "lifetime: kDetached, but nobody could call it any more");
    }
    SteadyTime until = std::min(DeadlineScope::current(), now() + kStartMax);
    requireFitting(until);
    job.emplace(harness::rpc::Jobs(node).start(requestFor(options, until), until));
    awaitGreeting(until);
  }

  [[noreturn]] void fail(Kind kind, const std::string& verb, const std::string& detail) const {
    throw NodeError(kind, node.description().name, verb + " helper " + file.name, detail);
  }

  // Asks the node, and changes nothing there.
  void requireFitting(SteadyTime until) {
    std::string why =
        harness::helper::whyNotOn(file, harness::rpc::Facts(node).read(until).architecture);
    if (!why.empty()) fail(Kind::kUnsupported, "start", why);
    bool needsLoader = file.kind == ProgramFile::Kind::kElf && !file.interpreter.empty();
    if (needsLoader &&
        !harness::rpc::Files(node).stat(file.interpreter, SymlinkPolicy::kFollow, until)) {
      fail(Kind::kUnsupported, "start",
           "the program needs the loader " + harness::inQuotes(file.interpreter) +
               ", which the node does not have; build it with muster_helper(… STATIC)");
    }
    if (file.kind != ProgramFile::Kind::kPython) return;
    RunOptions options;
    options.lifetime = CommandLifetime::kSession;
    harness::JobRequest request =
        harness::requestOf({"python3", "-c", "import sys; sys.exit(sys.version_info < (3, 6))"},
                           options, node.description().name);
    Result result = harness::rpc::Jobs(node).run(std::move(request), until);
    if (result.succeeded()) return;
    bool isAbsent = result.outcome.kind() == Outcome::Kind::kNotStarted;
    fail(Kind::kUnsupported, "start",
         isAbsent ? "the node has no python3" : "python3 of the node is older than 3.6");
  }

  harness::JobRequest requestFor(const HelperOptions& options, SteadyTime until) const {
    harness::rpc::Helpers helpers(node);
    Argv argv;
    if (file.kind == ProgramFile::Kind::kPython) {
      argv = {"python3", helpers.place(harness::helper::kPythonModule, until),
              helpers.place(file.content, until), file.name};
    } else {
      argv = {helpers.place(file.content, until)};
    }
    argv.insert(argv.end(), options.arguments.begin(), options.arguments.end());
    RunOptions run;
    run.environment = options.environment;
    run.directory = options.directory;
    run.user = options.user;
    run.group = options.group;
    run.lifetime = options.lifetime;
    run.labels["helper"] = file.name.substr(0, 100);
    harness::JobRequest request = harness::unboundedRequestOf(argv, run, node.description().name);
    request.input = harness::JobInput::kStream;
    request.output = harness::JobOutput::kTake;
    return request;
  }

  void awaitGreeting(SteadyTime until) {
    std::optional<HelperValue> greeting = nextFrame("start", until);
    if (!greeting) {
      kill("did not begin to serve in time");
      fail(Kind::kTimeout, "start", over);
    }
    try {
      int64_t protocol = helperField(*greeting, "protocol").asInteger();
      if (protocol != harness::kHelperProtocol) {
        kill("speaks another version of the protocol");
        fail(Kind::kCommandFailed, "start",
             "it speaks version " + std::to_string(protocol) + " of the protocol, and the test " +
                 std::to_string(harness::kHelperProtocol) + "; build both again");
      }
      functions = fromHelperValue<std::vector<std::string>>(helperField(*greeting, "functions"));
    } catch (const HelperTypeError& error) {
      failConversation("start", error.what());
    }
    std::sort(functions.begin(), functions.end());
  }

  // Absent: `until` came first. Throws if the helper has ended.
  std::optional<HelperValue> nextFrame(const std::string& verb, SteadyTime until) {
    while (true) {
      // Output also comes with the answers of other calls.
      take();
      try {
        if (auto frame = harness::takeHelperFrame(received)) return frame;
      } catch (const HelperTypeError& error) {
        failConversation(verb, error.what());
      }
      if (job->ended()) {
        over = describeEnd();
        bool isGreeted = !functions.empty();
        fail(Kind::kCommandFailed, verb, over + (isGreeted ? "" : kHowToWrite));
      }
      if (!job->pull(PullUntil::kChange, until)) return std::nullopt;
    }
  }

  void take() {
    received += job->takeOut();
    errors += job->takeErr();
    if (errors.size() > kErrorBytesMax) errors.erase(0, errors.size() - kErrorBytesMax);
  }

  std::string describeEnd() const {
    Result shown = job->result();
    shown.out.clear();
    shown.err = errors;
    return "the helper " + toString(shown.outcome) + "; its state is lost" +
           harness::lastLinesText(shown);
  }

  // Whatever came is no answer, so nothing that follows can be one.
  [[noreturn]] void failConversation(const std::string& verb, const std::string& why) {
    kill("sent what is no answer");
    fail(Kind::kCommandFailed, verb, "it sent what is no answer: " + why + kHowToWrite);
  }

  void kill(const std::string& why) {
    over = "the helper " + why + "; it was killed, and its state is lost";
    job->cancelLater(std::chrono::nanoseconds(0));
  }

  HelperValue call(const std::string& name, HelperValue::List arguments) {
    std::string verb = "call " + harness::inQuotes(name) + " of";
    if (!over.empty()) fail(Kind::kLost, verb, over);
    if (!std::binary_search(functions.begin(), functions.end(), name)) {
      fail(Kind::kInvalid, verb,
           "there is no such function; it has " + harness::joined(functions, ", "));
    }
    std::chrono::nanoseconds allowed = DeadlineScope::remaining();
    SteadyTime until = now() + allowed;
    if (allowed.count() == 0) {
      fail(Kind::kTimeout, verb, "not begun: the time of the test or of the scope is over");
    }
    HelperValue::Map request{{"number", HelperValue(++calls)},
                             {"function", HelperValue(name)},
                             {"deadlineNs", HelperValue(int64_t{allowed.count()})},
                             {"arguments", HelperValue(std::move(arguments))}};
    std::string frame;
    try {
      frame = harness::encodeHelperFrame(HelperValue(std::move(request)));
    } catch (const HelperTypeError& error) {
      fail(Kind::kInvalid, verb, std::string("the arguments: ") + error.what());
    }
    return answerOf(verb, exchange(verb, frame, until, allowed));
  }

  // A call that has no answer leaves a helper of which nobody knows what it has done.
  HelperValue exchange(const std::string& verb, const std::string& frame, SteadyTime until,
                       std::chrono::nanoseconds allowed) {
    std::optional<HelperValue> answer;
    try {
      job->writeInput(frame, until);
      answer = nextFrame(verb, until);
    } catch (const NodeError& error) {
      take();
      if (over.empty()) kill("had not answered " + verb + " it: " + toString(error.kind()));
      throw;
    }
    if (answer) return *answer;
    kill("did not answer within " + harness::durationText(allowed));
    fail(Kind::kTimeout, verb, over);
  }

  HelperValue answerOf(const std::string& verb, const HelperValue& answer) {
    try {
      if (helperField(answer, "number").asInteger() != calls) {
        throw HelperTypeError("the answer is of another call");
      }
      auto error = answer.asMap().find("error");
      if (error == answer.asMap().end()) return helperField(answer, "value");
      RemoteError::Cause cause;
      cause.type = helperField(error->second, "type").asText();
      cause.message = helperField(error->second, "message").asText();
      cause.backtrace = backtraceOf(helperField(error->second, "backtrace"), file.path);
      thrown.emplace(std::move(cause));
    } catch (const HelperTypeError& error) {
      failConversation(verb, error.what());
    }
    return HelperValue();
  }

  // Lets main of the helper return, so that its destructors run.
  void end() noexcept {
    if (!job) return;
    try {
      SteadyTime until = now() + kEndMax;
      if (over.empty() && !job->ended() && !job->closed()) {
        job->closeInput(until);
        while (!job->ended() && job->pull(PullUntil::kEnded, until)) take();
      }
    } catch (const std::exception&) {
      // A destructor cannot report it; the node ends the helper by its session.
    }
    bool isLeft = !job->ended() || job->result().leftRunning > 0;
    if (isLeft && !job->closed()) job->cancelLater(std::chrono::nanoseconds(0));
    job->release();
  }

  ControllerNode& node;
  const ProgramFile file;
  std::optional<harness::rpc::Job> job;

  std::vector<std::string> functions;
  int64_t calls = 0;

  // Bytes of standard output that are no whole frame yet, and the end of standard error.
  std::string received;
  std::string errors;

  // What the last call threw, until it is thrown here.
  std::optional<RemoteError::Cause> thrown;

  // Why no call can be made any more. Empty: the helper serves.
  std::string over;
};

RemoteHelper::RemoteHelper(const Node& node, const std::string& program,
                           const HelperOptions& options, Where where)
    : impl_(at(where, [&] {
        auto& behind = harness::ApiAccess::behind(node);
        return std::make_unique<Impl>(behind, program, options);
      })) {}

RemoteHelper::RemoteHelper(RemoteHelper&& other) noexcept = default;

RemoteHelper::~RemoteHelper() {
  if (impl_) impl_->end();
}

RemoteHelper& RemoteHelper::operator=(RemoteHelper&& other) noexcept {
  if (this == &other) return *this;
  if (impl_) impl_->end();
  impl_ = std::move(other.impl_);
  return *this;
}

HelperValue RemoteHelper::callValue(const HelperFunction& function, HelperValue::List arguments) {
  HelperValue value =
      at(function.where, [&] { return impl_->call(function.name, std::move(arguments)); });
  if (auto cause = std::exchange(impl_->thrown, std::nullopt)) {
    throw RemoteError(impl_->node.description().name, impl_->file.name, function.name,
                      std::move(*cause), function.where);
  }
  return value;
}

void RemoteHelper::failResult(const HelperFunction& function, const std::string& why) const {
  throw NodeError(Kind::kInvalid, impl_->node.description().name,
                  "call " + harness::inQuotes(function.name) + " of helper " + impl_->file.name,
                  "the result: " + why, 0, function.where);
}

std::vector<std::string> RemoteHelper::functions() const {
  return impl_->functions;
}

int RemoteHelper::pid() const {
  return impl_->job->result().pid;
}

std::string RemoteHelper::errors(Where where) {
  at(where, [&] {
    impl_->job->refresh(DeadlineScope::current());
    impl_->take();
  });
  return impl_->errors;
}

void PrintTo(const RemoteHelper& helper, std::ostream* out) {
  *out << "a helper of " << helper.functions().size() << " functions, pid " << helper.pid();
}

}  // namespace muster
