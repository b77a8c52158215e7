// This is the only file that knows spdlog. Debian has no static archive of it, so it is compiled
// here, from its headers.
#define SPDLOG_HEADER_ONLY
#define FMT_HEADER_ONLY
#define SPDLOG_FMT_EXTERNAL
#include "schema/support/base/log.h"

#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <map>
#include <mutex>
#include <stdexcept>

#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

#include "schema/support/base/redact.h"
#include "schema/support/base/text.h"

namespace support {
namespace {

constexpr std::array<std::string_view, 4> kLevelTexts = {"debug", "info", "warn", "error"};
constexpr int kLinesPerSecondMax = 10;

spdlog::level::level_enum native(Level level) {
  constexpr spdlog::level::level_enum kNative[] = {spdlog::level::debug, spdlog::level::info,
                                                   spdlog::level::warn, spdlog::level::err};
  return kNative[static_cast<int>(level)];
}

// Writes each line by one write(2), so that lines of several processes never mix.
class DescriptorSink final : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    const char* position = line.data();
    size_t left = line.size();
    while (left > 0) {
      ssize_t count = ::write(STDERR_FILENO, position, left);
      if (count <= 0) return;  // There is nobody left to report it to.
      position += count;
      left -= count;
    }
  }
  void flush_() override {}
};

// The "<N>" by which journald and syslog know a line's priority.
class PriorityFlag final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& line) override {
    const char* text = message.level >= spdlog::level::err    ? "<3>"
                       : message.level >= spdlog::level::warn ? "<4>"
                       : message.level >= spdlog::level::info ? "<6>"
                                                              : "<7>";
    line.append(text, text + 3);
  }
  std::unique_ptr<spdlog::custom_flag_formatter> clone() const override {
    return std::make_unique<PriorityFlag>();
  }
};

std::shared_ptr<spdlog::logger> makeLogger(const LogOptions& options) {
  // Shared because spdlog's own types demand it; the logger and this file's variable are the
  // owners.
  std::shared_ptr<spdlog::sinks::sink> sink;
  bool journal = options.file.empty() && getenv("JOURNAL_STREAM") != nullptr;
  if (options.file.empty()) {
    sink = std::make_shared<DescriptorSink>();
  } else {
    try {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file);
    } catch (const spdlog::spdlog_ex& exception) {
      throw std::runtime_error(exception.what());
    }
  }
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  if (journal) {
    formatter->add_flag<PriorityFlag>('*').set_pattern("%*%v");
  } else {
    std::string program = options.program.empty() ? "" : options.program + " ";
    formatter->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z " + program + "%l %v");
  }
  auto logger = std::make_shared<spdlog::logger>("muster", std::move(sink));
  logger->set_formatter(std::move(formatter));
  logger->set_level(native(options.level));
  logger->flush_on(spdlog::level::info);
  return logger;
}

struct Outlet {
  std::mutex mutex;
  std::shared_ptr<spdlog::logger> logger = makeLogger({});
};

// Deliberately never destroyed: threads may log while the process exits.
Outlet& outlet() {
  static Outlet& instance = *new Outlet;
  return instance;
}

std::shared_ptr<spdlog::logger> currentLogger() {
  std::lock_guard lock(outlet().mutex);
  return outlet().logger;
}

std::shared_ptr<spdlog::logger> exchangeLogger(std::shared_ptr<spdlog::logger> logger) {
  std::lock_guard lock(outlet().mutex);
  return std::exchange(outlet().logger, std::move(logger));
}

std::string valueText(const std::string& value) {
  bool plain = !value.empty() && value.find_first_of(" =\"\\") == std::string::npos;
  std::string text = escaped(value);
  return plain && text.size() == value.size() ? text : "\"" + text + "\"";
}

