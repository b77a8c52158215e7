#include "nodeagent/netfault/fault_journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>

#include <kj/encoding.h>
#include <kj/io.h>
#include <kj/vector.h>

#include "nodeagent/os/read_file.h"
#include "schema/support/base/crc32c.h"
#include "schema/support/base/log.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {
namespace {

// The fields stand one a line, in hexadecimal but for the numbers, behind a check sum. A damaged
// record would keep a fault, or end it, that is none.
constexpr size_t kFixedFields = 8;

kj::String hexOf(kj::StringPtr text) {
  return kj::encodeHex(text.asBytes());
}

kj::String checkSum(kj::StringPtr text) {
  return kj::str(kj::hex(support::crc32c(text.asBytes())));
}

kj::String fromHex(kj::StringPtr hex) {
  auto decoded = kj::decodeHex(hex);
  return kj::heapString(decoded.asChars().begin(), decoded.size());
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

kj::Maybe<FaultRecord> parse(kj::StringPtr text) {
  size_t sumBytes = text.findFirst('\n').orDefault(text.size());
  kj::StringPtr rest = text.slice(kj::min(sumBytes + 1, text.size()));
  if (kj::StringPtr(checkSum(rest)) != kj::heapString(text.begin(), sumBytes)) return nullptr;
  auto lines = linesOf(rest);
  if (lines.size() < kFixedFields) return nullptr;
  auto id = kj::decodeHex(lines[0]);
  if (!support::Id::fits(id)) return nullptr;
  FaultRecord record;
  record.id = support::Id::from(id);
  record.title = fromHex(lines[1]);
  record.owner = fromHex(lines[2]);
  record.bootId = fromHex(lines[3]);
  record.text = fromHex(lines[4]);
  record.sinceRealtimeNs = strtoll(lines[5].cStr(), nullptr, 10);
  record.untilBoottimeNs = strtoll(lines[6].cStr(), nullptr, 10);
  record.place = fromHex(lines[7]);
  kj::Vector<kj::String> peers;
  for (size_t i = kFixedFields; i < lines.size(); ++i) peers.add(fromHex(lines[i]));
  record.peers = peers.releaseAsArray();
  return kj::mv(record);
}

kj::String textOf(const FaultRecord& record) {
  kj::Vector<kj::String> lines;
  lines.add(kj::str(record.id.text().c_str()));
  for (kj::StringPtr text :
       {record.title.asPtr(), record.owner.asPtr(), record.bootId.asPtr(), record.text.asPtr()}) {
    lines.add(hexOf(text));
  }
  lines.add(kj::str(record.sinceRealtimeNs));
  lines.add(kj::str(record.untilBoottimeNs));
  lines.add(hexOf(record.place));
  for (auto& peer : record.peers) lines.add(hexOf(peer));
  return kj::strArray(lines, "\n");
}

}  // namespace

kj::Array<kj::String> copyOf(kj::ArrayPtr<const kj::String> texts) {
  return KJ_MAP(text, texts) {
    return kj::str(text);
  };
}

FaultRecord FaultRecord::clone() const {
  return {id,
          kj::str(title),
          kj::str(owner),
          kj::str(bootId),
          kj::str(text),
          copyOf(peers),
          kj::str(place),
          sinceRealtimeNs,
          untilBoottimeNs};
}

FaultJournal::FaultJournal(kj::String directory) : directory_(kj::mv(directory)) {}

kj::String FaultJournal::pathOf(const support::Id& id) const {
  return kj::str(directory_, "/", id.text().c_str());
}

void FaultJournal::write(const FaultRecord& record) const {
  if (directory_.size() == 0) return;
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
  // The rules do not outlive the power, so nothing has to reach the disk before they are made.
  if (::write(file, all.begin(), all.size()) != static_cast<ssize_t>(all.size()) ||
      ::rename(temporary.cStr(), path.cStr()) < 0) {
    int error = errno;
    ::unlink(temporary.cStr());
    support::failErrno(error, "write ", path);
  }
}

void FaultJournal::drop(const support::Id& id) const {
  if (directory_.size() > 0) ::unlink(pathOf(id).cStr());
}

bool FaultJournal::exists() const {
  return directory_.size() > 0 && ::access(directory_.cStr(), F_OK) == 0;
}

kj::Array<FaultRecord> FaultJournal::read() const {
  kj::Vector<FaultRecord> records;
  if (directory_.size() == 0) return nullptr;
  std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(directory_.cStr()), ::closedir);
  if (directory == nullptr) return nullptr;
  while (auto* entry = ::readdir(directory.get())) {
    kj::StringPtr name = entry->d_name;
    if (name.startsWith(".")) continue;
    kj::String path = kj::str(directory_, "/", name);
    auto parsed = parse(readFile(path));
    KJ_IF_MAYBE (record, parsed) {
      records.add(kj::mv(*record));
    } else {
      support::log(support::Level::kWarn, "removing a damaged record of a fault; going on",
                   {{"path", path}});
      ::unlink(path.cStr());
    }
  }
  return records.releaseAsArray();
}

}  // namespace nodeagent::netfault
