#include "nodeagent/change/change_journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include <kj/encoding.h>
#include <kj/io.h>

#include "nodeagent/os/read_file.h"
#include "schema/support/base/crc32c.h"
#include "schema/support/base/log.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::change {
namespace {

// The fields stand one a line, in hexadecimal but for the numbers, behind a check sum: a damaged
// record would take back what is none.
constexpr size_t kFixedFields = 7;

kj::String hexOf(kj::StringPtr text) {
  return kj::encodeHex(text.asBytes());
}

kj::String fromHex(kj::StringPtr hex) {
  auto decoded = kj::decodeHex(hex);
  return kj::heapString(decoded.asChars().begin(), decoded.size());
}

kj::String checkSum(kj::StringPtr text) {
  return kj::str(kj::hex(support::crc32c(text.asBytes())));
}

kj::String textOf(const ChangeRecord& record) {
  kj::Vector<kj::String> lines;
  lines.add(kj::str(record.id.text().c_str()));
  for (kj::StringPtr text :
       {record.kind.asPtr(), record.owner.asPtr(), record.bootId.asPtr(), record.text.asPtr()}) {
    lines.add(hexOf(text));
  }
  lines.add(kj::str(record.order));
  lines.add(kj::str(record.sinceRealtimeNs));
  for (auto& value : record.values.all()) {
    lines.add(kj::str(hexOf(value.name), " ", hexOf(value.text)));
  }
  return kj::strArray(lines, "\n");
}

kj::Vector<kj::String> linesOf(kj::StringPtr text) {
  kj::Vector<kj::String> lines;
  while (text.size() > 0) {
    size_t end = text.findFirst('\n').orDefault(text.size());
    lines.add(kj::heapString(text.begin(), end));
    text = text.slice(kj::min(end + 1, text.size()));
  }
  return lines;
}

kj::Maybe<ChangeRecord> parse(kj::StringPtr text) {
  size_t sumBytes = text.findFirst('\n').orDefault(text.size());
  kj::StringPtr rest = text.slice(kj::min(sumBytes + 1, text.size()));
  if (kj::StringPtr(checkSum(rest)) != kj::heapString(text.begin(), sumBytes)) return nullptr;
  auto lines = linesOf(rest);
  if (lines.size() < kFixedFields) return nullptr;
  auto id = kj::decodeHex(lines[0]);
  if (!support::Id::fits(id)) return nullptr;
  ChangeRecord record;
  record.id = support::Id::from(id);
  record.kind = fromHex(lines[1]);
  record.owner = fromHex(lines[2]);
  record.bootId = fromHex(lines[3]);
  record.text = fromHex(lines[4]);
  record.order = strtoull(lines[5].cStr(), nullptr, 10);
  record.sinceRealtimeNs = strtoll(lines[6].cStr(), nullptr, 10);
  for (size_t i = kFixedFields; i < lines.size(); ++i) {
    KJ_IF_MAYBE (space, lines[i].findFirst(' ')) {
      record.values.add(fromHex(kj::heapString(lines[i].begin(), *space)),
                        fromHex(lines[i].slice(*space + 1)));
    }
  }
  return kj::mv(record);
}

void syncPath(const char* path, int flags) {
  int fd = ::open(path, flags | O_CLOEXEC);
  if (fd < 0) support::failErrno(errno, "sync ", path);
  kj::AutoCloseFd file(fd);
  if (::fsync(file) < 0) support::failErrno(errno, "sync ", path);
}

}  // namespace

ChangeJournal::ChangeJournal(kj::String directory) : directory_(kj::mv(directory)) {}

kj::String ChangeJournal::pathOf(const support::Id& id) const {
  return kj::str(directory_, "/", id.text().c_str(), ".change");
}

void ChangeJournal::write(const ChangeRecord& record, Durability durability) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (directory_.size() > 0) {
    if (::mkdir(directory_.cStr(), 0700) < 0 && errno != EEXIST) {
      support::failErrno(errno, "make directory ", directory_);
    }
    kj::String path = pathOf(record.id);
    kj::String temporary = kj::str(path, ".new");
    int fd = ::open(temporary.cStr(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) support::failErrno(errno, "write ", temporary);
    kj::AutoCloseFd file(fd);
    kj::String text = textOf(record);
    kj::String all = kj::str(checkSum(text), "\n", text);
    bool isDurable = durability == Durability::kPowerCut;
    if (::write(file, all.begin(), all.size()) != static_cast<ssize_t>(all.size()) ||
        (isDurable && ::fsync(file) < 0) || ::rename(temporary.cStr(), path.cStr()) < 0) {
      int error = errno;
      ::unlink(temporary.cStr());
      support::failErrno(error, "write ", path);
    }
    if (isDurable) syncPath(directory_.cStr(), O_RDONLY | O_DIRECTORY);
  }
  records_.insert_or_assign(record.id, record.clone());
}

kj::Maybe<ChangeRecord> ChangeJournal::find(const support::Id& id) const {
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = records_.find(id);
  if (found == records_.end()) return nullptr;
  return found->second.clone();
}

void ChangeJournal::drop(const support::Id& id) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (directory_.size() > 0) ::unlink(pathOf(id).cStr());
  records_.erase(id);
}

bool ChangeJournal::exists() const {
  return directory_.size() > 0 && ::access(directory_.cStr(), F_OK) == 0;
}

void ChangeJournal::load() {
  std::lock_guard<std::mutex> lock(mutex_);
  std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(directory_.cStr()), ::closedir);
  if (directory == nullptr) return;
  while (auto* entry = ::readdir(directory.get())) {
    kj::StringPtr name = entry->d_name;
    kj::String path = kj::str(directory_, "/", name);
    if (name.endsWith(".new")) ::unlink(path.cStr());
    if (!name.endsWith(".change")) continue;
    auto parsed = parse(readFile(path));
    KJ_IF_MAYBE (record, parsed) {
      records_.insert_or_assign(record->id, kj::mv(*record));
    } else {
      support::log(support::Level::kWarn, "removing a damaged record of a change; going on",
                   {{"path", path}});
      ::unlink(path.cStr());
    }
  }
}

kj::Vector<ChangeRecord> ChangeJournal::all() const {
  std::lock_guard<std::mutex> lock(mutex_);
  kj::Vector<ChangeRecord> records;
  for (auto& [id, record] : records_) records.add(record.clone());
  std::sort(records.begin(), records.end(),
            [](const ChangeRecord& a, const ChangeRecord& b) { return a.order > b.order; });
  return records;
}

}  // namespace nodeagent::change
