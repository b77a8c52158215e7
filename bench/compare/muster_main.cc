// bench_muster runs Muster's controller as a worker of bench/compare. It makes the blocking calls
// that tests use and nothing below them, except for "ping". Each request is one line, and is
// answered with one line of JSON:
//   node NAME unix PATH | node NAME tcp ADDRESS PORT | node NAME tls ADDRESS PORT AUTHORITY
//   CERTIFICATE KEY
//                                 {}  adds a node; the first one is where single commands run
//   pki DIRECTORY COUNT           {}  makes an authority, nodes n1 to nCOUNT and client
//   connect COUNT                 {"seconds": s}  until COUNT nodes are connected
//   ping COUNT                    {"us": [...]}   Session.ping, sent from the io thread
//   ping-rate COUNT IN_FLIGHT     {"seconds": s}
//   ping-all COUNT AWAITED        {"seconds": s}  one ping to each of COUNT nodes at once, until
//                                 the first AWAITED of them have answered
//   reconnect COUNT               {"us": [...]}   from the loss of a connection to the next answer
//   exec COUNT | output COUNT     {"us": [...]}
//   output-big BYTES              {"seconds": s}  a command that writes BYTES, taken as it comes
//   rate COUNT IN_FLIGHT          {"seconds": s}
//   fan-out COUNT                 {"seconds": s}  /bin/true on the first COUNT nodes
//   push-file|pull-file|push-tree|pull-tree FROM TO   {"seconds": s}
//   disconnect-all                {"seconds": s}  ends all sessions
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "bench/floor/clock.h"
#include "bench/muster/pings.h"
#include "harness/rpc/controller.h"
#include "harness/rpc/file/copy.h"
#include "harness/rpc/job/jobs.h"
#include "schema/support/tls/pki.h"

namespace bench {
namespace {

constexpr std::chrono::seconds kCallMax{120};

harness::SteadyTime soon() {
  return std::chrono::steady_clock::now() + kCallMax;
}

harness::JobRequest request(const std::vector<std::string>& argv) {
  harness::JobRequest made;
  made.argv = argv;
  made.options.deadline = kCallMax;
  return made;
}

const std::vector<std::string> kTrue = {"/bin/true"};
const std::vector<std::string> kOneMebibyte = {"/usr/bin/head", "-c", "1048576", "/dev/zero"};

std::string answer(double seconds) {
  return "{\"seconds\": " + std::to_string(seconds) + "}";
}

std::string answer(const std::vector<double>& microseconds) {
  std::ostringstream text;
  text << "{\"us\": [";
  for (size_t i = 0; i < microseconds.size(); ++i) text << (i ? ", " : "") << microseconds[i];
  return text.str() + "]}";
}

class Worker {
 public:
  std::string handle(const std::string& line) {
    std::istringstream words(line);
    std::string work;
    words >> work;
    if (work == "node") return addNode(words);
    if (work == "pki") return makeCertificates(words);
    if (work == "disconnect-all") {
      Stopwatch watch;
      controller_.closeAll(soon());
      return answer(watch.seconds());
    }
    if (work.find("-file") != std::string::npos || work.find("-tree") != std::string::npos) {
      std::string from, to;
      words >> from >> to;
      return answer(transfer(work, from, to));
    }
    size_t count = 0, inFlight = 1;
    words >> count >> inFlight;
    if (work == "connect") return answer(connect(count));
    if (work == "ping") return answer(pings().sequence(count));
    if (work == "ping-rate") return answer(pings().many(count, inFlight));
    if (work == "ping-all") return answer(pingsOf(count).all(inFlight));
    if (work == "reconnect") return answer(reconnects(count));
    if (work == "output-big") return answer(bigOutput(count));
    if (work == "exec") return answer(runs(kTrue, count));
    if (work == "output") return answer(runs(kOneMebibyte, count));
    if (work == "rate") return answer(rate(count, inFlight));
    if (work == "fan-out") return answer(fanOut(nodes(count)));
    throw std::invalid_argument("unknown request: " + line);
  }

 private:
  std::string addNode(std::istringstream& words) {
    harness::NodeDescription node;
    std::string kind;
    std::string address;
    std::string port;
    words >> node.name >> kind >> address;
    if (kind != "unix") words >> port;
    node.route.endpoint =
        support::Endpoint::parse(kind + ":" + address + (port.empty() ? "" : ":" + port));
    if (kind == "tls") {
      harness::TlsFiles& tls = node.route.tls;
      words >> tls.authority >> tls.certificate >> tls.key;
    }
    descriptions_.push_back(node);
    return "{}";
  }

