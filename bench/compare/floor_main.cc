// bench_floor: the floors as a worker of bench/compare. Reads one request a line from standard
// input and answers each with one line of JSON on standard output:
//   exec|exec-vfork COUNT      {"us": [...]}   run /bin/true
//   output COUNT               {"us": [...]}   run a command that writes 1 MiB
//   rate COUNT THREADS         {"seconds": s}  run /bin/true COUNT times, THREADS at once
//   ping unix|tcp|tls COUNT    {"us": [...]}
//   stream unix|tcp|tls BYTES  {"seconds": s}
//   file tcp|tls FROM TO       {"seconds": s}
//   relays NODES               {"seconds": s}  a few bytes to each of NODES pairs of processes, and
//                              back
#include <cstdio>
#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "bench/floor/channel.h"
#include "bench/floor/clock.h"
#include "bench/floor/launch.h"
#include "bench/floor/relays.h"

namespace bench {
namespace {

void answerTimes(const std::vector<double>& microseconds) {
  std::ostringstream text;
  text << "{\"us\": [";
  for (size_t i = 0; i < microseconds.size(); ++i) text << (i ? ", " : "") << microseconds[i];
  std::cout << text.str() << "]}" << std::endl;
}

void answerSeconds(double seconds) {
  std::cout << "{\"seconds\": " << seconds << "}" << std::endl;
}

std::vector<double> launches(Launch how, const std::vector<std::string>& argv, size_t count) {
  std::vector<double> times;
  for (size_t i = 0; i < count; ++i) {
    Stopwatch watch;
    launchAndWait(how, argv);
    times.push_back(watch.microseconds());
  }
  return times;
}

// Keeps peers from one request to the next, so that only the first pays for the connection.
class Floor {
 public:
  void handle(const std::string& line) {
    std::istringstream words(line);
    std::string work, transport, from, to;
    size_t count = 0, threads = 0;
    words >> work;
    if (work == "exec" || work == "exec-vfork") {
      words >> count;
      Launch how = work == "exec" ? Launch::kPosixSpawn : Launch::kCloneVfork;
      answerTimes(launches(how, {"/bin/true"}, count));
    } else if (work == "output") {
      words >> count;
      answerTimes(
          launches(Launch::kPosixSpawn, {"/usr/bin/head", "-c", "1048576", "/dev/zero"}, count));
    } else if (work == "rate") {
      words >> count >> threads;
      answerSeconds(launchMany(Launch::kPosixSpawn, {"/bin/true"}, count, threads));
    } else if (work == "ping") {
      words >> transport >> count;
      Channel& echo = peer(work, transport, serveEcho);
      std::vector<double> times;
      for (size_t i = 0; i < count; ++i) times.push_back(pingMicroseconds(echo));
      answerTimes(times);
    } else if (work == "stream") {
      words >> transport >> count;
      answerSeconds(receiveSeconds(peer(work, transport, serveSource), count));
    } else if (work == "relays") {
      words >> count;
      if (!relays_ || relays_->count() != count) relays_ = std::make_unique<Relays>(count);
      answerSeconds(relays_->ask());
    } else if (work == "file") {
      words >> transport >> from >> to;
      answerSeconds(sendFileSeconds(peer(work, transport, serveFileSink), from, to));
    } else {
      throw std::invalid_argument("unknown request: " + line);
    }
  }

 private:
  Channel& peer(const std::string& work, const std::string& transport,
                const std::function<void(Channel&)>& serve) {
    auto& found = peers_[work + transport];
    if (!found) found = std::make_unique<Peer>(transportOf(transport), serve);
    return found->channel();
  }

  std::map<std::string, std::unique_ptr<Peer>> peers_;
  std::unique_ptr<Relays> relays_;
};

}  // namespace
}  // namespace bench

int main() {
  bench::Floor floor;
  for (std::string line; std::getline(std::cin, line);) {
    try {
      floor.handle(line);
    } catch (const std::exception& failure) {
      std::fprintf(stderr, "bench_floor: %s: %s\n", line.c_str(), failure.what());
      return 1;
    }
  }
  return 0;
}
