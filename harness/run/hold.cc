#include "harness/run/hold.h"

#include <time.h>

#include <filesystem>

#include "harness/os/files.h"
#include "harness/os/shell_words.h"
#include "harness/run/fields.h"

namespace harness::run {
namespace {

constexpr char kDirectory[] = "/hold";
constexpr char kResume[] = "resume\n";
constexpr char kRelease[] = "release\n";
constexpr int64_t kSecondNs = 1'000'000'000;

std::string requestPath(const std::string& runDirectory, const std::string& writer,
                        const std::string& id) {
  return runDirectory + kDirectory + "/" + writer + "." + id;
}

}  // namespace

Json holdFields(const std::string& test, const std::string& text, std::chrono::nanoseconds time) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  int64_t until = now.tv_sec * kSecondNs + now.tv_nsec + time.count();
  return {{"test", test}, {"text", text}, {"until", until}};
}

std::vector<Hold> holdsOf(const RunRecord& run) {
  std::vector<Hold> holds;
  for (const RecordFile& file : run.files) {
    if (file.ending() != RecordFile::Ending::kRunning || isNested(file)) continue;
    for (const Item& item : file.items()) {
      if (item.kind != kHoldKind || item.state != Item::State::kBegun) continue;
      Json fields = file.fields(item);
      holds.push_back({.writer = file.name(),
                       .id = item.id,
                       .test = textOf(fields, "test"),
                       .until = numberOf<int64_t>(fields, "until", 0)});
    }
  }
  return holds;
}

std::string holdEndText(int64_t until) {
  time_t seconds = until / kSecondNs;
  tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[32];
  ::strftime(text, sizeof text, "%H:%M:%S UTC", &utc);
  return text;
}

std::string howToEnd(const std::string& runDirectory, const std::string& muster) {
  std::string directory = shellWord(runDirectory);
  return "  when you have seen enough:\n    " + muster + " resume " + directory +
         "    # the test goes on\n    " + muster + " release " + directory +
         "   # the test ends at once, and nodes that were made for it are removed\n";
}

std::string requestHoldEnd(const std::string& runDirectory, const Hold& hold, HoldEnd end) {
  makeDirectories(runDirectory + kDirectory);
  std::string path = requestPath(runDirectory, hold.writer, hold.id);
  putFile(path, end == HoldEnd::kResume ? kResume : kRelease, 0644);
  return path;
}

bool isHoldEndWaiting(const std::string& request) {
  std::error_code ignored;
  return std::filesystem::exists(request, ignored);
}

void dropHoldEnd(const std::string& request) {
  std::error_code ignored;
  std::filesystem::remove(request, ignored);
}

std::optional<HoldEnd> takeHoldEnd(const std::string& runDirectory, const std::string& writer,
                                   const std::string& id) {
  std::string path = requestPath(runDirectory, writer, id);
  std::string text = readIfPresent(path);
  if (text != kResume && text != kRelease) return std::nullopt;
  dropHoldEnd(path);
  return text == kResume ? HoldEnd::kResume : HoldEnd::kRelease;
}

}  // namespace harness::run
