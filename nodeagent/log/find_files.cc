#include "nodeagent/log/find_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <memory>

#include "schema/support/base/text.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::logs {
namespace {

using Kind = wire::Error::Kind;

constexpr size_t kPathBytesMax = 4095;

bool take(int directory, const char* path, int flags, FoundFile* file) {
  struct statx status {};
  unsigned wanted = STATX_TYPE | STATX_INO | STATX_SIZE | STATX_MTIME | STATX_BTIME;
  if (::statx(directory, path, flags, wanted, &status) != 0) return false;
  if (!S_ISREG(status.stx_mode)) return false;
  file->id.device = makedev(status.stx_dev_major, status.stx_dev_minor);
  file->id.inode = status.stx_ino;
  bool hasBirth = (status.stx_mask & STATX_BTIME) != 0;
  auto ns = [](const statx_timestamp& time) {
    return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
  };
  file->id.bornNs = hasBirth ? ns(status.stx_btime) : 0;
  file->size = status.stx_size;
  file->modifiedNs = ns(status.stx_mtime);
  return true;
}

bool isWild(const std::string& component) {
  return component.find_first_of("*?[") != std::string::npos;
}

std::vector<std::string> componentsOf(const std::string& path) {
  std::vector<std::string> all;
  size_t begin = 0;
  while (begin < path.size()) {
    size_t end = std::min(path.find('/', begin), path.size());
    if (end > begin) all.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return all;
}

std::string below(const std::string& directory, const std::string& name) {
  return (directory == "/" ? "" : directory) + "/" + name;
}

}  // namespace

void requirePattern(const std::string& pattern) {
  std::string shown = "files \"" + support::escaped(support::beginningOf(pattern, 300)) + "\"";
  if (pattern.empty() || pattern[0] != '/') {
    support::fail(Kind::INVALID, shown.c_str(), ": is to be an absolute path or a pattern of such");
  }
  if (pattern.size() > kPathBytesMax || pattern.find('\0') != std::string::npos) {
    support::fail(Kind::INVALID, shown.c_str(), ": has over ", kPathBytesMax,
                  " bytes, or one that is NUL");
  }
  if (pattern.back() == '/') {
    support::fail(Kind::INVALID, shown.c_str(),
                  ": names a directory; append a name, such as *.log");
  }
}

bool look(const std::string& path, FoundFile* file) {
  file->path = path;
  return take(AT_FDCWD, path.c_str(), 0, file);
}

bool look(int fd, FoundFile* file) {
  return take(fd, "", AT_EMPTY_PATH, file);
}

std::vector<std::string> Directories::namesIn(const std::string& directory) {
  std::vector<std::string> names;
  std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(directory.c_str()), ::closedir);
  int error = open ? 0 : errno;
  while (open && names.size() <= kNamesMax) {
    errno = 0;
    const dirent* entry = ::readdir(open.get());
    if (!entry) {
      error = errno;
      break;
    }
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
  }
  if (names.size() > kNamesMax) {
    names.pop_back();
    problems_[directory] =
        "has over " + std::to_string(kNamesMax) + " names, of which no more are looked at";
  } else if (error != 0 && error != ENOENT && error != ENOTDIR) {
    problems_[directory] = std::string("cannot be read: ") + support::errnoText(error).cStr();
  }
  std::sort(names.begin(), names.end());
  return names;
}

const std::vector<FoundFile>& Directories::filesIn(const std::string& directory) {
  auto known = files_.find(directory);
  if (known != files_.end()) return known->second;
  std::vector<FoundFile>& files = files_[directory];
  for (const std::string& name : namesIn(directory)) {
    FoundFile file;
    if (look(below(directory, name), &file)) files.push_back(std::move(file));
  }
  return files;
}

std::vector<FoundFile> Directories::matching(const std::string& pattern) {
  visited_.clear();
  holders_.clear();
  std::vector<FoundFile> found;
  descend("/", componentsOf(pattern), 0, found);
  return found;
}

std::vector<FoundFile> Directories::rotatedOf(const std::string& pattern) {
  matching(pattern);
  std::vector<FoundFile> rotated;
  for (const std::string& directory : holders_) {
    for (const FoundFile& file : filesIn(directory)) {
      if (isRotatedMatch(nameOf(file.path), nameOf(pattern))) rotated.push_back(file);
    }
  }
  return rotated;
}

void Directories::descend(const std::string& at, const std::vector<std::string>& components,
                          size_t index, std::vector<FoundFile>& found) {
  const std::string& component = components[index];
  bool isLast = index + 1 == components.size();
  if (!isLast && !isWild(component))
    return descend(below(at, component), components, index + 1, found);
  visited_.push_back(at);
  if (isLast) holders_.push_back(at);
  if (visited_.size() > kFilesMax) {
    support::fail(Kind::OVERLOADED, "files: the pattern leads to over ", kFilesMax, " directories");
  }
  auto visit = [&](const std::string& path) {
    if (!isLast) return descend(path, components, index + 1, found);
    FoundFile file;
    if (!look(path, &file)) return;
    found.push_back(std::move(file));
    if (found.size() > kFilesMax) {
      support::fail(Kind::OVERLOADED, "files: the pattern stands for over ", kFilesMax, " files");
    }
  };
  if (!isWild(component)) return visit(below(at, component));
  for (const std::string& name : namesIn(at)) {
    if (::fnmatch(component.c_str(), name.c_str(), FNM_PERIOD) == 0) visit(below(at, name));
  }
}

bool isRotatedName(const std::string& name, const std::string& base) {
  if (name.size() < base.size() + 2 || name.compare(0, base.size(), base) != 0) return false;
  char joint = name[base.size()];
  std::string rest = name.substr(base.size() + 1);
  bool isNumbered = rest[0] >= '0' && rest[0] <= '9';
  return (joint == '.' || joint == '-') && (isNumbered || rest.compare(0, 3, "old") == 0);
}

bool isRotatedMatch(const std::string& name, const std::string& pattern) {
  for (size_t end = 1; end + 1 < name.size(); ++end) {
    std::string base = name.substr(0, end);
    if (isRotatedName(name, base) && ::fnmatch(pattern.c_str(), base.c_str(), FNM_PERIOD) == 0) {
      return true;
    }
  }
  return false;
}

bool isCompressedName(const std::string& name) {
  for (const char* end : {".gz", ".xz", ".bz2", ".zst", ".lz4", ".Z"}) {
    std::string ending = end;
    if (name.size() > ending.size() && name.ends_with(ending)) return true;
  }
  return false;
}

std::string directoryOf(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

std::string nameOf(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace nodeagent::logs
