#include "nodeagent/os/record_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include <kj/encoding.h>
#include <kj/io.h>
#include <kj/vector.h>

#include "nodeagent/os/read_file.h"
#include "schema/support/base/crc32c.h"
#include "schema/support/base/log.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent {
namespace {

kj::String checkSum(kj::StringPtr text) {
  return kj::str(kj::hex(support::crc32c(text.asBytes())));
}

// The last line may be empty, so the text has one line more than it has newlines.
kj::Array<kj::String> linesOf(kj::StringPtr text) {
  kj::Vector<kj::String> lines;
  while (true) {
    KJ_IF_MAYBE (end, text.findFirst('\n')) {
      lines.add(kj::heapString(text.begin(), *end));
      text = text.slice(*end + 1);
    } else {
      lines.add(kj::str(text));
      return lines.releaseAsArray();
    }
  }
}

// Makes the new name of a file survive a power cut.
void syncDirectory(kj::StringPtr path) {
  kj::AutoCloseFd directory(::open(path.cStr(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory) < 0) support::failErrno(errno, "sync ", path);
}

}  // namespace

kj::String toField(kj::StringPtr text) {
  return kj::encodeHex(text.asBytes());
}

kj::String fromField(kj::StringPtr line) {
  auto decoded = kj::decodeHex(line);
  return kj::heapString(decoded.asChars().begin(), decoded.size());
}

void RecordDirectory::write(kj::StringPtr name, kj::ArrayPtr<const kj::String> lines,
                            Outlives outlives) const {
  if (path_.size() == 0) return;
  if (::mkdir(path_.cStr(), 0700) < 0 && errno != EEXIST) {
    support::failErrno(errno, "make directory ", path_);
  }
  auto path = pathOf(name);
  auto temporary = pathOf(kj::str(".", name));
  kj::AutoCloseFd file(::open(temporary.cStr(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (file.get() < 0) support::failErrno(errno, "write ", temporary);
  auto text = kj::strArray(lines, "\n");
  auto all = kj::str(checkSum(text), "\n", text);
  bool isDurable = outlives == Outlives::kPowerCut;
  // A disk that has no room for all of it says so by a short count alone.
  errno = ENOSPC;
  if (::write(file, all.begin(), all.size()) != static_cast<ssize_t>(all.size()) ||
      (isDurable && ::fsync(file) < 0) || ::rename(temporary.cStr(), path.cStr()) < 0) {
    int error = errno;
    ::unlink(temporary.cStr());
    support::failErrno(error, "write ", path);
  }
  if (isDurable) syncDirectory(path_);
}

void RecordDirectory::drop(kj::StringPtr name) const {
  if (path_.size() > 0) ::unlink(pathOf(name).cStr());
}

bool RecordDirectory::exists() const {
  return path_.size() > 0 && ::access(path_.cStr(), F_OK) == 0;
}

kj::Array<kj::String> RecordDirectory::names() const {
  kj::Vector<kj::String> names;
  if (path_.size() == 0) return nullptr;
  std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path_.cStr()), ::closedir);
  if (directory == nullptr) return nullptr;
  while (auto* entry = ::readdir(directory.get())) {
    kj::StringPtr name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (name.startsWith(".")) {
      ::unlink(pathOf(name).cStr());
    } else {
      names.add(kj::str(name));
    }
  }
  std::sort(names.begin(), names.end(), [](auto& a, auto& b) { return b < a; });
  return names.releaseAsArray();
}

kj::Maybe<kj::Array<kj::String>> RecordDirectory::read(kj::StringPtr name) const {
  auto text = readFile(pathOf(name));
  KJ_IF_MAYBE (end, text.findFirst('\n')) {
    kj::StringPtr rest = text.slice(*end + 1);
    if (checkSum(rest) != kj::heapString(text.begin(), *end)) return nullptr;
    return linesOf(rest);
  }
  return nullptr;
}

void RecordDirectory::dropDamaged(kj::StringPtr name, kj::StringPtr what) const {
  support::log(support::Level::kWarn,
               kj::str("removing a damaged record of ", what, "; going on").cStr(),
               {{"path", pathOf(name)}});
  drop(name);
}

}  // namespace nodeagent
