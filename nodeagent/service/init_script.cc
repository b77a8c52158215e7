#include "nodeagent/service/init_script.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include <string>

#include "nodeagent/os/command.h"
#include "nodeagent/os/read_file.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::service {
namespace {

using Kind = wire::Error::Kind;

constexpr size_t kHeaderBytesMax = 8192;

}  // namespace

kj::String valueInScript(kj::StringPtr script, kj::StringPtr field) {
  std::string text = std::string("\n") + readFile(script, kHeaderBytesMax).cStr();
  size_t begin = text.find(std::string("\n") + field.cStr());
  if (begin == std::string::npos) return kj::String();
  begin += 1 + field.size();
  auto line = text.substr(begin, text.find('\n', begin) - begin);
  constexpr const char kAround[] = " \t\"'";
  size_t first = line.find_first_not_of(kAround);
  if (first == std::string::npos) return kj::String();
  line = line.substr(first, line.find_last_not_of(kAround) + 1 - first);
  // It may hold any bytes.
  auto lines = lastLines(kj::StringPtr(line.c_str()).asBytes(), 1);
  return lines.size() == 0 ? kj::String() : kj::mv(lines[0]);
}

int32_t pidOfScript(kj::StringPtr pidFiles, kj::StringPtr name) {
  // These places are custom. LSB leaves the place of the file to the script.
  for (auto& path :
       {kj::str(pidFiles, "/", name, ".pid"), kj::str(pidFiles, "/", name, "/", name, ".pid")}) {
    int pid = atoi(readFile(path, 32).cStr());
    if (pid > 0 && (::kill(pid, 0) == 0 || errno == EPERM)) return pid;
  }
  return 0;
}

ActResult killScript(kj::StringPtr pidFiles, kj::StringPtr name, int signal) {
  int32_t pid = pidOfScript(pidFiles, name);
  if (pid == 0) {
    return unsupportedAction(name, wire::ServiceAction::KILL,
                             kj::str("its process is not known: no living one is named in ",
                                     pidFiles, "/", name, ".pid"));
  }
  ActResult result;
  if (::kill(pid, signal) < 0) {
    result.kind = Kind::SYSTEM;
    result.text = kj::str("kill ", name, ": process ", pid, ": ", support::errnoText(errno));
  }
  return result;
}

}  // namespace nodeagent::service
