#include "nodeagent/diagnosis/kernel_deaths.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <utility>

#include "nodeagent/os/memory_kills.h"

namespace nodeagent::diagnosis {
namespace {

// Reading this many takes less than a millisecond.
constexpr int kLinesMax = 1000;

struct Words {
  std::string_view text;
  int signal;
};

// These stand behind "NAME[PID]". The first is without a word before the name, and the others
// follow "traps: ".
constexpr Words kTraps[] = {{": segfault at ", SIGSEGV},      {" general protection", SIGSEGV},
                            {" trap invalid opcode", SIGILL}, {" trap divide error", SIGFPE},
                            {" trap int3", SIGTRAP},          {" trap stack segment", SIGBUS}};

// Reads "Memory cgroup out of memory: Killed process 42 (dd) total-vm:...".
std::optional<Death> parseMemoryDeath(std::string_view text) {
  constexpr std::string_view kWords = ": Killed process ";
  size_t begin = text.find(kWords);
  if (begin == std::string_view::npos || text.find("ut of memory") > begin) return std::nullopt;
  std::string_view rest = text.substr(begin + kWords.size());
  size_t open = rest.find(" (");
  size_t close = rest.find(") ");
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    return std::nullopt;
  }
  Death death;
  death.kind = Death::Kind::kKernel;
  death.pid = atoi(std::string(rest.substr(0, open)).c_str());
  death.program = rest.substr(open + 2, close - open - 2);
  death.signal = SIGKILL;
  death.wasOutOfMemory = true;
  death.text = text;
  return death;
}

}  // namespace

// Reads "6,1234,5678901,-;kvd[42]: segfault at 0 ip ..." and the like.
std::optional<Death> parseKernelDeath(kj::StringPtr line) {
  std::string_view text(line.cStr(), line.size());
  size_t semicolon = text.find(';');
  if (semicolon == std::string_view::npos) return std::nullopt;
  text.remove_prefix(semicolon + 1);
  text = text.substr(0, text.find('\n'));
  if (auto death = parseMemoryDeath(text)) return death;
  for (const Words& words : kTraps) {
    size_t found = text.find("]" + std::string(words.text));
    size_t open = found == std::string_view::npos ? found : text.rfind('[', found);
    if (open == std::string_view::npos) continue;
    Death death;
    death.kind = Death::Kind::kKernel;
    death.pid = atoi(std::string(text.substr(open + 1, found - open - 1)).c_str());
    std::string_view name = text.substr(0, open);
    if (name.starts_with("traps: ")) name.remove_prefix(7);
    death.program = name;
    death.signal = words.signal;
    death.text = text;
    if (death.pid > 0) return death;
  }
  return std::nullopt;
}

KernelDeaths::KernelDeaths() {
  if (!isFirstPidNamespace()) return;
  log_ = kj::AutoCloseFd(open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (log_.get() >= 0 && lseek(log_, 0, SEEK_END) < 0) log_ = nullptr;
}

void KernelDeaths::readOn(Deaths& deaths) {
  char line[8192];
  for (int count = 0; log_.get() >= 0 && count < kLinesMax; ++count) {
    ssize_t length = read(log_, line, sizeof(line) - 1);
    // Lines that were overwritten meanwhile are lost.
    if (length < 0 && (errno == EPIPE || errno == EINTR)) continue;
    if (length <= 0) return;
    line[length] = '\0';
    if (auto death = parseKernelDeath(kj::StringPtr(line, static_cast<size_t>(length)))) {
      deaths.add(*std::move(death));
    }
  }
}

}  // namespace nodeagent::diagnosis