  static void store(const std::string& path, const std::string& text) {
    std::ofstream file(path);
    std::filesystem::permissions(
        path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    file << text;
  }

  static std::string makeCertificates(std::istringstream& words) {
    std::string directory;
    size_t count = 0;
    words >> directory >> count;
    auto authority = support::Authority::make("bench");
    store(directory + "/authority.pem", authority.certificate());
    auto storePair = [&](const std::string& name, const support::KeyPair& pair) {
      store(directory + "/" + name + ".pem", pair.certificate);
      store(directory + "/" + name + ".key", pair.key);
    };
    storePair("client", authority.issueClient("operator:bench"));
    for (size_t i = 1; i <= count; ++i) {
      std::string name = "n" + std::to_string(i);
      storePair(name, authority.issueNode(name));
    }
    return "{}";
  }

  harness::ControllerNode& first() { return *nodes(1)[0]; }

  Pings& pings() {
    if (!pings_) pings_ = std::make_unique<Pings>(std::vector{descriptions_.at(0)});
    return *pings_;
  }

  Pings& pingsOf(size_t count) {
    if (count > descriptions_.size()) throw std::invalid_argument("so many nodes were not named");
    auto& found = pingsOf_[count];
    auto end = descriptions_.begin() + static_cast<std::ptrdiff_t>(count);
    if (!found) found = std::make_unique<Pings>(std::vector(descriptions_.begin(), end));
    return *found;
  }

  std::vector<double> reconnects(size_t count) {
    std::vector<double> times;
    for (size_t i = 0; i < count; ++i) times.push_back(pings().reconnect() * 1e6);
    return times;
  }

  double bigOutput(size_t bytes) {
    harness::JobRequest job = request({"/usr/bin/head", "-c", std::to_string(bytes), "/dev/zero"});
    job.output = harness::JobOutput::kTake;
    Stopwatch watch;
    auto running = harness::rpc::Jobs(first()).start(job, soon());
    size_t received = 0;
    while (!running.ended() && running.pull(harness::PullUntil::kChange, soon())) {
      received += running.takeOut().size();
    }
    if (received != bytes) throw std::runtime_error("not all of the output arrived");
    running.release();
    return watch.seconds();
  }

  std::vector<harness::ControllerNode*> nodes(size_t count) {
    connect(count);
    return {nodes_.begin(), nodes_.begin() + static_cast<std::ptrdiff_t>(count)};
  }

  double connect(size_t count) {
    Stopwatch watch;
    if (count > descriptions_.size()) throw std::invalid_argument("so many nodes were not named");
    if (count <= nodes_.size()) return 0;
    while (nodes_.size() < count) {
      nodes_.push_back(&controller_.connect(descriptions_[nodes_.size()]));
    }
    for (auto& failure : controller_.awaitAll(nodes_, soon())) {
      if (failure) throw *failure;
    }
    return watch.seconds();
  }

  std::vector<double> runs(const std::vector<std::string>& argv, size_t count) {
    harness::ControllerNode& node = first();
    harness::JobRequest job = request(argv);
    std::vector<double> times;
    for (size_t i = 0; i < count; ++i) {
      Stopwatch watch;
      muster::Result result = harness::rpc::Jobs(node).run(job, soon());
      times.push_back(watch.microseconds());
      if (!result.succeeded()) throw std::runtime_error(muster::describe(result));
    }
    return times;
  }

  double fanOut(const std::vector<harness::ControllerNode*>& targets) {
    Stopwatch watch;
    auto answers = harness::rpc::runOnAll(targets, request(kTrue), soon());
    double seconds = watch.seconds();
    for (const auto& one : answers) {
      if (const auto* failure = std::get_if<muster::NodeError>(&one)) throw *failure;
      if (!std::get<muster::Result>(one).succeeded()) {
        throw std::runtime_error(muster::describe(std::get<muster::Result>(one)));
      }
    }
    return seconds;
  }

  // Runs `count` commands on the first node, `inFlight` at a time, wave after wave.
  double rate(size_t count, size_t inFlight) {
    double seconds = 0;
    for (size_t done = 0; done < count; done += inFlight) {
      seconds +=
          fanOut(std::vector<harness::ControllerNode*>(std::min(inFlight, count - done), &first()));
    }
    return seconds;
  }

  double transfer(const std::string& work, const std::string& from, const std::string& to) {
    harness::CopyOptions options;
    if (work.ends_with("-tree")) options.what = harness::CopyOptions::What::kTree;
    Stopwatch watch;
    if (work.starts_with("push-")) {
      harness::copy({nullptr, from}, {&first(), to}, options, soon());
    } else if (work.starts_with("pull-")) {
      harness::copy({&first(), from}, {nullptr, to}, options, soon());
    } else {
      throw std::invalid_argument("unknown request: " + work);
    }
    return watch.seconds();
  }

  harness::Controller controller_;
  std::vector<harness::NodeDescription> descriptions_;
  std::vector<harness::ControllerNode*> nodes_;  // The first of them.
  std::unique_ptr<Pings> pings_;
  std::map<size_t, std::unique_ptr<Pings>> pingsOf_;  // By the number of nodes.
};

}  // namespace
}  // namespace bench

int main() {
  bench::Worker worker;
  for (std::string line; std::getline(std::cin, line);) {
    try {
      std::cout << worker.handle(line) << std::endl;
    } catch (const std::exception& failure) {
      std::fprintf(stderr, "bench_muster: %s: %s\n", line.c_str(), failure.what());
      std::cout << "{\"error\": \"" << line << ": see standard error\"}" << std::endl;
    }
  }
  return 0;
}
