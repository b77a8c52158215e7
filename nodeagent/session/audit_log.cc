#include "nodeagent/session/audit_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <mutex>
#include <optional>
#include <vector>

#include <kj/debug.h>
#include <kj/encoding.h>
#include <kj/io.h>

#include "nodeagent/os/worker.h"
#include "schema/support/base/id.h"
#include "schema/support/base/redact.h"
#include "schema/support/base/sha256.h"
#include "schema/support/base/text.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent {
namespace {

constexpr size_t kLineBytesMax = 8192;
constexpr size_t kLineBytesUsual = 512;
constexpr size_t kValueBytesMax = 1024;

void appendMember(std::string& line, std::string_view key, std::string_view value) {
  if (line.size() > 1) line += ',';
  line.append(1, '"').append(support::jsonEscaped(key)).append("\":\"");
  line.append(value).append(1, '"');
}

// Appends a value that anybody may have chosen. Its bytes stand beside it where it is no text.
void appendValue(std::string& line, std::string_view key, std::string_view value) {
  std::string_view shown = support::beginningOf(value, kValueBytesMax);
  const char* cut = shown.size() < value.size() ? " ..." : "";
  appendMember(line, key, support::jsonEscaped(shown) + cut);
  if (support::isUtf8(shown)) return;
  auto bytes = kj::arrayPtr(reinterpret_cast<const kj::byte*>(shown.data()), shown.size());
  appendMember(line, std::string(key) + "Base64", kj::encodeBase64(bytes).cStr());
}

// These begin a line of the chain: {"seq":N,"prev":"HEX",
constexpr std::string_view kSeqKey = "{\"seq\":";
constexpr std::string_view kPrevKey = ",\"prev\":\"";
constexpr size_t kDigestDigits = 64;
constexpr size_t kPlaceBytesMax = 128;

std::string digestOf(std::string_view line) {
  auto bytes = kj::arrayPtr(reinterpret_cast<const kj::byte*>(line.data()), line.size());
  auto digest = support::Sha256::of(bytes);
  return support::hex(kj::arrayPtr(digest.data(), digest.size()));
}

struct Place {
  uint64_t number = 0;
  std::string previous = std::string(kDigestDigits, '0');
};

// Reads a line's place in the chain; nullopt if the line is not of this log.
std::optional<Place> placeOf(std::string_view line) {
  if (!line.starts_with(kSeqKey) || line.back() != '}') return std::nullopt;
  line.remove_prefix(kSeqKey.size());
  Place place;
  auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), place.number);
  if (error != std::errc()) return std::nullopt;
  line.remove_prefix(static_cast<size_t>(end - line.data()));
  if (!line.starts_with(kPrevKey) || line.size() < kPrevKey.size() + kDigestDigits) {
    return std::nullopt;
  }
  place.previous = std::string(line.substr(kPrevKey.size(), kDigestDigits));
  return place;
}

kj::AutoCloseFd openFile(const std::string& path) {
  int descriptor = open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) support::failErrno(errno, "open the audit log ", path.c_str());
  kj::AutoCloseFd file(descriptor);
  if (flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    support::fail(wire::Error::Kind::CONFLICT, "the audit log ", path.c_str(),
                  " is written by another agent");
  }
  return file;
}

class FileAuditLog final : public AuditLog {
 public:
  FileAuditLog(kj::StringPtr path, const Clock& clock, kj::Timer& timer,
               const AuditOptions& options)
      : path_(path.cStr()),
        clock_(clock),
        timer_(timer),
        options_(options),
        file_(openFile(path_)) {
    goOn();
  }

  Line line(const Session& session, std::string_view operation, support::Fields fields) override {
    return [this, rest = auditLine(clock_, session, operation, fields)]() { write(rest); };
  }

