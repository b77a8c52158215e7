#include "nodeagent/diagnosis/journal_crashes.h"

#include <signal.h>
#include <stdlib.h>

#include <algorithm>
#include <map>
#include <utility>

#include <kj/string.h>

#include "nodeagent/os/command.h"
#include "nodeagent/session/deaths.h"

namespace nodeagent::diagnosis {
namespace {

using Source = wire::Crash::Source;
using Fields = std::map<std::string, std::string, std::less<>>;

constexpr int64_t kJournalMaxNs = 5'000'000'000;
constexpr size_t kOutputBytesMax = 1 << 20;

// The ids that systemd gives to these messages in all versions.
constexpr char kCoreDumped[] = "fc2e22bc6ee647b6b90729ab34a250b1";
constexpr char kProcessEnded[] = "98e322203f7a4ed290d09fe03c09fe15";
constexpr char kOutOfMemory[] = "fe6faa94e7774663a0da52717891d8ef";

std::string valueOf(const Fields& fields, std::string_view name) {
  auto found = fields.find(name);
  return found == fields.end() ? "" : found->second;
}

int numberOf(const Fields& fields, std::string_view name) {
  return atoi(valueOf(fields, name).c_str());
}

void addEntry(const Fields& fields, int64_t sinceRealtimeNs, std::vector<FoundCrash>* crashes) {
  int64_t stampNs = strtoll(valueOf(fields, "__REALTIME_TIMESTAMP").c_str(), nullptr, 10) * 1000;
  if (stampNs <= sinceRealtimeNs) return;
  FoundCrash crash;
  crash.key = valueOf(fields, "__CURSOR");
  std::string id = valueOf(fields, "MESSAGE_ID");
  if (id == kCoreDumped) {
    crash.source = Source::JOURNAL;
    crash.pid = numberOf(fields, "COREDUMP_PID");
    crash.program = valueOf(fields, "COREDUMP_COMM");
    crash.executable = valueOf(fields, "COREDUMP_EXE");
    crash.signal = numberOf(fields, "COREDUMP_SIGNAL");
    crash.service = valueOf(fields, "COREDUMP_UNIT");
    crash.path = valueOf(fields, "COREDUMP_FILENAME");
    crash.wasDumped = true;
  } else if (id == kProcessEnded) {
    std::string code = valueOf(fields, "EXIT_CODE");
    crash.source = Source::SERVICE;
    crash.program = valueOf(fields, "UNIT");
    crash.service = crash.program;
    crash.signal = numberOf(fields, "EXIT_STATUS");
    crash.wasDumped = code == "dumped";
    if ((code != "dumped" && code != "killed") || !isCrashSignal(crash.signal)) return;
  } else if (id == kOutOfMemory) {
    crash.source = Source::SERVICE;
    crash.program = valueOf(fields, "UNIT");
    crash.signal = SIGKILL;
    crash.wasOutOfMemory = true;
  } else {
    return;
  }
  crashes->push_back(std::move(crash));
}

}  // namespace

// None of the fields that are asked for has a newline, so that each is a line of text.
std::vector<FoundCrash> parseJournalCrashes(std::string_view text, int64_t sinceRealtimeNs) {
  std::vector<FoundCrash> crashes;
  Fields fields;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    size_t equals = line.find('=');
    if (equals != std::string_view::npos) {
      fields[std::string(line.substr(0, equals))] = line.substr(equals + 1);
    } else if (line.empty()) {
      addEntry(fields, sinceRealtimeNs, &crashes);
      fields.clear();
    }
  }
  addEntry(fields, sinceRealtimeNs, &crashes);
  return crashes;
}

std::vector<FoundCrash> journalCrashes(int64_t sinceRealtimeNs) {
  auto message = [](const char* id) { return kj::str("MESSAGE_ID=", id); };
  CommandOutput wanted{CommandOutput::Errors::kDropped, kOutputBytesMax};
  auto result = runCommand(
      kj::arr(kj::str("journalctl"), kj::str("--no-pager"), kj::str("--quiet"),
              kj::str("--output=export"), kj::str("--lines=256"),
              kj::str("--output-fields=MESSAGE_ID,UNIT,EXIT_CODE,EXIT_STATUS,COREDUMP_PID,"
                      "COREDUMP_COMM,COREDUMP_EXE,COREDUMP_SIGNAL,COREDUMP_FILENAME,COREDUMP_UNIT"),
              kj::str("--since=@", sinceRealtimeNs / 1'000'000'000), message(kCoreDumped),
              kj::str("+"), message(kProcessEnded), kj::str("+"), message(kOutOfMemory)),
      kJournalMaxNs, wanted);
  if (!result.succeeded()) return {};
  auto chars = result.output.asChars();
  return parseJournalCrashes({chars.begin(), chars.size()}, sinceRealtimeNs);
}

}  // namespace nodeagent::diagnosis
