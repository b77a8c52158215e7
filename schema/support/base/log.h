// The process's log: one line per event, "text key=value ...", through spdlog. Not the audit log
// (nodeagent/session/audit_log.h), which records effects and must not be lost.
#pragma once

#include <concepts>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <kj/exception.h>
#include <kj/string.h>

namespace support {

// error: someone must act. warn: degraded but going on; the text says what happens instead. info:
// life cycle. debug: every call.
enum class Level { kDebug, kInfo, kWarn, kError };

// "debug", "info", "warn", "error"; nullopt for anything else.
std::optional<Level> levelFromText(std::string_view text);
std::string_view levelText(Level level);

// One key=value of a line. The key is borrowed and outlives the call as a literal does.
struct Field {
  std::string_view key;
  std::string value;

  Field(std::string_view name, std::string text) : key(name), value(std::move(text)) {}
  Field(std::string_view name, std::string_view text) : key(name), value(text) {}
  Field(std::string_view name, const char* text) : key(name), value(text) {}
  Field(std::string_view name, kj::StringPtr text) : key(name), value(text.begin(), text.size()) {}
  Field(std::string_view name, bool yes) : key(name), value(yes ? "true" : "false") {}
  template <std::integral T>
  Field(std::string_view name, T number) : key(name), value(std::to_string(number)) {}
};

using Fields = std::initializer_list<Field>;

struct LogOptions {
  Level level = Level::kInfo;
  std::string file;     // Empty: standard error.
  std::string program;  // Begins each line where no journal does it, such as "nodeagent[front]".
};

// Until called, lines of level info and above go to standard error. May be called again, for
// SIGHUP: reopens the file. Throws std::runtime_error, with the old log still in force, if the file
// cannot be opened.
void configureLog(const LogOptions& options);

bool logEnabled(Level level);

// Writes one line. `text` says what happened, lower case. Control characters and quotes in values
// are escaped, so that a peer cannot forge lines; what looks like a secret is taken out (redact.h).
// Never throws; from any thread.
void log(Level level, std::string_view text, Fields fields = {});

// As log, for what a peer can cause at will: `source` (a literal) may write ten lines a second; how
// many were left out is said with the next line that is not.
void logLimited(std::string_view source, Level level, std::string_view text, Fields fields = {});

// Escapes as the log does: control characters, backslash and quote become \xNN, \n, \t, \\ or \".
std::string escaped(std::string_view text);

// Sends KJ's own log lines here, limited. Must live on the stack of the thread it serves, as KJ
// demands.
class KjLogCallback final : public kj::ExceptionCallback {
 public:
  void logMessage(kj::LogSeverity severity, const char* file, int line, int contextDepth,
                  kj::String&& text) override;
};

// Replaces the log's outlet for the life of the object, for unit tests: lines are collected as
// "level text key=value". What earlier objects were told does not count against the limits.
class CapturedLog {
 public:
  CapturedLog();
  ~CapturedLog();
  CapturedLog(const CapturedLog&) = delete;
  std::string text() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace support
