#include "harness/values/failure_text.h"

#include <algorithm>
#include <cstdio>

#include <muster/result.h>

#include "harness/values/stream_order.h"
#include "schema/support/base/text.h"

namespace harness {

std::string inQuotes(std::string_view text, size_t bytesMax) {
  if (text.size() <= bytesMax) return "\"" + support::escaped(text) + "\"";
  std::string_view beginning = support::beginningOf(text, bytesMax / 2);
  std::string_view end = support::endOf(text, bytesMax / 2);
  size_t left = text.size() - beginning.size() - end.size();
  return "\"" + support::escaped(beginning) + "[... " + std::to_string(left) + " bytes ...]" +
         support::escaped(end) + "\"";
}

std::string argvText(const std::vector<std::string>& argv) {
  std::string text = "[";
  size_t shown = 0;
  for (const std::string& item : argv) {
    if (shown == 40 || text.size() > 500) {
      text += ", … " + std::to_string(argv.size() - shown) + " more";
      break;
    }
    text += (shown++ ? ", " : "") + inQuotes(item, 200);
  }
  return text + "]";
}

std::string durationText(std::chrono::nanoseconds duration) {
  struct Unit {
    double ns;
    const char* name;
  };
  double ns = static_cast<double>(duration.count());
  for (Unit unit : {Unit{1e9, "s"}, Unit{1e6, "ms"}, Unit{1e3, "us"}}) {
    if (ns < unit.ns && unit.ns > 1e3) continue;
    char text[40];
    double value = ns / unit.ns;
    std::snprintf(text, sizeof text,
                  value < 9.95 && unit.ns > 1e6 ? "%.2f %s"
                  : value < 99.95               ? "%.1f %s"
                                                : "%.0f %s",
                  value, unit.name);
    return text;
  }
  return "0 s";
}

std::string joined(const std::vector<std::string>& items, const std::string& separator) {
  std::string text;
  for (const std::string& item : items) text += (&item == &items.front() ? "" : separator) + item;
  return text;
}

std::string nodeText(const std::string& node, const std::string& address) {
  if (address.empty() || address == node) return "node " + node;
  return "node " + node + " (" + address + ")";
}

std::string locationText(const std::source_location& where) {
  if (where.line() == 0) return "";
  return "\n  at " + std::string(where.file_name()) + ":" + std::to_string(where.line());
}

namespace {

// What a failure shows of each stream.
constexpr size_t kLinesShown = 20;
constexpr size_t kBytesShown = 4096;

// The last line that is not empty, or nothing.
std::string_view lastLine(std::string_view text) {
  size_t end = text.find_last_not_of(" \t\r\n");
  if (end == std::string_view::npos) return "";
  size_t begin = text.rfind('\n', end);
  begin = begin == std::string_view::npos ? 0 : begin + 1;
  return text.substr(begin, end + 1 - begin);
}

// The end of `output` that a failure shows. A newline at the end begins no line.
std::string_view shownOf(std::string_view output) {
  std::string_view shown = support::endOf(output, kBytesShown);
  size_t begin = shown.size();
  for (size_t lines = 0; lines < kLinesShown; ++lines) {
    size_t newline = begin < 2 ? std::string_view::npos : shown.rfind('\n', begin - 2);
    if (newline == std::string_view::npos) return shown;
    begin = newline + 1;
  }
  return shown.substr(begin);
}

std::string blockText(const char* stream, std::string_view output) {
  std::string_view shown = shownOf(output);
  if (shown.empty()) return "";
  std::string text = std::string("\n  ") + (shown.size() < output.size() ? "the end of " : "");
  text.append(stream).append(":");
  while (!shown.empty()) {
    size_t end = std::min(shown.find('\n'), shown.size());
    text += "\n    " + support::printable(shown.substr(0, end));
    shown.remove_prefix(std::min(end + 1, shown.size()));
  }
  return text;
}

// Makes lines of pieces, each with a mark if there is standard error in it.
class MarkedLines {
 public:
  void add(const StreamPiece& piece) {
    std::string_view rest = piece.text;
    while (!rest.empty()) {
      size_t end = rest.find('\n');
      std::string_view part = rest.substr(0, end);
      line_ += part;
      bool isWhole = end != std::string_view::npos;
      isMarked_ = isMarked_ || (piece.stream == OfStream::kErr && (!part.empty() || line_.empty()));
      isOpen_ = true;
      if (isWhole) close();
      rest.remove_prefix(isWhole ? end + 1 : rest.size());
    }
  }

  std::string take() {
    if (isOpen_) close();
    return std::move(text_);
  }

 private:
  void close() {
    text_ += (isMarked_ ? "\n  ! " : "\n    ") + support::printable(line_);
    line_.clear();
    isMarked_ = isOpen_ = false;
  }

  std::string text_;
  std::string line_;
  bool isMarked_ = false;
  bool isOpen_ = false;
};

// Returns what the blocks of both streams show, in order; empty if that is not known for all of it.
std::string mergedBlockText(const muster::Result& result) {
  std::string_view out = shownOf(result.out);
  std::string_view err = shownOf(result.err);
  if (!orderFits(result.order, result.out.size(), result.err.size())) return "";
  StreamOrder order = orderWithin(result.order, {out.size(), 0}, {err.size(), 0});
  bool isWhole = orderedOut(order) == out.size() && orderedErr(order) == err.size();
  if (order.empty() || !isWhole) return "";
  MarkedLines lines;
  for (const StreamPiece& piece : piecesOf(out, err, order)) lines.add(piece);
  auto name = [](const char* stream, bool isCut) {
    return std::string(isCut ? "the end of " : "") + stream;
  };
  return "\n  " + name("stdout", out.size() < result.out.size()) + " and " +
         name("stderr", err.size() < result.err.size()) +
         " (marked !), as they were read:" + lines.take();
}

}  // namespace

std::string countsText(const muster::Result& result) {
  std::string text = "wrote " + std::to_string(result.outProducedBytes) + " bytes to stdout, " +
                     std::to_string(result.errProducedBytes) + " to stderr";
  if (uint64_t dropped = result.outDroppedBytes + result.errDroppedBytes) {
    text += " (" + std::to_string(dropped) + " dropped by the overflow policy)";
  }
  return text;
}

std::string wroteText(const muster::Result& result) {
  std::string_view line = lastLine(result.err);
  if (line.empty()) line = lastLine(result.out);
  return countsText(result) + (line.empty() ? "" : "; last line: " + inQuotes(line));
}

std::string lastLinesText(const muster::Result& result) {
  std::string merged = mergedBlockText(result);
  if (!merged.empty()) return merged;
  return blockText("stdout", result.out) + blockText("stderr", result.err);
}

bool showsAll(const muster::Result& result) {
  return shownOf(result.out).size() == result.out.size() &&
         shownOf(result.err).size() == result.err.size();
}

}  // namespace harness
