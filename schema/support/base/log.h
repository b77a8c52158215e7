// Writes the process's log through spdlog: one line per event, "text key=value ...". It is not the
// audit log (nodeagent/session/audit_log.h), which records effects and must not be lost.
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

// The level tells a reader what to do. error: someone must act. warn: degraded but going on, and
// the text says what happens instead. info: life cycle. debug: every call.
enum class Level { kDebug, kInfo, kWarn, kError };

// Reads "debug", "info", "warn" or "error"; returns nullopt for anything else.
std::optional<Level> levelFromText(std::string_view text);
std::string_view levelText(Level level);

// One key=value of a line. The key is borrowed, so it must be a literal or live as long as one.
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
  // Empty means standard error.
  std::string file;
  // Begins each line where no journal does it, such as "nodeagent[front]". Empty: nothing does.
  std::string program;
};

// Lines of level info and above go to standard error until this is called. A second call, on
// SIGHUP, reopens the file. Throws std::runtime_error, with the old log still in force, if the file
// cannot be opened.
void configureLog(const LogOptions& options);

bool logEnabled(Level level);

// Writes one line of UTF-8. `text` says what happened, in lower case. Both it and the values are
// escaped (text.h), so that a peer cannot forge lines; words that look like a secret are taken out
// (redact.h). Never throws. May be called from any thread.
void log(Level level, std::string_view text, Fields fields = {});

// Writes a line as log() does, for events that a peer can cause at will. Each `source` (a literal)
// may write ten lines a second; the next line after that says how many were left out.
void logLimited(std::string_view source, Level level, std::string_view text, Fields fields = {});

// Sends KJ's own log lines to this log, through logLimited. It must live on the stack of the thread
// that it serves, as KJ demands.
class KjLogCallback final : public kj::ExceptionCallback {
 public:
  void logMessage(kj::LogSeverity severity, const char* file, int line, int contextDepth,
                  kj::String&& text) override;
};

// Replaces the log's outlet for the life of the object, for unit tests: lines are collected as
// "level text key=value". Lines that earlier objects collected do not count against the limits of
// logLimited.
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
