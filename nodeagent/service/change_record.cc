#include "nodeagent/service/change_record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include <kj/encoding.h>
#include <kj/io.h>
#include <kj/vector.h>

#include "nodeagent/os/read_file.h"
#include "schema/support/base/crc32c.h"
#include "schema/support/base/id.h"

namespace nodeagent::service {
namespace {

using Action = wire::ServiceAction;
using Enabled = wire::ServiceStatus::Enabled;
using Kind = wire::Error::Kind;
using State = wire::ServiceStatus::State;

// A session gives each entry of its undo list 30 s.
constexpr int64_t kStartLimitNs = 18'000'000'000;
constexpr int64_t kOtherLimitNs = 3'000'000'000;

// The fields of a record: name and user in hexadecimal, state, whether it has `enabled`, enabled.
constexpr size_t kFields = 5;

bool runs(State state) {
  return state == State::RUNNING || state == State::STARTING;
}

// Performs the actions of one return, and keeps the first failure.
class Return {
 public:
  Return(Manager& manager, kj::StringPtr name) : manager_(manager), name_(name) {}

  void act(Action action, int64_t limitNs) {
    ActResult result = manager_.act(name_, action, limitNs);
    if (result.kind == Kind::UNSPECIFIED || failure_ != nullptr) return;
    failure_ = support::Failure{result.kind, 0, kj::mv(result.text)};
  }

  State state() { return manager_.status(name_, Manager::Log::kWithout).state; }

  kj::Maybe<support::Failure> takeFailure() { return kj::mv(failure_); }

 private:
  Manager& manager_;
  kj::StringPtr name_;
  kj::Maybe<support::Failure> failure_;
};

void bringStateBack(Return& back, const Status& now, State before) {
  bool canReset = now.manager != wire::ServiceStatus::Manager::SYSV;
  if (runs(before)) {
    if (runs(now.state)) return;
    // A service that has failed often is not started again before that.
    if (now.state == State::FAILED && canReset) back.act(Action::RESET_FAILED, kOtherLimitNs);
    back.act(Action::START, kStartLimitNs);
    return;
  }
  if (now.state == before || now.state == State::STOPPED) return;
  if (now.state != State::FAILED || !canReset) back.act(Action::STOP, kStartLimitNs);
  if (canReset && back.state() == State::FAILED) back.act(Action::RESET_FAILED, kOtherLimitNs);
}

kj::String textOf(const ChangeRecord& record) {
  bool hasEnabled = record.enabled != nullptr;
  auto enabled = record.enabled.orDefault(Enabled::UNSPECIFIED);
  auto rest =
      kj::str(kj::encodeHex(record.name.asBytes()), "\n", kj::encodeHex(record.user.asBytes()),
              "\n", static_cast<unsigned>(record.state), "\n", hasEnabled ? 1 : 0, "\n",
              static_cast<unsigned>(enabled), "\n");
  return kj::str(kj::hex(support::crc32c(rest.asBytes())), "\n", rest);
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

kj::String fromHex(kj::StringPtr hex) {
  auto decoded = kj::decodeHex(hex);
  return kj::heapString(decoded.asChars().begin(), decoded.size());
}

}  // namespace

kj::Maybe<support::Failure> bringBack(Manager& manager, const ChangeRecord& record) {
  Status now;
  auto failure = kj::runCatchingExceptions(
      [&]() { now = manager.status(record.name, Manager::Log::kWithout); });
  KJ_IF_MAYBE (exception, failure) {
    auto reason = support::toFailure(*exception, "services.restore");
    // A service whose file was removed since then neither runs nor is enabled.
    bool isAsBefore = reason.kind == Kind::NOT_FOUND && !runs(record.state) &&
                      record.enabled.orDefault(Enabled::DISABLED) != Enabled::ENABLED;
    if (isAsBefore) return nullptr;
    return kj::mv(reason);
  }
  Return back(manager, record.name);
  Enabled before = record.enabled.orDefault(now.enabled);
  if (now.enabled == Enabled::MASKED && before != Enabled::MASKED) {
    back.act(Action::UNMASK, kOtherLimitNs);
    now.enabled = manager.status(record.name, Manager::Log::kWithout).enabled;
  }
  if (record.state != State::UNSPECIFIED) bringStateBack(back, now, record.state);
  if (before != now.enabled) {
    if (before == Enabled::ENABLED) {
      back.act(Action::ENABLE, kOtherLimitNs);
    } else if (before == Enabled::MASKED) {
      back.act(Action::MASK, kOtherLimitNs);
    } else if (now.enabled == Enabled::ENABLED) {
      back.act(Action::DISABLE, kOtherLimitNs);
    }
  }
  return back.takeFailure();
}

kj::String ChangeJournal::newName() const {
  struct timespec now = {};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  char order[32];
  snprintf(order, sizeof order, "%020lld", now.tv_sec * 1'000'000'000LL + now.tv_nsec);
  return kj::str(kj::StringPtr(order), "-", support::Id::random().text().c_str());
}

void ChangeJournal::write(kj::StringPtr name, const ChangeRecord& record) const {
  if (directory_.size() == 0) return;
  if (::mkdir(directory_.cStr(), 0700) < 0 && errno != EEXIST) {
    support::failErrno(errno, "make directory ", directory_);
  }
  auto path = kj::str(directory_, "/", name);
  auto temporary = kj::str(directory_, "/.", name);
  kj::AutoCloseFd file(::open(temporary.cStr(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (file.get() < 0) support::failErrno(errno, "write ", temporary);
  auto text = textOf(record);
  // Whether a service is enabled outlives the power, and so must the record.
  if (::write(file, text.begin(), text.size()) != static_cast<ssize_t>(text.size()) ||
      ::fdatasync(file) < 0 || ::rename(temporary.cStr(), path.cStr()) < 0) {
    int error = errno;
    ::unlink(temporary.cStr());
    support::failErrno(error, "write ", path);
  }
}

void ChangeJournal::drop(kj::StringPtr name) const {
  if (directory_.size() > 0) ::unlink(kj::str(directory_, "/", name).cStr());
}

bool ChangeJournal::exists() const {
  return directory_.size() > 0 && ::access(directory_.cStr(), F_OK) == 0;
}

kj::Array<kj::String> ChangeJournal::names() const {
  kj::Vector<kj::String> names;
  if (directory_.size() == 0) return nullptr;
  std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(directory_.cStr()), ::closedir);
  if (directory == nullptr) return nullptr;
  while (auto* entry = ::readdir(directory.get())) {
    if (entry->d_name[0] != '.') names.add(kj::str(entry->d_name));
  }
  std::sort(names.begin(), names.end(), [](auto& a, auto& b) { return b < a; });
  return names.releaseAsArray();
}

kj::Maybe<ChangeRecord> ChangeJournal::read(kj::StringPtr name) const {
  auto text = readFile(kj::str(directory_, "/", name));
  auto lines = linesOf(text);
  if (lines.size() != kFields + 1) return nullptr;
  auto rest = text.slice(lines[0].size() + 1);
  if (kj::str(kj::hex(support::crc32c(rest.asBytes()))) != lines[0]) return nullptr;
  ChangeRecord record;
  record.name = fromHex(lines[1]);
  record.user = fromHex(lines[2]);
  record.state = static_cast<State>(atoi(lines[3].cStr()));
  if (lines[4] == "1") record.enabled = static_cast<Enabled>(atoi(lines[5].cStr()));
  return kj::mv(record);
}

}  // namespace nodeagent::service