  kj::Maybe<kj::Promise<void>> record(const Session& session, std::string_view operation,
                                      support::Fields fields) override {
    if (waiting_ >= options_.waitingMax) return kj::Promise<void>(tooLate());
    ++waiting_;
    // A line whose caller has given up is left out, unless it is being written.
    return writer_.run(line(session, operation, fields))
        .exclusiveJoin(timer_.afterDelay(options_.patience).then([this]() -> kj::Promise<void> {
          return tooLate();
        }))
        .attach(kj::defer([this]() { --waiting_; }));
  }

  bool close(kj::Duration limit) override { return writer_.close(limit); }

 private:
  kj::Exception tooLate() const {
    return support::failure(wire::Error::Kind::OVERLOADED, "the audit log ", path_.c_str(), ": ",
                            waiting_, " calls wait for its disk, for at most ",
                            options_.patience / kj::MILLISECONDS, " ms; nothing was done");
  }

  void write(const std::string& rest) {
    std::lock_guard lock(mutex_);
    // The chain goes on in the next file, so that a removed file shows as well as a removed line.
    if (sizeBytes_ >= options_.bytesMax) rotate();
    std::string line;
    line.reserve(kPlaceBytesMax + rest.size());
    line.append(kSeqKey).append(std::to_string(next_.number)).append(kPrevKey);
    line.append(next_.previous).append("\",").append(rest, 1);
    std::string digest = digestOf(line);
    line += '\n';
    ssize_t count;
    do {
      count = ::write(file_.get(), line.data(), line.size());
    } while (count < 0 && errno == EINTR);
    if (count != static_cast<ssize_t>(line.size())) {
      int reason = count < 0 ? errno : ENOSPC;
      // A part of a line would break the chain, so it is cut off again.
      if (count > 0 && ftruncate(file_, static_cast<off_t>(sizeBytes_)) != 0) reason = errno;
      support::failErrno(reason, "write to the audit log");
    }
    sizeBytes_ += line.size();
    next_ = {next_.number + 1, std::move(digest)};
  }

  // Finds the end of the chain: removes a line that was cut off, and reads number and digest of the
  // last whole one.
  void goOn() {
    struct stat status {};
    KJ_SYSCALL(fstat(file_, &status));
    // The log may be a device or a pipe, such as /dev/stdout, which cannot be read back.
    if (!S_ISREG(status.st_mode)) return;
    sizeBytes_ = static_cast<uint64_t>(status.st_size);
    std::string tail(std::min<uint64_t>(sizeBytes_, 2 * kLineBytesMax), '\0');
    ssize_t count =
        pread(file_, tail.data(), tail.size(), static_cast<off_t>(sizeBytes_ - tail.size()));
    if (count != static_cast<ssize_t>(tail.size())) {
      support::failErrno(count < 0 ? errno : EIO, "read the audit log ", path_.c_str());
    }
    size_t end = tail.rfind('\n');
    end = end == std::string::npos ? 0 : end + 1;
    if (end < tail.size()) {
      support::log(support::Level::kWarn, "the audit log's last line was cut off; it is removed",
                   {{"file", path_}, {"bytes", tail.size() - end}});
      sizeBytes_ -= tail.size() - end;
      KJ_SYSCALL(ftruncate(file_, static_cast<off_t>(sizeBytes_)));
    }
    if (end == 0) return;
    size_t begin = tail.rfind('\n', end - 2);
    begin = begin == std::string::npos ? 0 : begin + 1;
    std::string_view last = std::string_view(tail).substr(begin, end - 1 - begin);
    auto place = placeOf(last);
    // If this is no line of the log, the verifier will report it; the chain goes on behind it.
    next_ = {place ? place->number + 1 : 0, digestOf(last)};
  }

  void rotate() {
    for (int i = options_.oldFilesMax; i > 0; --i) {
      std::string source = i == 1 ? path_ : path_ + "." + std::to_string(i - 1);
      std::string target = path_ + "." + std::to_string(i);
      if (rename(source.c_str(), target.c_str()) != 0 && errno != ENOENT) {
        support::failErrno(errno, "rename the audit log ", source.c_str());
      }
    }
    file_ = openFile(path_);
    sizeBytes_ = 0;
  }

