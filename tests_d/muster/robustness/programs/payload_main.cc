// The program that trials run on the node.
//
// Every mode first notes its execution in the file COUNTER, so that the model can count executions.
//
//   payload stream NAME COUNTER OUT_LINES ERR_LINES EXIT PAUSE_US
//   payload escape TACTIC COUNTER NAME       says "ready" when it has become what the tactic means
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>

#include "tests_d/muster/robustness/escape_tactics.h"
#include "tests_d/muster/robustness/stream.h"

namespace {

// Appends a short line by one write with O_APPEND, which no kill can lose or tear.
bool noteExecution(const std::string& path, const std::string& name) {
  // This process and all its children hold the lock for life (residue.h).
  int lock = open((path + ".lock").c_str(), O_RDONLY | O_CREAT, 0644);
  if (lock < 0 || flock(lock, LOCK_SH) != 0) return false;
  int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  std::string line = name + " " + std::to_string(getpid()) + "\n";
  bool noted = fd >= 0 && write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  if (fd >= 0) close(fd);
  return noted;
}

bool writeAll(int fd, const std::string& text) {
  size_t done = 0;
  while (done < text.size()) {
    ssize_t count = write(fd, text.data() + done, text.size() - done);
    if (count <= 0) return false;
    done += static_cast<size_t>(count);
  }
  return true;
}

int stream(const std::string& name, uint64_t outLines, uint64_t errLines, int exitStatus,
           long pauseUs) {
  timespec pause{pauseUs / 1'000'000, pauseUs % 1'000'000 * 1000};
  for (uint64_t number = 0; number < outLines || number < errLines; ++number) {
    if (number < outLines && !writeAll(1, robustness::streamLine(name, number))) return 251;
    if (number < errLines && !writeAll(2, robustness::streamLine(name + ".err", number)))
      return 252;
    if (pauseUs > 0) ppoll(nullptr, 0, &pause, nullptr);
  }
  return exitStatus;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 8 && std::strcmp(argv[1], "stream") == 0) {
    if (!noteExecution(argv[3], argv[2])) return 250;
    return stream(argv[2], std::stoull(argv[4]), std::stoull(argv[5]), atoi(argv[6]),
                  atol(argv[7]));
  }
  if (argc == 5 && std::strcmp(argv[1], "escape") == 0) {
    if (!noteExecution(argv[3], argv[4])) return 250;
    return robustness::runEscapeTactic(argv[2]);
  }
  std::fprintf(stderr, "usage: %s stream … | escape …\n", argv[0]);
  return 64;
}
