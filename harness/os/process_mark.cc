#include "harness/os/process_mark.h"

#include <limits.h>
#include <unistd.h>

#include <charconv>

#include "harness/os/files.h"
#include "harness/os/process.h"

namespace harness {
namespace {

std::string hostName() {
  char name[HOST_NAME_MAX + 1] = {};
  return ::gethostname(name, HOST_NAME_MAX) == 0 ? name : "";
}

template <typename Number>
bool readNumber(const std::string& text, Number& number) {
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failed == std::errc() && end == text.data() + text.size() && number > 0;
}

// A process that was killed is one until its parent takes its status.
bool isZombie(pid_t pid) {
  std::string stat = readIfPresent("/proc/" + std::to_string(pid) + "/stat");
  size_t end = stat.rfind(") ");
  return end != std::string::npos && stat.compare(end + 2, 1, "Z") == 0;
}

}  // namespace

ProcessMark ProcessMark::own() {
  return {hostName(), ::getpid(), startTimeOf(::getpid())};
}

std::optional<ProcessMark> ProcessMark::parse(const std::string& text) {
  size_t last = text.rfind('/');
  if (last == std::string::npos || last == 0) return std::nullopt;
  size_t middle = text.rfind('/', last - 1);
  if (middle == std::string::npos) return std::nullopt;
  ProcessMark mark;
  mark.host = text.substr(0, middle);
  if (!readNumber(text.substr(middle + 1, last - middle - 1), mark.pid)) return std::nullopt;
  if (!readNumber(text.substr(last + 1), mark.startTime)) return std::nullopt;
  return mark;
}

std::string ProcessMark::text() const {
  return host + "/" + std::to_string(pid) + "/" + std::to_string(startTime);
}

bool ProcessMark::runsHere() const {
  return host == hostName() && startTimeOf(pid) == startTime && !isZombie(pid);
}

}  // namespace harness