void write(Level level, std::string_view text, Fields fields, const std::string& tail) noexcept {
  try {
    auto logger = currentLogger();
    if (!logger->should_log(native(level))) return;
    std::string line = escaped(text);
    for (const Field& field : fields) {
      line.append(" ").append(field.key).append("=").append(valueText(redacted(field.value)));
    }
    line += tail;
    logger->log(native(level), spdlog::string_view_t(line.data(), line.size()));
  } catch (...) {
    // A log that cannot be written has nowhere to say so.
  }
}

struct Window {
  std::chrono::steady_clock::time_point begin{};
  int written = 0;
  uint64_t leftOut = 0;
};

// The state of logLimited, by source.
struct Windows {
  std::mutex mutex;
  std::map<std::string, Window, std::less<>> all;
};

Windows& windows() {
  static Windows& instance = *new Windows;
  return instance;
}

}  // namespace

std::optional<Level> levelFromText(std::string_view text) {
  for (size_t i = 0; i < kLevelTexts.size(); ++i) {
    if (kLevelTexts[i] == text) return static_cast<Level>(i);
  }
  return std::nullopt;
}

std::string_view levelText(Level level) {
  return kLevelTexts[static_cast<int>(level)];
}

void configureLog(const LogOptions& options) {
  exchangeLogger(makeLogger(options));
}

bool logEnabled(Level level) {
  return currentLogger()->should_log(native(level));
}

void log(Level level, std::string_view text, Fields fields) {
  write(level, text, fields, "");
}

void logLimited(std::string_view source, Level level, std::string_view text, Fields fields) {
  std::string tail;
  {
    std::lock_guard lock(windows().mutex);
    auto& all = windows().all;
    auto found = all.find(source);
    if (found == all.end()) found = all.emplace(std::string(source), Window{}).first;
    Window& window = found->second;
    auto now = std::chrono::steady_clock::now();
    if (now - window.begin >= std::chrono::seconds(1)) {
      window.begin = now;
      window.written = 0;
    }
    if (window.written >= kLinesPerSecondMax) {
      ++window.leftOut;
      return;
    }
    ++window.written;
    if (window.leftOut > 0) tail = " left_out=" + std::to_string(std::exchange(window.leftOut, 0));
  }
  // The line is written after the lock is released, because a slow outlet must not hold up other
  // sources.
  write(level, text, fields, tail);
}

void KjLogCallback::logMessage(kj::LogSeverity severity, const char* file, int line, int,
                               kj::String&& text) {
  Level level = severity == kj::LogSeverity::INFO      ? Level::kDebug
                : severity == kj::LogSeverity::WARNING ? Level::kWarn
                : severity == kj::LogSeverity::DBG     ? Level::kDebug
                                                       : Level::kError;
  logLimited("kj", level, {text.begin(), text.size()}, {{"file", file}, {"line", line}});
}

struct CapturedLog::State {
  // This replaces spdlog's ostream_sink, whose stream cannot be read while another thread logs.
  class Sink final : public spdlog::sinks::base_sink<std::mutex> {
   public:
    std::string text() {
      std::lock_guard lock(mutex_);
      return text_;
    }

   protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
      spdlog::memory_buf_t line;
      formatter_->format(message, line);
      text_.append(line.data(), line.size());
    }
    void flush_() override {}

   private:
    // Guarded by the base class's mutex_.
    std::string text_;
  };

  std::shared_ptr<Sink> sink = std::make_shared<Sink>();
  std::shared_ptr<spdlog::logger> previous;
};

CapturedLog::CapturedLog() : state_(std::make_unique<State>()) {
  auto logger = std::make_shared<spdlog::logger>("captured", state_->sink);
  logger->set_pattern("%l %v");
  logger->set_level(spdlog::level::debug);
  state_->previous = exchangeLogger(std::move(logger));
  std::lock_guard lock(windows().mutex);
  windows().all.clear();
}

CapturedLog::~CapturedLog() {
  exchangeLogger(std::move(state_->previous));
}

std::string CapturedLog::text() const {
  return state_->sink->text();
}

}  // namespace support
