#include "nodeagent/audit_log.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <kj/debug.h>
#include <kj/io.h>

namespace nodeagent {
namespace {

constexpr size_t kLineBytesMax = 8192;
constexpr size_t kValueBytesMax = 1024;

// Appends `text` as a JSON string. Bytes outside ASCII and control characters are written as
// \u00NN, byte by byte, so that the line is valid whatever encoding a path has.
void appendText(std::string& line, std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  bool cut = text.size() > kValueBytesMax;
  if (cut) text = text.substr(0, kValueBytesMax);
  line += '"';
  for (char character : text) {
    auto byte = static_cast<unsigned char>(character);
    if (character == '"' || character == '\\') {
      line += '\\';
      line += character;
    } else if (byte < 0x20 || byte >= 0x7f) {
      line += "\\u00";
      line += kDigits[byte >> 4];
      line += kDigits[byte & 15];
    } else {
      line += character;
    }
  }
  if (cut) line += " ...";
  line += '"';
}

void appendMember(std::string& line, std::string_view key, std::string_view value) {
  if (line.size() > 1) line += ',';
  appendText(line, key);
  line += ':';
  appendText(line, value);
}

class FileAuditLog final : public AuditLog {
 public:
  FileAuditLog(kj::AutoCloseFd file, const Clock& clock) : file_(kj::mv(file)), clock_(clock) {}

  void record(const Session& session, std::string_view operation, support::Fields fields) override {
    std::string line = auditLine(clock_, session, operation, fields) + "\n";
    ssize_t count;
    do {
      count = write(file_.get(), line.data(), line.size());
    } while (count < 0 && errno == EINTR);
    if (count != static_cast<ssize_t>(line.size())) {
      support::failErrno(count < 0 ? errno : ENOSPC, "write to the audit log");
    }
  }

 private:
  kj::AutoCloseFd file_;
  const Clock& clock_;
};

class DiscardAuditLog final : public AuditLog {
 public:
  void record(const Session&, std::string_view, support::Fields) override {}
};

}  // namespace

kj::Own<AuditLog> openAuditLog(kj::StringPtr path, const Clock& clock) {
  int descriptor = open(path.cStr(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) support::failErrno(errno, "open the audit log ", path);
  return kj::heap<FileAuditLog>(kj::AutoCloseFd(descriptor), clock);
}

kj::Own<AuditLog> discardAuditLog() {
  return kj::heap<DiscardAuditLog>();
}

std::string auditLine(const Clock& clock, const Session& session, std::string_view operation,
                      support::Fields fields) {
  std::string line = "{\"realtimeNs\":" + std::to_string(clock.realtimeNs()) +
                     ",\"boottimeNs\":" + std::to_string(clock.boottimeNs());
  auto identity = session.identity();
  appendMember(line, "session", session.id().text());
  appendMember(line, "identity", {identity.begin(), identity.size()});
  appendMember(line, "op", operation);
  for (const support::Field& field : fields) {
    std::string longer = line;
    appendMember(longer, field.key, field.value);
    if (longer.size() + 16 > kLineBytesMax) {
      line += ",\"cut\":true";
      break;
    }
    line = std::move(longer);
  }
  return line + "}";
}

}  // namespace nodeagent
