#include "nodeagent/file/restore_journal.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <kj/encoding.h>

#include "nodeagent/file/replace.h"
#include "nodeagent/file/view.h"
#include "nodeagent/os/read_file.h"
#include "schema/support/base/crc32c.h"

namespace nodeagent::file {
namespace {

constexpr kj::StringPtr kPart = "part "_kj;

kj::String hexOf(kj::StringPtr text) {
  return kj::encodeHex(text.asBytes());
}

// Decodes a text; null if it is not hexadecimal, or no text.
kj::Maybe<kj::String> fromHex(kj::StringPtr hex) {
  auto decoded = kj::decodeHex(hex);
  if (decoded.hadErrors || decoded.size() == 0) return nullptr;
  for (kj::byte each : decoded) {
    if (each == 0) return nullptr;
  }
  return kj::heapString(decoded.asChars().begin(), decoded.size());
}

[[noreturn]] void failUnreadable(kj::StringPtr name) {
  support::fail(wire::Error::Kind::CORRUPT, "restore ", name, ": its record cannot be read");
}

// Returns the check sum of a record. A damaged record would remove, or bring back, some other file.
kj::String checkSum(kj::StringPtr text) {
  return kj::str(kj::hex(support::crc32c(text.asBytes())));
}

void recoverLine(kj::StringPtr name, kj::StringPtr line) {
  if (line.startsWith(kPart)) {
    auto decoded = fromHex(line.slice(kPart.size()));
    KJ_IF_MAYBE (path, decoded) {
      if (::unlink(path->cStr()) == 0 || errno == ENOENT) return;
      support::failErrno(errno, "remove ", quoted(*path));
    }
    failUnreadable(name);
  }
  auto parsed = Restore::parse(line);
  KJ_IF_MAYBE (restore, parsed) {
    // If the restore is not held, the keeper was killed between the note and the change, or between
    // the undo and the removal of this record.
    return restore->held() ? restore->apply() : restore->discard();
  }
  failUnreadable(name);
}

}  // namespace

RestoreJournal::RestoreJournal(kj::String directory) : directory_(kj::mv(directory)) {
  if (directory_.size() == 0) return;
  if (::mkdir(directory_.cStr(), 0700) < 0 && errno != EEXIST) {
    support::failErrno(errno, "make directory ", quoted(directory_));
  }
}

kj::String RestoreJournal::newName(const support::Id& session) const {
  struct timespec now = {};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  // Names sort by time. Changes of one session are noted one after the other, nanoseconds apart at
  // least.
  char order[32];
  snprintf(order, sizeof order, "%020lld", now.tv_sec * 1'000'000'000LL + now.tv_nsec);
  return kj::str(kj::StringPtr(order), "-", session.text().c_str());
}

void RestoreJournal::writeText(kj::StringPtr name, kj::StringPtr text) const {
  if (directory_.size() == 0) return;
  WriteOptions options;
  options.mode = 0600;
  writeFile(join(directory_, name), kj::str(checkSum(text), "\n", text).asBytes(), options);
}

void RestoreJournal::write(kj::StringPtr name, kj::ArrayPtr<const Restore> restores) const {
  writeText(name, kj::strArray(
                      KJ_MAP(restore, restores) { return restore.record(); }, "\n"));
}

void RestoreJournal::writePart(kj::StringPtr name, kj::StringPtr path) const {
  writeText(name, kj::str(kPart, hexOf(path)));
}

kj::String RestoreJournal::note(kj::StringPtr path) const {
  if (directory_.size() == 0) return kj::String();
  auto name = newName(support::Id::random());
  // Without the note, a kill at the wrong moment leaves a name behind, which harms nobody.
  if (kj::runCatchingExceptions([&]() { writePart(name, path); }) != nullptr) return kj::String();
  return name;
}

void RestoreJournal::drop(kj::StringPtr name) const {
  if (directory_.size() > 0) ::unlink(join(directory_, name).cStr());
}

kj::Array<kj::String> RestoreJournal::names() const {
  if (directory_.size() == 0) return nullptr;
  auto oldestFirst = sortedNames(openDirectory(directory_), directory_);
  kj::Vector<kj::String> newestFirst;
  for (size_t i = oldestFirst.size(); i > 0; --i) {
    // A record that was not written to its end still has its temporary name, and belongs to a
    // change that was never made.
    if (oldestFirst[i - 1].startsWith(".")) {
      ::unlink(join(directory_, oldestFirst[i - 1]).cStr());
    } else {
      newestFirst.add(kj::mv(oldestFirst[i - 1]));
    }
  }
  return newestFirst.releaseAsArray();
}

kj::Maybe<support::Failure> RestoreJournal::recover(kj::StringPtr name) const {
  KJ_DEFER(drop(name));
  kj::String text = readFile(join(directory_, name));
  kj::Maybe<support::Failure> first;
  size_t sumBytes = text.findFirst('\n').orDefault(0);
  kj::StringPtr rest = text.slice(kj::min(sumBytes + 1, text.size()));
  if (kj::StringPtr(checkSum(rest)) != kj::heapString(text.begin(), sumBytes)) {
    return support::Failure{wire::Error::Kind::CORRUPT, 0,
                            kj::str("restore ", name, ": its record cannot be read")};
  }
  while (rest.size() > 0) {
    size_t end = rest.findFirst('\n').orDefault(rest.size());
    kj::String line = kj::heapString(rest.begin(), end);
    rest = end < rest.size() ? rest.slice(end + 1) : kj::StringPtr();
    KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() { recoverLine(name, line); })) {
      // Every line is tried. The first failure is reported, since later ones may follow from it.
      if (first == nullptr) first = support::toFailure(*exception, "files.recover");
    }
  }
  return first;
}

kj::String Restore::record() const {
  kj::Vector<kj::String> words;
  words.add(kj::str(expected_ == Expected::kDirectory ? "directory" : "file"));
  words.add(hexOf(path_));
  words.add(backup_.size() == 0 ? kj::str("-") : hexOf(backup_));
  for (auto& parent : parents_) words.add(hexOf(parent));
  return kj::strArray(words, " ");
}

kj::Maybe<Restore> Restore::parse(kj::StringPtr record) {
  kj::Vector<kj::String> words;
  while (record.size() > 0) {
    size_t end = record.findFirst(' ').orDefault(record.size());
    words.add(kj::heapString(record.begin(), end));
    record = end < record.size() ? record.slice(end + 1) : kj::StringPtr();
  }
  if (words.size() < 3 || (words[0] != "directory" && words[0] != "file")) return nullptr;
  Restore restore;
  restore.expected_ = words[0] == "directory" ? Expected::kDirectory : Expected::kFile;
  KJ_IF_MAYBE (path, fromHex(words[1])) {
    if (!path->startsWith("/")) return nullptr;
    restore.path_ = kj::mv(*path);
  } else {
    return nullptr;
  }
  for (size_t i = 2; i < words.size(); ++i) {
    if (i == 2 && words[i] == "-") continue;
    KJ_IF_MAYBE (text, fromHex(words[i])) {
      if (i == 2) {
        restore.backup_ = kj::mv(*text);
      } else {
        restore.parents_.add(kj::mv(*text));
      }
    } else {
      return nullptr;
    }
  }
  return kj::mv(restore);
}

}  // namespace nodeagent::file
