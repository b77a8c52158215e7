// How gtest prints plain values, as words. Outcome, Result and what else has a text of its own are
// printed where that text is made.
#include <cstdio>
#include <ctime>
#include <ostream>

#include <muster/facts.h>
#include <muster/file_stat.h>
#include <muster/node_error.h>
#include <muster/node_state.h>
#include <muster/outcome.h>
#include <muster/result.h>
#include <muster/run_options.h>
#include <muster/service_status.h>
#include <muster/signal_target.h>
#include <muster/transfer_result.h>
#include <muster/write_options.h>

#include "harness/values/failure_text.h"

namespace muster {
namespace {

using harness::inQuotes;

// Prints the name of an enumerator. `names` has one for each, in their order.
template <typename Enum, size_t N>
void printName(Enum value, const char* const (&names)[N], std::ostream* out) {
  auto index = static_cast<size_t>(value);
  *out << (index < N ? names[index] : "unknown");
}

std::string timeText(std::chrono::system_clock::time_point time) {
  std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  char text[40];
  if (::gmtime_r(&seconds, &parts) == nullptr ||
      std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
    return std::to_string(seconds) + " s since 1970";
  }
  return text;
}

std::string modeText(uint32_t mode) {
  char text[16];
  std::snprintf(text, sizeof text, "%04o", mode);
  return text;
}

}  // namespace

void PrintTo(Outcome::Kind kind, std::ostream* out) {
  printName(kind,
            {"exited", "signalled", "not started", "killed at its deadline", "cancelled",
             "killed at its output limit", "ended with its session", "lost"},
            out);
}

void PrintTo(Outcome::CoreDump coreDump, std::ostream* out) {
  printName(coreDump, {"no core", "core written"}, out);
}

void PrintTo(LostReason reason, std::ostream* out) {
  *out << toString(reason);
}

void PrintTo(StartStep step, std::ostream* out) {
  printName(step, {"unknown", "other", "directory", "program"}, out);
}

void PrintTo(OutOfMemory outOfMemory, std::ostream* out) {
  printName(outOfMemory, {"unknown", "no", "perhaps", "yes"}, out);
}

void PrintTo(NodeError::Kind kind, std::ostream* out) {
  *out << toString(kind);
}

void PrintTo(const NodeError& error, std::ostream* out) {
  *out << error.what();
}

void PrintTo(const ProcessName& process, std::ostream* out) {
  *out << "pid " << process.pid << " " << inQuotes(process.command);
}

void PrintTo(NodeState::Kind kind, std::ostream* out) {
  printName(kind, {"connecting", "connected", "reconnecting", "refused", "closed"}, out);
}

void PrintTo(const NodeState& state, std::ostream* out) {
  *out << toString(state);
}

void PrintTo(const ClockEstimate& clock, std::ostream* out) {
  *out << "offset " << clock.offset.count() << " ns, wrong by " << clock.errorMax.count()
       << " ns at most, round trip " << harness::durationText(clock.roundTrip);
}

void PrintTo(FileType type, std::ostream* out) {
  printName(type,
            {"unspecified", "regular file", "directory", "symbolic link", "fifo", "socket",
             "character device", "block device"},
            out);
}

void PrintTo(SymlinkPolicy policy, std::ostream* out) {
  printName(policy, {"keep", "follow"}, out);
}

void PrintTo(const FileStat& stat, std::ostream* out) {
  PrintTo(stat.type, out);
  *out << ", mode " << modeText(stat.mode) << ", " << stat.size << " bytes (" << stat.allocatedBytes
       << " on disk), owner " << stat.uid << " " << inQuotes(stat.user) << ", group " << stat.gid
       << " " << inQuotes(stat.group) << ", " << stat.links << " links, modified "
       << timeText(stat.modified) << ", inode " << stat.inode;
}

void PrintTo(const FileEntry& entry, std::ostream* out) {
  *out << inQuotes(entry.name) << ": ";
  PrintTo(entry.stat, out);
}

void PrintTo(const FileSpace& space, std::ostream* out) {
  *out << space.availableBytes << " of " << space.totalBytes << " bytes and "
       << space.availableInodes << " of " << space.totalInodes << " inodes available";
}

void PrintTo(const TransferResult& transfer, std::ostream* out) {
  *out << transfer.files << " files, " << transfer.bytes << " bytes, " << transfer.leftOut
       << " left out";
  if (transfer.unchanged + transfer.deleted > 0) {
    *out << ", " << transfer.unchanged << " unchanged, " << transfer.deleted << " deleted";
  }
  if (!transfer.digest.empty()) *out << ", sha256 " << transfer.digest;
}

void PrintTo(ServiceStatus::Manager manager, std::ostream* out) {
  printName(manager, {"unspecified", "systemd", "sysv"}, out);
}

void PrintTo(ServiceStatus::State state, std::ostream* out) {
  *out << toString(state);
}

void PrintTo(ServiceStatus::Enabled enabled, std::ostream* out) {
  printName(enabled, {"unspecified", "enabled", "disabled", "masked", "without a setting"}, out);
}

void PrintTo(ServiceAction action, std::ostream* out) {
  printName(action, {"start", "stop", "restart", "reload", "enable", "disable"}, out);
}

void PrintTo(SignalTarget target, std::ostream* out) {
  printName(target, {"the first process", "every process"}, out);
}

void PrintTo(OutputOverflow overflow, std::ostream* out) {
  printName(overflow, {"block", "keep the head", "keep the tail", "kill"}, out);
}

void PrintTo(EnvironmentBase base, std::ostream* out) {
  printName(base, {"login", "the agent's", "none"}, out);
}

void PrintTo(StderrTo target, std::ostream* out) {
  printName(target, {"standard error", "standard output"}, out);
}

void PrintTo(CommandLifetime lifetime, std::ostream* out) {
  printName(lifetime, {"test", "session", "detached"}, out);
}

void PrintTo(const RunOptions& options, std::ostream* out) {
  *out << "user " << inQuotes(options.user) << ", group " << inQuotes(options.group)
       << ", directory " << inQuotes(options.directory) << ", " << options.input.size()
       << " bytes of input, deadline "
       << (options.deadline ? harness::durationText(*options.deadline) : "that of the scope")
       << ", grace " << harness::durationText(options.grace) << ", overflow ";
  PrintTo(options.overflow, out);
  *out << " beyond " << options.outputBytesMax << " bytes, lifetime ";
  PrintTo(options.lifetime, out);
  for (const auto& [name, value] : options.environment) {
    *out << ", " << inQuotes(name) << "=" << inQuotes(value);
  }
}

void PrintTo(IfExists existing, std::ostream* out) {
  printName(existing, {"replace", "refuse"}, out);
}

void PrintTo(UndoAt undo, std::ostream* out) {
  printName(undo, {"never", "at the test's end", "at the session's end"}, out);
}

void PrintTo(const WriteOptions& options, std::ostream* out) {
  *out << "mode " << (options.mode ? modeText(*options.mode) : "as it is") << ", user "
       << inQuotes(options.user) << ", group " << inQuotes(options.group)
       << ", if there is a file: ";
  PrintTo(options.existing, out);
  *out << (options.sync ? ", synced" : "") << (options.parents ? ", with parents" : "")
       << ", undone ";
  PrintTo(options.undo, out);
}

void PrintTo(const Facts& facts, std::ostream* out) {
  *out << "host " << inQuotes(facts.hostname) << ", " << inQuotes(facts.osName) << ", kernel "
       << inQuotes(facts.kernelRelease) << ", " << inQuotes(facts.architecture) << ", "
       << facts.cpus.size() << " processors, ";
  PrintTo(facts.memory, out);
  *out << ", " << facts.disks.size() << " disks, " << facts.mounts.size() << " mounts, "
       << facts.interfaces.size() << " interfaces, up for " << harness::durationText(facts.uptime);
}

void PrintTo(const Facts::Cpu& cpu, std::ostream* out) {
  *out << "processor " << cpu.number << (!cpu.online ? " (offline)" : "") << " "
       << inQuotes(cpu.model) << ", socket " << cpu.socket << ", core " << cpu.core
       << ", memory node " << cpu.numaNode;
}

void PrintTo(const Facts::NumaNode& node, std::ostream* out) {
  *out << "memory node " << node.number << " of " << node.memoryBytes << " bytes and "
       << node.cpus.size() << " processors";
}

void PrintTo(const Facts::Memory& memory, std::ostream* out) {
  *out << memory.availableBytes << " of " << memory.totalBytes << " bytes of memory and "
       << memory.swapFreeBytes << " of " << memory.swapTotalBytes << " of swap available";
}

void PrintTo(const Facts::Disk& disk, std::ostream* out) {
  *out << "disk " << inQuotes(disk.name) << " " << inQuotes(disk.model) << " of " << disk.sizeBytes
       << " bytes, sectors of " << disk.sectorBytes << (disk.rotational ? ", rotational" : "")
       << (disk.readOnly ? ", read-only" : "") << (disk.removable ? ", removable" : "");
  if (!disk.parent.empty()) *out << ", part of " << inQuotes(disk.parent);
}

void PrintTo(const Facts::Mount& mount, std::ostream* out) {
  *out << inQuotes(mount.source) << " at " << inQuotes(mount.target) << ", type "
       << inQuotes(mount.type) << ", options " << inQuotes(mount.options) << ", "
       << mount.availableBytes << " of " << mount.totalBytes << " bytes available";
}

void PrintTo(Facts::Interface::Address::Family family, std::ostream* out) {
  printName(family, {"unspecified", "IPv4", "IPv6"}, out);
}

void PrintTo(const Facts::Interface::Address& address, std::ostream* out) {
  *out << inQuotes(address.text) << "/" << unsigned{address.prefixLength} << ", scope "
       << inQuotes(address.scope);
}

void PrintTo(const Facts::Interface& interface, std::ostream* out) {
  *out << "interface " << interface.index << " " << inQuotes(interface.name) << ", "
       << inQuotes(interface.macAddress) << ", MTU " << interface.mtu
       << (interface.up ? ", up" : ", down") << (interface.carrier ? ", carrier" : "")
       << (interface.loopback ? ", loopback" : "");
  for (const Facts::Interface::Address& address : interface.addresses) {
    *out << ", ";
    PrintTo(address, out);
  }
}

void PrintTo(const Facts::Agent& agent, std::ostream* out) {
  *out << "agent " << inQuotes(agent.version) << ", " << agent.residentBytes << " bytes, "
       << agent.jobsRunning << " jobs, " << agent.sessions << " sessions, since "
       << timeText(agent.started);
}

}  // namespace muster
