#include "harness/os/files.h"

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

#include "harness/os/error.h"
#include "harness/os/fd.h"
#include "schema/support/base/text.h"

namespace harness {

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
  } catch (const SystemError&) {
    // Absent and unreadable are the same to the callers, who learn nothing from either.
    return "";
  }
}

void writeControl(const std::string& path, std::string_view value) {
  Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) failSystem("open " + path);
  writeAll(fd.get(), value, path);
}

// Makes a new file instead of writing into an existing one, which may be a link or be open
// elsewhere, and gives it the name at last: whoever comes in between, or ends us, finds a whole
// one.
void putFile(const std::string& path, std::string_view content, mode_t mode) {
  std::string made = path + ".XXXXXX";
  Fd fd(::mkostemp(made.data(), O_CLOEXEC));
  if (!fd) failSystem("create " + path);
  try {
    writeAll(fd.get(), content, path);
    check(::fchmod(fd.get(), mode), "chmod " + path);
    if (::rename(made.c_str(), path.c_str()) != 0) failSystem("replace " + path);
  } catch (...) {
    ::unlink(made.c_str());
    throw;
  }
}

void rewriteFile(const std::string& path,
                 const std::function<std::string(std::string_view content)>& change) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return;
  std::string content = readFile(path);
  std::string changed = change(content);
  if (changed != content) putFile(path, changed, status.st_mode & 07777);
}

void makeDirectories(const std::string& path, mode_t mode) {
  // Another process may remove an empty parent between two calls here, and then it is made again.
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

// Looks for mounts first: removing below one would remove the files of another file system.
void removeTree(const std::string& path) {
  std::istringstream mounts(readFile("/proc/self/mountinfo"));
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string id, parent, device, root, point;
    fields >> id >> parent >> device >> root >> point;
    if (point == path || point.starts_with(path + "/")) {
      throw SystemError("remove " + path + ": something is mounted at " + point +
                        "; unmount it and try again");
    }
  }
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) throw SystemError("remove " + path + ": " + error.message());
}

// A node may have made its log a link to a file of the machine, or a pipe that nobody writes.
std::string tailOf(const std::string& path, size_t bytesMax) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return "";
  // One character more shows whether the first one is whole, and newlines at the end do not count.
  std::string bytes(2 * bytesMax + 4, '\0');
  off_t begin = std::max<off_t>(0, status.st_size - static_cast<off_t>(bytes.size()));
  ssize_t count = ::pread(fd.get(), bytes.data(), bytes.size(), begin);
  bytes.resize(static_cast<size_t>(std::max<ssize_t>(0, count)));
  while (!bytes.empty() && bytes.back() == '\n') bytes.pop_back();
  std::string end(support::endOf(bytes, bytesMax));
  bool cut = begin > 0 || end.size() < bytes.size();
  std::replace(end.begin(), end.end(), '\n', '|');
  return (cut ? "…" : "") + support::printable(end);
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
