#include "harness/os/system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "harness/provision/error.h"

namespace harness {

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    number_ = other.release();
  }
  return *this;
}

int Fd::release() {
  int number = number_;
  number_ = -1;
  return number;
}

void Fd::reset() {
  if (number_ >= 0) ::close(number_);
  number_ = -1;
}

int millisecondsUntil(Deadline deadline) {
  auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, 3'600'000));
}

void failSystem(const std::string& attempt, int error) {
  throw ProvisionError(attempt + ": " + std::strerror(error));
}

void failSystem(const std::string& attempt) {
  failSystem(attempt, errno);
}

int64_t check(int64_t result, const std::string& attempt) {
  if (result < 0) failSystem(attempt);
  return result;
}

Pipe makePipe() {
  int ends[2];
  check(::pipe2(ends, O_CLOEXEC), "pipe");
  return {Fd(ends[0]), Fd(ends[1])};
}

std::string readFile(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) failSystem("open " + path);
  std::string content;
  std::array<char, 16384> buffer;
  while (true) {
    ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    check(count, "read " + path);
    if (count == 0) return content;
    content.append(buffer.data(), static_cast<size_t>(count));
  }
}

std::string readIfPresent(const std::string& path) {
  try {
    return readFile(path);
  } catch (const ProvisionError&) {
    return "";  // Absent and unreadable are the same to the callers: there is nothing to learn from
                // it.
  }
}

void writeAll(int fd, std::string_view bytes, const std::string& what) {
  while (!bytes.empty()) {
    ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    check(count, "write " + what);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

void writeControl(const std::string& path, std::string_view value) {
  Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) failSystem("open " + path);
  writeAll(fd.get(), value, path);
}

void putFile(const std::string& path, std::string_view content, mode_t mode) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) failSystem("replace " + path);
  Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!fd) failSystem("create " + path);
  check(::fchmod(fd.get(), mode), "chmod " + path);
  writeAll(fd.get(), content, path);
}

void makeDirectories(const std::string& path, mode_t mode) {
  // Another process may remove an empty parent between two calls here: then it is made again.
  for (int tries = 0;; ++tries) {
    bool vanished = false;
    for (size_t slash = path.find('/', 1); slash != std::string::npos && !vanished;
         slash = path.find('/', slash + 1)) {
      std::string parent = path.substr(0, slash);
      if (::mkdir(parent.c_str(), 0755) == 0 || errno == EEXIST) continue;
      if (errno != ENOENT || tries > 100) failSystem("mkdir " + parent);
      vanished = true;
    }
    if (vanished) continue;
    if (::mkdir(path.c_str(), mode) == 0) {
      if (mode != 0755) check(::chmod(path.c_str(), mode), "chmod " + path);
      return;
    }
    if (errno == EEXIST) return;
    if (errno != ENOENT || tries > 100) failSystem("mkdir " + path);
  }
}

void removeTree(const std::string& path) {
  std::istringstream mounts(readFile("/proc/self/mountinfo"));
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string id, parent, device, root, point;
    fields >> id >> parent >> device >> root >> point;
    if (point == path || point.starts_with(path + "/")) {
      throw ProvisionError("remove " + path + ": something is mounted at " + point +
                           "; unmount it and try again");
    }
  }
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) throw ProvisionError("remove " + path + ": " + error.message());
}

uint64_t startTimeOf(pid_t pid) {
  std::string stat = readIfPresent("/proc/" + std::to_string(pid) + "/stat");
  size_t end = stat.rfind(')');  // The command's name may itself hold blanks and parentheses.
  if (end == std::string::npos) return 0;
  std::istringstream fields(stat.substr(end + 1));
  std::string field;
  for (int number = 3; number <= 22; ++number) fields >> field;
  return std::strtoull(field.c_str(), nullptr, 10);
}

std::string tailOf(const std::string& path, size_t bytesMax) {
  std::string content = readIfPresent(path);
  while (!content.empty() && content.back() == '\n') content.pop_back();
  if (content.size() > bytesMax) content = "…" + content.substr(content.size() - bytesMax);
  std::replace(content.begin(), content.end(), '\n', '|');
  return content;
}

std::vector<std::string> namesIn(const std::string& directory) {
  std::vector<std::string> names;
  DIR* stream = ::opendir(directory.c_str());
  if (stream == nullptr) return names;
  while (const dirent* entry = ::readdir(stream)) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
  }
  ::closedir(stream);
  std::sort(names.begin(), names.end());
  return names;
}

std::string randomUuid() {
  std::array<unsigned char, 16> bytes;
  check(::getrandom(bytes.data(), bytes.size(), 0), "getrandom");
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  std::string text;
  for (size_t i = 0; i < bytes.size(); ++i) {
    char hex[3];
    std::snprintf(hex, sizeof hex, "%02x", bytes[i]);
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += hex;
  }
  return text;
}

}  // namespace harness
