#include "harness/cli/condition_words.h"

#include <algorithm>
#include <charconv>

#include "harness/cli/command_error.h"
#include "harness/values/failure_text.h"

namespace harness {
namespace {

using muster::Condition;

[[noreturn]] void refuse(const std::string& text) {
  throw CommandError(kExitUsage, text);
}

uint16_t numberOf(const std::string& what, const std::string& text, int least, int most) {
  int number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  bool isNumber = error == std::errc() && end == text.data() + text.size();
  if (!isNumber || number < least || number > most) {
    refuse(what + " " + inQuotes(text) + " is not a number from " + std::to_string(least) + " to " +
           std::to_string(most));
  }
  return static_cast<uint16_t>(number);
}

// "7000", "db1:7000", "[::1]:7000"
Condition portOf(const std::string& text) {
  size_t colon = text.rfind(':');
  uint16_t number = numberOf("port", text.substr(colon + 1), 1, 65535);
  if (colon == std::string::npos) return Condition::port(number);
  std::string host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  if (host.empty()) refuse("port " + inQuotes(text) + " has no host before the \":\"");
  return Condition::port(number, host);
}

std::string pathOf(const std::string& kind, const std::string& path) {
  if (!path.starts_with('/')) refuse(kind + " " + inQuotes(path) + " is not an absolute path");
  return path;
}

}  // namespace

std::vector<std::string> conditionKinds() {
  return {"file", "http", "mount", "port", "process", "socket"};
}

Condition conditionOf(const std::vector<std::string>& words) {
  const std::string& kind = words.at(0);
  std::vector<std::string> kinds = conditionKinds();
  if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) {
    refuse(inQuotes(kind) + " is nothing to wait for; there are " + joined(kinds, ", "));
  }
  bool mayHaveStatus = kind == "http" && words.size() == 3;
  if (words.size() != 2 && !mayHaveStatus) {
    refuse(kind + " takes " + (kind == "http" ? "a URL, and perhaps a status" : "one word") +
           " behind it");
  }
  const std::string& subject = words[1];
  if (kind == "port") return portOf(subject);
  if (kind == "socket") return Condition::unixSocket(pathOf(kind, subject));
  if (kind == "file") return Condition::file(pathOf(kind, subject));
  if (kind == "mount") return Condition::mount(pathOf(kind, subject));
  if (kind == "process") return Condition::process(subject);
  return Condition::httpStatus(subject, mayHaveStatus ? numberOf("status", words[2], 100, 999) : 0);
}

}  // namespace harness
