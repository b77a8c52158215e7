// The program that trials run on the node.
//
// Every mode first notes its execution in the file COUNTER, so that the model can count executions.
//
//   payload stream NAME COUNTER OUT_LINES ERR_LINES EXIT PAUSE_US
//   payload escape TACTIC COUNTER NAME       says "ready" when it has become what the tactic means
//   payload hang FILE                        hangs in an mmap of this file of a HungMount
//   payload crowd COUNT                      has COUNT children, and says "ready"
//   payload environment MIB                  shows MIB mebibytes as its environment, and says
//   "ready"
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

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

// Says that it is ready, and stays.
int stay() {
  if (!writeAll(1, "ready\n")) return 251;
  poll(nullptr, 0, 600'000);
  return 0;
}

// The second mapping waits for the page that the first one has written.
int hang(const char* path) {
  int cached = open(path, O_RDWR | O_CLOEXEC);
  int direct = open(path, O_RDWR | O_SYNC | O_CLOEXEC);
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, cached, 0);
  if (direct < 0 || page == MAP_FAILED) return 252;
  *static_cast<volatile char*>(page) = 1;
  if (!writeAll(1, "ready\n")) return 251;
  mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, direct, 0);
  return 0;
}

// Reads from /proc/self/stat where the kernel believes the parts of this process's memory to be.
prctl_mm_map currentMap() {
  prctl_mm_map map{};
  std::ifstream stream("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  std::istringstream words(text.substr(text.rfind(')') + 2));
  std::vector<uint64_t> fields(3, 0);  // The fields are numbered from 1, and 3 is the first here.
  std::string word;
  while (words >> word) fields.push_back(std::strtoull(word.c_str(), nullptr, 10));
  map.start_code = fields[26];
  map.end_code = fields[27];
  map.start_stack = fields[28];
  map.start_data = fields[45];
  map.end_data = fields[46];
  map.start_brk = fields[47];
  map.brk = reinterpret_cast<uint64_t>(sbrk(0));
  map.arg_start = fields[48];
  map.arg_end = fields[49];
  map.exe_fd = static_cast<uint32_t>(-1);
  return map;
}

int crowd(int count) {
  for (int i = 0; i < count; ++i) {
    pid_t pid = fork();
    if (pid < 0) return 252;
    if (pid > 0) continue;
    poll(nullptr, 0, 600'000);
    _exit(0);
  }
  return stay();
}

// Any process may say which part of its memory is its environment, if it says all of it.
int environment(size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 252;
  std::memset(memory, 'x', bytes);
  prctl_mm_map map = currentMap();
  map.env_start = reinterpret_cast<uint64_t>(memory);
  map.env_end = map.env_start + bytes;
  if (prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map), 0) != 0) return 253;
  return stay();
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
  if (argc == 3 && std::strcmp(argv[1], "hang") == 0) return hang(argv[2]);
  if (argc == 3 && std::strcmp(argv[1], "crowd") == 0) return crowd(atoi(argv[2]));
  if (argc == 3 && std::strcmp(argv[1], "environment") == 0)
    return environment(std::stoull(argv[2]) << 20);
  std::fprintf(stderr, "usage: %s stream … | escape … | hang … | crowd … | environment …\n",
               argv[0]);
  return 64;
}
