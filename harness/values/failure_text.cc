#include "harness/values/failure_text.h"

#include <cstdio>

#include <muster/result.h>

namespace harness {

std::string quoted(const std::string& text, size_t bytesMax) {
  std::string shown = text;
  if (shown.size() > bytesMax) {
    size_t half = bytesMax / 2;
    std::string left = std::to_string(shown.size() - 2 * half);
    shown =
        shown.substr(0, half) + "[... " + left + " bytes ...]" + shown.substr(shown.size() - half);
  }
  std::string result = "\"";
  for (char byte : shown) {
    auto value = static_cast<unsigned char>(byte);
    if (byte == '"' || byte == '\\') {
      result += {'\\', byte};
    } else if (byte == '\n') {
      result += "\\n";
    } else if (byte == '\t') {
      result += "\\t";
    } else if (value < 0x20 || value == 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x", value);
      result += escaped;
    } else {
      result += byte;
    }
  }
  return result + "\"";
}

std::string argvText(const std::vector<std::string>& argv) {
  std::string text = "[";
  size_t shown = 0;
  for (const std::string& item : argv) {
    if (shown == 40 || text.size() > 500) {
      text += ", … " + std::to_string(argv.size() - shown) + " more";
      break;
    }
    text += (shown++ ? ", " : "") + quoted(item, 200);
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

// The last line that is not empty, or nothing.
std::string lastLine(const std::string& text) {
  size_t end = text.find_last_not_of(" \t\r\n");
  if (end == std::string::npos) return "";
  size_t begin = text.rfind('\n', end);
  begin = begin == std::string::npos ? 0 : begin + 1;
  return text.substr(begin, end + 1 - begin);
}

}  // namespace

std::string wroteText(const muster::Result& result) {
  std::string text = "wrote " + std::to_string(result.outProducedBytes) + " bytes to stdout, " +
                     std::to_string(result.errProducedBytes) + " to stderr";
  if (uint64_t dropped = result.outDroppedBytes + result.errDroppedBytes) {
    text += " (" + std::to_string(dropped) + " dropped by the overflow policy)";
  }
  std::string line = lastLine(result.err);
  if (line.empty()) line = lastLine(result.out);
  return line.empty() ? text : text + "; last line: " + quoted(line);
}

}  // namespace harness
