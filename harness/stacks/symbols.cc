#include "harness/stacks/symbols.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "harness/os/command.h"
#include "harness/stacks/elf_symbols.h"

namespace harness::stacks {
namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

// A name of a template may fill pages.
constexpr size_t kFunctionBytesMax = 400;

// Bounds what addr2line prints of one file.
constexpr size_t kOutputBytesMax = 4 << 20;

constexpr char kUnknown[] = "??";

// A call that never returns may be the last instruction of its function, so that the address behind
// it is in another one.
uint64_t placeOf(const RawFrame& frame) {
  return frame.isExact || frame.offset == 0 ? frame.offset : frame.offset - 1;
}

std::string bounded(std::string text) {
  if (text.size() <= kFunctionBytesMax) return text;
  text.resize(kFunctionBytesMax);
  return text + "...";
}

// Takes "FILE:LINE" apart, behind which addr2line may say "(discriminator 3)".
void takePlace(std::string_view text, SourceFrame& frame) {
  text = text.substr(0, text.find(" ("));
  size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return;
  std::string file(text.substr(0, colon));
  int line = std::atoi(std::string(text.substr(colon + 1)).c_str());
  if (file == kUnknown || line == 0) return;
  frame.file = treePath(file);
  frame.line = line;
}

// Reads what `addr2line -a -f -i -C` prints: an address, and for it one or several pairs of lines.
std::map<uint64_t, std::vector<SourceFrame>> parseAnswer(std::string_view output) {
  std::map<uint64_t, std::vector<SourceFrame>> answer;
  std::vector<SourceFrame>* current = nullptr;
  std::optional<std::string> function;
  while (!output.empty()) {
    size_t end = std::min(output.find('\n'), output.size());
    std::string line(output.substr(0, end));
    output.remove_prefix(std::min(end + 1, output.size()));
    if (!function && line.starts_with("0x")) {
      current = &answer[std::strtoull(line.c_str(), nullptr, 16)];
    } else if (!function) {
      function = line;
    } else if (current != nullptr) {
      SourceFrame frame;
      if (*function != kUnknown) frame.function = bounded(*function);
      takePlace(line, frame);
      current->push_back(std::move(frame));
      function.reset();
    }
  }
  return answer;
}

// Distributions take the symbols of their libraries away.
bool isStripped(const std::string& module) {
  return module.starts_with("/usr/lib") || module.starts_with("/lib");
}

class Symboliser {
 public:
  explicit Symboliser(const SymbolOptions& options)
      : options_(options), end_(steady_clock::now() + options.time) {}

  void ask(const std::string& module, const std::set<uint64_t>& offsets) noexcept {
    try {
      nanoseconds left = end_ - steady_clock::now();
      std::error_code ignored;
      if (left.count() <= 0 || !std::filesystem::is_regular_file(module, ignored)) return;
      std::string input;
      for (uint64_t offset : offsets) input += hexText(offset) + "\n";
      // A server of debugging information would be asked over the network.
      CommandResult result = runCommand({"/usr/bin/env", "-u", "DEBUGINFOD_URLS", options_.program,
                                         "-e", module, "-a", "-f", "-i", "-C"},
                                        {.time = left, .outputBytes = kOutputBytesMax}, input);
      if (result.succeeded()) answers_[module] = parseAnswer(result.output);
    } catch (const std::exception&) {
      // There is no such program: the symbols of the file are left.
    }
  }

  std::vector<SourceFrame> framesOf(const RawFrame& raw) {
    uint64_t place = placeOf(raw);
    std::vector<SourceFrame> frames = answers_[raw.module][place];
    if (frames.empty()) frames.emplace_back();
    for (SourceFrame& frame : frames) {
      frame.module = raw.module;
      frame.offset = raw.offset;
    }
    // In a file without its full symbols, addr2line takes the next one before the address, which is
    // another function's.
    bool isGuessed = frames.back().file.empty() && isStripped(raw.module);
    if ((isGuessed || frames.back().function.empty()) && !raw.module.empty()) {
      auto symbols = symbols_.try_emplace(raw.module, raw.module).first;
      frames.back().function = bounded(symbols->second.functionAt(place));
    }
    return frames;
  }

 private:
  const SymbolOptions& options_;
  steady_clock::time_point end_;
  std::map<std::string, std::map<uint64_t, std::vector<SourceFrame>>> answers_;
  std::map<std::string, ElfSymbols> symbols_;
};

}  // namespace

std::string treePath(const std::string& file) {
  constexpr std::string_view kUp = "/../";
  size_t up = file.rfind(kUp);
  return up == std::string::npos ? file : file.substr(up + kUp.size());
}

std::vector<std::vector<SourceFrame>> symbolise(const std::vector<RawFrame>& frames,
                                                const SymbolOptions& options) {
  std::map<std::string, std::set<uint64_t>> byModule;
  for (const RawFrame& frame : frames) {
    if (!frame.module.empty()) byModule[frame.module].insert(placeOf(frame));
  }
  Symboliser symboliser(options);
  for (const auto& [module, offsets] : byModule) symboliser.ask(module, offsets);
  std::vector<std::vector<SourceFrame>> all;
  all.reserve(frames.size());
  for (const RawFrame& frame : frames) all.push_back(symboliser.framesOf(frame));
  return all;
}

std::string hexText(uint64_t number) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%lx", static_cast<unsigned long>(number));
  return text;
}

}  // namespace harness::stacks