  const std::string path_;
  const Clock& clock_;
  kj::Timer& timer_;
  const AuditOptions options_;
  size_t waiting_ = 0;
  // Guards the chain and its file, which the threads of all services write.
  std::mutex mutex_;
  kj::AutoCloseFd file_;
  uint64_t sizeBytes_ = 0;
  Place next_;
  // Is the last member, because its thread uses the others. Lines of the loop keep their order.
  Worker writer_{1};
};

class DiscardAuditLog final : public AuditLog {
 public:
  Line line(const Session&, std::string_view, support::Fields) override {
    return []() {};
  }
  kj::Maybe<kj::Promise<void>> record(const Session&, std::string_view, support::Fields) override {
    return nullptr;
  }
};

}  // namespace

kj::Own<AuditLog> openAuditLog(kj::StringPtr path, const Clock& clock, kj::Timer& timer,
                               const AuditOptions& options) {
  return kj::heap<FileAuditLog>(path, clock, timer, options);
}

kj::Own<AuditLog> discardAuditLog() {
  return kj::heap<DiscardAuditLog>();
}

std::string auditLine(const Clock& clock, const Session& session, std::string_view operation,
                      support::Fields fields) {
  std::string line;
  line.reserve(kLineBytesUsual);
  line.append("{\"realtimeNs\":").append(std::to_string(clock.realtimeNs()));
  line.append(",\"boottimeNs\":").append(std::to_string(clock.boottimeNs()));
  auto identity = session.identity();
  appendValue(line, "session", session.id().text());
  appendValue(line, "identity", {identity.begin(), identity.size()});
  appendValue(line, "op", operation);
  for (const support::Field& field : fields) {
    size_t before = line.size();
    appendValue(line, field.key, support::redacted(field.value));
    if (line.size() + 16 + kPlaceBytesMax > kLineBytesMax) {
      line.resize(before);
      line += ",\"cut\":true";
      break;
    }
  }
  line += '}';
  return line;
}

AuditVerdict verifyAudit(const std::string& path) {
  std::vector<std::string> files = {path};
  while (access((path + "." + std::to_string(files.size())).c_str(), F_OK) == 0) {
    files.push_back(path + "." + std::to_string(files.size()));
  }
  std::optional<Place> wanted;
  uint64_t lines = 0;
  for (auto file = files.rbegin(); file != files.rend(); ++file) {
    std::ifstream stream(*file, std::ios::binary);
    if (!stream) return {false, *file + ": cannot be read: " + support::errnoText(errno).cStr()};
    size_t number = 0;
    for (std::string line; std::getline(stream, line); ++lines) {
      std::string where = *file + ":" + std::to_string(++number) + ": ";
      // getline reaches the end of file only if the newline is missing.
      if (stream.eof()) return {false, where + "the last line was cut off"};
      auto place = placeOf(line);
      if (!place) return {false, where + "is no audit line"};
      if (wanted && place->number != wanted->number) {
        return {false, where + "has number " + std::to_string(place->number) + ", wanted " +
                           std::to_string(wanted->number) + ": lines are missing or added"};
      }
      if (wanted && place->previous != wanted->previous) {
        return {false, where + "does not follow the line before it: one of them was changed"};
      }
      // A log whose older files were rotated away begins at any number. Number 0 begins the chain.
      if (!wanted && place->number == 0 && place->previous != Place().previous) {
        return {false, where + "is the first, and follows another"};
      }
      wanted = Place{place->number + 1, digestOf(line)};
    }
  }
  if (!wanted) return {true, "no lines"};
  return {true, std::to_string(lines) + " lines, numbers to " + std::to_string(wanted->number - 1) +
                    ", last digest " + wanted->previous};
}

}  // namespace nodeagent
