#include "nodeagent/metrics/usage.h"

#include <algorithm>
#include <charconv>
#include <locale>
#include <map>
#include <optional>
#include <sstream>
#include <string_view>

namespace nodeagent::metrics {
namespace {

// The kernel counts sectors of this size, whatever the disk has.
constexpr int64_t kSectorBytes = 512;
constexpr int64_t kKibibyte = 1024;

// Reads the number that a word is; nothing if it is none.
std::optional<int64_t> numberOf(std::string_view word) {
  int64_t number = 0;
  auto read = std::from_chars(word.data(), word.data() + word.size(), number);
  bool isWhole = read.ec == std::errc() && read.ptr == word.data() + word.size();
  if (!isWhole || number < 0) return std::nullopt;
  return number;
}

std::vector<std::string> linesOf(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> wordsOf(const std::string& line) {
  std::vector<std::string> words;
  std::istringstream stream(line);
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

// Returns the numbers behind the keys of lines such as "VmRSS:     1234 kB".
std::map<std::string, int64_t, std::less<>> keyedNumbers(const std::string& text) {
  std::map<std::string, int64_t, std::less<>> numbers;
  for (const std::string& line : linesOf(text)) {
    size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    std::vector<std::string> words = wordsOf(line.substr(colon + 1));
    if (words.empty()) continue;
    if (auto number = numberOf(words[0])) numbers.emplace(line.substr(0, colon), *number);
  }
  return numbers;
}

void take(const std::map<std::string, int64_t, std::less<>>& numbers, std::string_view key,
          int64_t unit, int64_t& to) {
  auto found = numbers.find(key);
  if (found != numbers.end()) to = found->second * unit;
}

void add(int64_t more, int64_t& sum) {
  sum = std::max<int64_t>(sum, 0) + more;
}

}  // namespace

// The first line has the sums of all processors: user, nice, system, idle, iowait, irq, softirq,
// steal. What guests had is in user already.
void readProcessors(const std::string& text, int64_t tickNs, NodeUsage& usage) {
  constexpr size_t kColumns = 8;
  for (const std::string& line : linesOf(text)) {
    if (!line.starts_with("cpu")) continue;
    std::vector<std::string> words = wordsOf(line);
    if (words[0] != "cpu") {
      usage.processors = std::max(usage.processors, 0) + 1;
      continue;
    }
    int64_t ticks[kColumns] = {};
    for (size_t i = 0; i < kColumns && i + 1 < words.size(); ++i) {
      ticks[i] = numberOf(words[i + 1]).value_or(0);
    }
    usage.busyNs = (ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]) * tickNs;
    usage.idleNs = (ticks[3] + ticks[4] + ticks[7]) * tickNs;
  }
}

void readMemory(const std::string& text, NodeUsage& usage) {
  auto numbers = keyedNumbers(text);
  take(numbers, "MemTotal", kKibibyte, usage.memoryTotalBytes);
  take(numbers, "MemAvailable", kKibibyte, usage.memoryAvailableBytes);
  take(numbers, "SwapTotal", kKibibyte, usage.swapTotalBytes);
  take(numbers, "SwapFree", kKibibyte, usage.swapFreeBytes);
}

// A line is "eth0: BYTES …", with eight numbers of what was received and eight of what was sent. An
// interface's name may have a colon itself.
void readInterfaces(const std::string& text, NodeUsage& usage) {
  constexpr size_t kReceived = 0;
  constexpr size_t kSent = 8;
  for (const std::string& line : linesOf(text)) {
    size_t colon = line.rfind(':');
    if (colon == std::string::npos) continue;
    std::vector<std::string> name = wordsOf(line.substr(0, colon));
    std::vector<std::string> numbers = wordsOf(line.substr(colon + 1));
    if (name.size() != 1 || name[0] == "lo" || numbers.size() <= kSent) continue;
    auto received = numberOf(numbers[kReceived]);
    auto sent = numberOf(numbers[kSent]);
    if (!received || !sent) continue;
    add(*received, usage.networkReceivedBytes);
    add(*sent, usage.networkSentBytes);
  }
}

void readOpenFiles(const std::string& text, NodeUsage& usage) {
  std::vector<std::string> words = wordsOf(text);
  if (!words.empty()) usage.descriptors = numberOf(words[0]).value_or(kUnknown);
}

void readLoad(const std::string& text, NodeUsage& usage) {
  double load = 0;
  std::istringstream stream(text);
  stream.imbue(std::locale::classic());
  if (stream >> load) usage.load1 = load;
}

// A line is "MAJOR MINOR NAME reads merged SECTORS ms writes merged SECTORS …".
void readDisks(const std::string& text,
               const std::function<bool(const std::string& name)>& isCounted, NodeUsage& usage) {
  constexpr size_t kName = 2;
  constexpr size_t kRead = 5;
  constexpr size_t kWritten = 9;
  for (const std::string& line : linesOf(text)) {
    std::vector<std::string> words = wordsOf(line);
    if (words.size() <= kWritten || !isCounted(words[kName])) continue;
    auto read = numberOf(words[kRead]);
    auto written = numberOf(words[kWritten]);
    if (!read || !written) continue;
    add(*read * kSectorBytes, usage.diskReadBytes);
    add(*written * kSectorBytes, usage.diskWrittenBytes);
  }
}

// A thread of the kernel and a process that has ended have none of these lines. A kernel without
// swap has no VmSwap.
void readProcessMemory(const std::string& text, ProcessUsage& usage) {
  auto numbers = keyedNumbers(text);
  take(numbers, "VmRSS", kKibibyte, usage.residentBytes);
  take(numbers, "RssAnon", kKibibyte, usage.anonymousBytes);
  int64_t swapped = 0;
  take(numbers, "VmSwap", kKibibyte, swapped);
  if (usage.anonymousBytes != kUnknown) usage.anonymousBytes += swapped;
}

void readProcessStorage(const std::string& text, ProcessUsage& usage) {
  auto numbers = keyedNumbers(text);
  take(numbers, "read_bytes", 1, usage.readBytes);
  take(numbers, "write_bytes", 1, usage.writtenBytes);
}

}  // namespace nodeagent::metrics
