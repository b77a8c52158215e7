#include <ostream>

#include <muster/condition.h>

#include "harness/values/failure_text.h"

namespace muster {

Condition Condition::port(uint16_t number, const std::string& host) {
  return {Kind::kPort, host, number};
}

Condition Condition::unixSocket(const std::string& path) {
  return {Kind::kSocket, path, 0};
}

Condition Condition::file(const std::string& path) {
  return {Kind::kFile, path, 0};
}

Condition Condition::httpStatus(const std::string& url, uint16_t status) {
  return {Kind::kHttp, url, status};
}

Condition Condition::process(const std::string& name) {
  return {Kind::kProcess, name, 0};
}

Condition Condition::mount(const std::string& path) {
  return {Kind::kMount, path, 0};
}

Condition Condition::absent() const {
  Condition contrary = *this;
  contrary.isAbsent_ = !isAbsent_;
  return contrary;
}

std::string toString(const Condition& condition) {
  bool isAbsent = condition.isAbsent();
  std::string subject = harness::inQuotes(condition.subject());
  std::string number = std::to_string(condition.number());
  switch (condition.kind()) {
    case Condition::Kind::kPort:
      return "port " + number + " of " + condition.subject() +
             (isAbsent ? " is closed" : " is open");
    case Condition::Kind::kSocket:
      return "socket " + subject + (isAbsent ? " accepts nothing" : " accepts connections");
    case Condition::Kind::kFile:
      return "file " + subject + (isAbsent ? " is gone" : " is there");
    case Condition::Kind::kHttp:
      return subject + (isAbsent ? " has not status " : " has status ") +
             (condition.number() == 0 ? "2xx" : number);
    case Condition::Kind::kProcess:
      return (isAbsent ? "no process " : "a process ") + subject + " runs";
    case Condition::Kind::kMount:
      return subject + (isAbsent ? " is not mounted" : " is mounted");
  }
  return subject;
}

void PrintTo(const Condition& condition, std::ostream* out) {
  *out << toString(condition);
}

}  // namespace muster
