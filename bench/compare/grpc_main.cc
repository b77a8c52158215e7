// bench_grpc: gRPC C++ as a peer of bench/compare, without TLS.
//   bench_grpc serve          prints {"port": p} and serves on 127.0.0.1 until standard input ends
//   bench_grpc call PORT      a worker like bench_floor: "exec COUNT", "output COUNT", "ping
//   COUNT",
//                             "rate COUNT IN_FLIGHT" and "ping-rate COUNT IN_FLIGHT"
#include <grpcpp/grpcpp.h>

#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "bench/floor/clock.h"
#include "bench/floor/launch.h"
#include "call.grpc.pb.h"

namespace bench {
namespace {

class CallerService final : public Caller::Service {
 public:
  grpc::Status Ping(grpc::ServerContext*, const Nothing*, Nothing*) override {
    return grpc::Status::OK;
  }

  grpc::Status Run(grpc::ServerContext*, const Command* command, Result* result) override {
    std::vector<std::string> argv(command->argv().begin(), command->argv().end());
    Ended ended = launchAndWait(Launch::kPosixSpawn, argv);
    result->set_status(ended.status);
    // The content does not matter to the cost of carrying it.
    if (ended.outputBytes > 0) result->mutable_output()->resize(ended.outputBytes);
    return grpc::Status::OK;
  }
};

int serve() {
  CallerService service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (!server) return 1;
  std::cout << "{\"port\": " << port << "}" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
  }
  server->Shutdown();
  return 0;
}

class Worker {
 public:
  explicit Worker(const std::string& port)
      : stub_(Caller::NewStub(
            grpc::CreateChannel("127.0.0.1:" + port, grpc::InsecureChannelCredentials()))) {}

  void handle(const std::string& line) {
    std::istringstream words(line);
    std::string work;
    size_t count = 0, inFlight = 0;
    words >> work >> count >> inFlight;
    if (work == "ping") {
      times(count, [this] { ping(); });
    } else if (work == "exec") {
      times(count, [this] { run({"/bin/true"}); });
    } else if (work == "output") {
      times(count, [this] { run({"/usr/bin/head", "-c", "1048576", "/dev/zero"}); });
    } else if (work == "rate") {
      Command command;
      command.add_argv("/bin/true");
      many<Result>(count, inFlight, [&](auto* context, auto* queue) {
        return stub_->AsyncRun(context, command, queue);
      });
    } else if (work == "ping-rate") {
      many<Nothing>(count, inFlight, [&](auto* context, auto* queue) {
        return stub_->AsyncPing(context, Nothing(), queue);
      });
    } else {
      throw std::invalid_argument("unknown request: " + line);
    }
  }

 private:
  static void check(const grpc::Status& status) {
    if (!status.ok()) throw std::runtime_error(status.error_message());
  }

  void ping() {
    grpc::ClientContext context;
    Nothing answer;
    check(stub_->Ping(&context, Nothing(), &answer));
  }

  void run(const std::vector<std::string>& argv) {
    grpc::ClientContext context;
    Command command;
    for (const std::string& item : argv) command.add_argv(item);
    Result result;
    check(stub_->Run(&context, command, &result));
  }

  template <typename Call>
  void times(size_t count, Call call) {
    std::ostringstream text;
    for (size_t i = 0; i < count; ++i) {
      Stopwatch watch;
      call();
      text << (i ? ", " : "") << watch.microseconds();
    }
    std::cout << "{\"us\": [" << text.str() << "]}" << std::endl;
  }

  template <typename Answer, typename Begin>
  void many(size_t count, size_t inFlight, Begin begin) {
    struct Call {
      grpc::ClientContext context;
      Answer answer;
      grpc::Status status;
      std::unique_ptr<grpc::ClientAsyncResponseReader<Answer>> reader;
    };
    grpc::CompletionQueue queue;
    size_t started = 0;
    auto start = [&] {
      auto* call = new Call;
      call->reader = begin(&call->context, &queue);
      call->reader->Finish(&call->answer, &call->status, call);
      ++started;
    };
    Stopwatch watch;
    while (started < count && started < inFlight) start();
    for (size_t ended = 0; ended < count; ++ended) {
      void* tag = nullptr;
      bool ok = false;
      queue.Next(&tag, &ok);
      std::unique_ptr<Call> call(static_cast<Call*>(tag));
      check(call->status);
      if (started < count) start();
    }
    std::cout << "{\"seconds\": " << watch.seconds() << "}" << std::endl;
  }

  std::unique_ptr<Caller::Stub> stub_;
};

int call(const std::string& port) {
  Worker worker(port);
  for (std::string line; std::getline(std::cin, line);) worker.handle(line);
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  try {
    if (arguments.size() == 1 && arguments[0] == "serve") return bench::serve();
    if (arguments.size() == 2 && arguments[0] == "call") return bench::call(arguments[1]);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "bench_grpc: %s\n", failure.what());
    return 1;
  }
  std::fprintf(stderr, "usage: bench_grpc serve | call PORT\n");
  return 64;
}
