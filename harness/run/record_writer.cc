#include "harness/run/record_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "harness/os/error.h"
#include "harness/os/files.h"
#include "schema/support/base/redact.h"
#include "schema/support/base/text.h"
#include "schema/support/base/version.h"

namespace harness::run {
namespace {

int64_t nowOf(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::string hostName() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

// The lock tells a reader that the writer lives, and nobody else ever takes it. It is one of the
// open file, so that a reader in this process does not end it.
void lock(int file) {
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  ::fcntl(file, F_OFD_SETLK, &whole);
}

std::string idOf(uint64_t number) {
  return "i" + std::to_string(number);
}

uint64_t itemNumber(const std::string& id) {
  return id.empty() ? 0 : std::strtoull(id.c_str() + 1, nullptr, 10);
}

// Makes all strings fit for the record, because they hold bytes of nodes.
void makeFit(Json& value) {
  if (value.is_string()) {
    auto& text = value.get_ref<std::string&>();
    text = recordedText(text);
    return;
  }
  if (!value.is_structured()) return;
  if (auto argv = value.is_object() ? value.find("argv") : value.end();
      argv != value.end() && argv->is_array()) {
    *argv = support::redactedWords(argv->get<std::vector<std::string>>());
  }
  for (Json& part : value) makeFit(part);
}

}  // namespace

std::string sourcePath(std::string_view file) {
  constexpr std::string_view kUp = "../";
  while (file.starts_with(kUp)) file.remove_prefix(kUp.size());
  return std::string(file);
}

std::string recordedText(const std::string& text) {
  std::string fit = support::redacted(text);
  return support::isUtf8(fit) ? fit : support::printable(fit, support::Lines::kMany);
}

RecordWriter::RecordWriter(const std::string& path, const Json& header)
    : path_(path), process_(::getpid()), clock_(nowOf(CLOCK_BOOTTIME)) {
  file_ = Fd(static_cast<int>(
      check(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0644),
            "make the record " + path)));
  lock(file_.get());
  Json first = header.is_object() ? header : Json::object();
  first["records"] = 1;
  first["pid"] = process_;
  first["host"] = hostName();
  first["boot"] = readIfPresent("/proc/sys/kernel/random/boot_id").substr(0, 36);
  first["wall"] = nowOf(CLOCK_REALTIME);
  first["clock"] = clock_;
  first["muster"] = support::kVersion;
  std::lock_guard<std::mutex> guard(mutex_);
  write(std::move(first));
}

std::string RecordWriter::announce(const std::string& kind, const std::string& in,
                                   const Json& fields) {
  return opened("announce", kind, in, fields);
}

std::string RecordWriter::begin(const std::string& kind, const std::string& in,
                                const Json& fields) {
  return opened("begin", kind, in, fields);
}

std::string RecordWriter::opened(const char* verb, const std::string& kind, const std::string& in,
                                 const Json& fields) {
  std::lock_guard<std::mutex> guard(mutex_);
  uint64_t number = ++ids_;
  Json line = fields.is_object() ? fields : Json::object();
  line["kind"] = kind;
  if (!in.empty()) line["in"] = in;
  open_.insert(number);
  append(verb, idOf(number), line);
  return idOf(number);
}

void RecordWriter::beginAnnounced(const std::string& id, const Json& fields) {
  std::lock_guard<std::mutex> guard(mutex_);
  append("begin", id, fields);
}

void RecordWriter::add(const std::string& id, const std::string& what, const Json& fields) {
  std::lock_guard<std::mutex> guard(mutex_);
  Json line = fields.is_object() ? fields : Json::object();
  line["what"] = what;
  append("add", id, line);
}

void RecordWriter::end(const std::string& id, const Json& fields) {
  std::lock_guard<std::mutex> guard(mutex_);
  open_.erase(itemNumber(id));
  append("end", id, fields);
}

void RecordWriter::abort(const std::string& id, const std::string& because) {
  std::lock_guard<std::mutex> guard(mutex_);
  open_.erase(itemNumber(id));
  append("abort", id, {{"because", because}});
}

void RecordWriter::abortOpen(const std::string& because) {
  while (!open_.empty()) {
    auto newest = std::prev(open_.end());
    append("abort", idOf(*newest), {{"because", because}});
    open_.erase(newest);
  }
}

void RecordWriter::close(const std::string& because) {
  std::lock_guard<std::mutex> guard(mutex_);
  if (isClosed_) return;
  abortOpen(because);
  append("close", next_, {{"lost", lost_}});
  isClosed_ = true;
}

std::string RecordWriter::problem() const {
  std::lock_guard<std::mutex> guard(mutex_);
  return problem_;
}

void RecordWriter::append(const char* verb, const Json& value, const Json& fields) {
  Json line = fields.is_object() ? fields : Json::object();
  line[verb] = value;
  write(std::move(line));
}

// One call of write() for each line: another process that reads meanwhile sees whole lines but for
// the last one.
void RecordWriter::write(Json line) {
  if (isClosed_ || ::getpid() != process_) return;
  line["n"] = next_++;
  line["at"] = nowOf(CLOCK_BOOTTIME) - clock_;
  makeFit(line);
  std::string text = line.dump() + "\n";
  if (isTorn_) text.insert(0, "\n");
  ssize_t written = ::write(file_.get(), text.data(), text.size());
  if (written == static_cast<ssize_t>(text.size())) {
    isTorn_ = false;
    return;
  }
  int number = written < 0 ? errno : ENOSPC;
  isTorn_ = isTorn_ || written > 0;
  ++lost_;
  if (problem_.empty()) problem_ = path_ + ": cannot be written: " + std::strerror(number);
}

}  // namespace harness::run
