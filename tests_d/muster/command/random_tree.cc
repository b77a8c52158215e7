#include "tests_d/muster/command/random_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>
#include <vector>

namespace command {
namespace {

namespace fs = std::filesystem;

void require(bool worked, const std::string& what) {
  if (!worked) throw std::runtime_error(what + ": " + strerror(errno));
}

class TreeMaker {
 public:
  TreeMaker(const std::string& root, std::mt19937_64& random) : random_(random) {
    require(::mkdir(root.c_str(), 0700) == 0, root);
    directories_.push_back(root);
  }

  void addEntries(unsigned count) {
    for (unsigned i = 0; i < count; ++i) addEntry(i);
    // Making an entry changes its directory's time, so directories are dressed from below.
    for (size_t i = directories_.size(); i > 0; --i) dressDirectory(directories_[i - 1]);
  }

 private:
  uint64_t below(uint64_t bound) { return random_() % bound; }

  template <typename T>
  T oneOf(const std::vector<T>& all) {
    return all[below(all.size())];
  }

  std::string newPath(unsigned number) {
    static const std::vector<std::string> kNames = {
        "f", "a b", "-rf", "new\nline", "\xff\xfe", ".hidden", "*", std::string(200, 'n')};
    return oneOf(directories_) + "/" + oneOf(kNames) + std::to_string(number);
  }

  void addEntry(unsigned number) {
    std::string path = newPath(number);
    switch (below(8)) {
      case 0:
      case 1:
        require(::mkdir(path.c_str(), 0700) == 0, path);
        directories_.push_back(path);
        return;
      case 2:
        require(::symlink(oneOf<std::string>({"f", "/none", "../.."}).c_str(), path.c_str()) == 0,
                path);
        break;
      case 3:
        require(::mknod(path.c_str(), oneOf<mode_t>({S_IFIFO, S_IFSOCK}) | 0600, 0) == 0, path);
        break;
      case 4:
        if (files_.empty()) return;
        require(::link(oneOf(files_).c_str(), path.c_str()) == 0, path);
        return;
      default:
        writeFile(path);
    }
    files_.push_back(path);
    dress(path);
  }

  // Writes a file with random bytes in random places; what is between them is a hole.
  void writeFile(const std::string& path) {
    int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600);
    require(file >= 0, path);
    uint64_t size = oneOf<uint64_t>({0, 1, 4095, 4096, 16'385, 70'000, 300'000, 5'000'000});
    for (uint64_t at = 0; at < size;) {
      std::string bytes(std::min<uint64_t>(size - at, 1 + below(40'000)), '\0');
      for (char& byte : bytes) byte = static_cast<char>(random_());
      if (below(3) > 0) {
        require(::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(at)) >= 0, path);
      }
      at += bytes.size() * (1 + below(4));
    }
    require(::ftruncate(file, static_cast<off_t>(size)) == 0, path);
    ::close(file);
  }

  // Gives a file everything that its type can have, the time last.
  void dress(const std::string& path) {
    struct stat status {};
    require(::lstat(path.c_str(), &status) == 0, path);
    auto owner = static_cast<uid_t>(below(3) * 23'456);
    require(::lchown(path.c_str(), owner, static_cast<gid_t>(below(3) * 34'567)) == 0, path);
    if (!S_ISLNK(status.st_mode)) {
      require(::chmod(path.c_str(), static_cast<mode_t>(below(010000))) == 0, path);
      if (below(3) == 0) setAttribute(path, "system.posix_acl_access", accessList());
    }
    if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) {
      for (uint64_t i = below(3); i > 0; --i) {
        setAttribute(path, "user.name" + std::to_string(i), std::string(below(200), 'v'));
      }
    }
    if (S_ISREG(status.st_mode) && below(4) == 0) {
      // Version 2, effective, CAP_NET_RAW.
      setAttribute(path, "security.capability",
                   std::string("\1\0\0\2\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20));
    }
    setTime(path);
  }

  void dressDirectory(const std::string& path) {
    if (below(3) == 0) setAttribute(path, "system.posix_acl_default", accessList());
    dress(path);
  }

  // Returns an ACL in the kernel's form: version 2; owner, one user, group, mask and others.
  std::string accessList() {
    std::string list("\2\0\0\0", 4);
    auto add = [&](char tag, uint32_t id) {
      list += {tag, 0, static_cast<char>(below(8)), 0};
      for (int i = 0; i < 4; ++i) list += static_cast<char>(id >> (8 * i));
    };
    add(1, UINT32_MAX);
    add(2, static_cast<uint32_t>(4711 + below(3)));
    add(4, UINT32_MAX);
    add(16, UINT32_MAX);
    add(32, UINT32_MAX);
    return list;
  }

  void setAttribute(const std::string& path, const std::string& name, const std::string& value) {
    require(::lsetxattr(path.c_str(), name.c_str(), value.data(), value.size(), 0) == 0,
            path + ": " + name);
  }

  // File systems of Linux hold the times from 1902 on, and copies those until 2262.
  void setTime(const std::string& path) {
    constexpr int64_t kFirst = -2'145'916'800;
    constexpr int64_t kLast = 9'223'372'036;
    auto drawn = kFirst + static_cast<int64_t>(below(kLast - kFirst));
    timespec time{oneOf<int64_t>({0, -1, kFirst, kLast, drawn}),
                  static_cast<long>(oneOf<int64_t>({0, 500'000'000, 123'456'789}))};
    timespec times[2] = {{0, UTIME_OMIT}, time};
    require(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0, path);
  }

  std::mt19937_64& random_;
  std::vector<std::string> directories_;
  std::vector<std::string> files_;
};

uint64_t dataBytesOf(const std::string& path) {
  int file = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW);
  require(file >= 0, path);
  uint64_t bytes = 0;
  off_t begin = 0;
  while ((begin = ::lseek(file, begin, SEEK_DATA)) >= 0) {
    off_t end = ::lseek(file, begin, SEEK_HOLE);
    bytes += static_cast<uint64_t>(end - begin);
    begin = end;
  }
  ::close(file);
  return bytes;
}

}  // namespace

void makeRandomTree(const std::string& root, unsigned entries, std::mt19937_64& random) {
  TreeMaker(root, random).addEntries(entries);
}

std::map<std::string, uint64_t> dataBytes(const std::string& root) {
  std::map<std::string, uint64_t> all;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file() || entry.is_symlink()) continue;
    all[entry.path().string().substr(root.size())] = dataBytesOf(entry.path());
  }
  return all;
}

}  // namespace command
