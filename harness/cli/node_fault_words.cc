#include "harness/cli/node_fault_words.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "harness/cli/command_error.h"

namespace harness {
namespace {

constexpr const char* kIoError = "io";
constexpr const char* kFullError = "full";

std::string writeErrorProblem(const std::string& value) {
  return value == kIoError || value == kFullError ? "" : "is neither io nor full";
}

constexpr TextOption kName({
    .name = "name",
    .value = "NAME",
    .help = "of pause, descriptors and kill: all processes of this name",
});

constexpr TextOption kUnit({
    .name = "unit",
    .value = "UNIT",
    .help = "of pause, descriptors and kill: all processes of this service of systemd",
});

constexpr CountOption kPid(
    {
        .name = "pid",
        .value = "PID",
        .help = "of pause, descriptors and kill: the process of this number",
    },
    {.least = 1, .most = 4'194'304});

constexpr TextOption kLeave({
    .name = "leave",
    .value = "SIZE",
    .help = "of descriptors, memory and full: leave so many files or bytes, such as 64M",
    .initial = "0",
    .problem = sizeProblem,
});

constexpr TextOption kBytes({
    .name = "bytes",
    .value = "SIZE",
    .help = "of memory: use so many bytes, such as 512M",
    .initial = "0",
    .problem = sizeProblem,
});

constexpr CountOption kThreads(
    {
        .name = "threads",
        .value = "N",
        .help = "of cpu: how many threads are busy",
        .initial = "1",
    },
    {.least = 1, .most = 1024});

constexpr TextOption kDirectory({
    .name = "directory",
    .value = "DIR",
    .help = "of disk, full and read-only: an absolute path on the node",
});

constexpr DurationOption kDelay(
    {
        .name = "delay",
        .value = "TIME",
        .help = "of degrade: delay each packet; of disk: each request, by 10s at most",
    },
    {.most = std::chrono::seconds(60)});

constexpr TextOption kSpeed({
    .name = "bytes-per-second",
    .value = "SIZE",
    .help = "of disk: read and write no faster than this, such as 1M",
    .initial = "0",
    .problem = sizeProblem,
});

constexpr CountOption kFailFrom(
    {
        .name = "fail-from",
        .value = "N",
        .help = "of disk: the first write that fails, counted from 1",
    },
    {.least = 1, .most = INT64_MAX});

constexpr CountOption kFailCount(
    {
        .name = "fail-count",
        .value = "N",
        .help = "of disk: how many writes fail from there on; without it, all",
    },
    {.least = 1, .most = INT64_MAX});

constexpr TextOption kFailWith({
    .name = "fail-with",
    .value = "io|full",
    .help = "of disk: the error of a write that fails",
    .initial = "io",
    .problem = writeErrorProblem,
});

constexpr Flag kLosesUnsynced({
    .name = "lose-unsynced",
    .help = "of disk: what is not synced at the end is lost",
});

constexpr TextOption kInterface({
    .name = "interface",
    .value = "NAME",
    .help = "of down: the interface, such as eth1",
});

constexpr Flag kEvenOurs({
    .name = "even-ours",
    .help = "of full: also the root's and the agent's disk; of down: also the way to the agent",
});

std::string required(const Arguments& arguments, const TextOption& option) {
  std::string value = arguments[option];
  if (!value.empty()) return value;
  throw CommandError(kExitUsage, arguments.word(0) + " takes " + option.spelling());
}

fault::DisturbDisk diskOf(const Arguments& arguments) {
  fault::DisturbDisk disk{required(arguments, kDirectory)};
  muster::DiskDisturbance& how = disk.disturbance;
  if (arguments.has(kDelay)) how.delay = arguments[kDelay];
  how.bytesPerSecond = sizeOf(arguments[kSpeed]);
  if (arguments.has(kFailFrom)) how.failFrom = static_cast<uint64_t>(arguments[kFailFrom]);
  if (arguments.has(kFailCount)) how.failCount = static_cast<uint64_t>(arguments[kFailCount]);
  if (arguments[kFailWith] == kFullError) {
    how.failWith = muster::DiskDisturbance::WriteError::kNoSpace;
  }
  how.losesUnsynced = arguments[kLosesUnsynced];
  return disk;
}

// Suffixes of sizes.
constexpr char kUnits[] = "KMGT";
constexpr size_t kDigitsMax = 15;

}  // namespace

uint64_t sizeOf(const std::string& value) {
  uint64_t number = std::strtoull(value.c_str(), nullptr, 10);
  const char* unit = value.empty() ? nullptr : std::strchr(kUnits, value.back());
  return unit == nullptr ? number : number << (10 * (unit - kUnits + 1));
}

std::string sizeProblem(const std::string& value) {
  size_t digits = value.find_first_not_of("0123456789");
  size_t count = digits == std::string::npos ? value.size() : digits;
  bool hasUnit = digits != std::string::npos;
  bool isRight = count > 0 && count <= (hasUnit ? 6 : kDigitsMax) &&
                 (!hasUnit || (digits + 1 == value.size() && std::strchr(kUnits, value.back())));
  return isRight ? "" : "is not a size such as 4096, 64M or 2G";
}

const DurationOption& delayOption() {
  return kDelay;
}

bool isEvenOurs(const Arguments& arguments) {
  return arguments[kEvenOurs];
}

std::vector<std::string> nodeFaultKinds() {
  return {fault::UseUpDescriptors::kTitle,
          kKillKind,
          fault::Pause::kTitle,
          fault::UseMemory::kTitle,
          fault::UseCpu::kTitle,
          fault::FillDisk::kTitle,
          fault::MakeReadOnly::kTitle,
          fault::DisturbDisk::kTitle,
          kDownKind};
}

OptionList nodeFaultOptions() {
  return {&kName,    &kUnit,      &kPid,       &kLeave,    &kBytes,
          &kThreads, &kDirectory, &kInterface, &kEvenOurs, &kDelay,
          &kSpeed,   &kFailFrom,  &kFailCount, &kFailWith, &kLosesUnsynced};
}

OptionList nodeFaultOptionsOf(const std::string& kind) {
  if (kind == fault::UseUpDescriptors::kTitle) return {&kName, &kUnit, &kPid, &kLeave};
  if (kind == fault::UseMemory::kTitle) return {&kBytes, &kLeave};
  if (kind == fault::UseCpu::kTitle) return {&kThreads};
  if (kind == fault::FillDisk::kTitle) return {&kDirectory, &kLeave, &kEvenOurs};
  if (kind == fault::MakeReadOnly::kTitle) return {&kDirectory};
  if (kind == fault::DisturbDisk::kTitle) {
    return {&kDirectory, &kDelay, &kSpeed, &kFailFrom, &kFailCount, &kFailWith, &kLosesUnsynced};
  }
  if (kind == kDownKind) return {&kInterface, &kEvenOurs};
  if (kind == kKillKind || kind == fault::Pause::kTitle) return {&kName, &kUnit, &kPid};
  return {};
}

muster::ProcessChoice processesOf(const Arguments& arguments) {
  bool hasName = arguments.has(kName);
  bool hasUnit = arguments.has(kUnit);
  bool hasPid = arguments.has(kPid);
  if (hasName + hasUnit + hasPid != 1) {
    throw CommandError(kExitUsage, arguments.word(0) +
                                       " takes one of --name, --unit and --pid, which say what "
                                       "processes are meant");
  }
  if (hasName) return muster::processesNamed(arguments[kName]);
  if (hasUnit) return muster::processesOfUnit(arguments[kUnit]);
  return muster::processWithPid(static_cast<int>(arguments[kPid]));
}

fault::NodeEffect nodeEffectOf(const std::string& kind, const Arguments& arguments) {
  fault::NodeEffect effect;
  uint64_t leave = sizeOf(arguments[kLeave]);
  if (kind == fault::UseUpDescriptors::kTitle) {
    auto most = uint64_t{UINT32_MAX};
    effect = fault::UseUpDescriptors{processesOf(arguments),
                                     static_cast<uint32_t>(std::min(leave, most))};
  } else if (kind == fault::UseMemory::kTitle) {
    effect = fault::UseMemory{sizeOf(arguments[kBytes]), leave};
    if (arguments.has(kBytes) == arguments.has(kLeave)) {
      throw CommandError(kExitUsage, "memory takes one of --bytes and --leave");
    }
  } else if (kind == fault::UseCpu::kTitle) {
    effect = fault::UseCpu{static_cast<uint32_t>(arguments[kThreads])};
  } else if (kind == fault::FillDisk::kTitle) {
    effect = fault::FillDisk{required(arguments, kDirectory), leave, arguments[kEvenOurs]};
  } else if (kind == fault::MakeReadOnly::kTitle) {
    effect = fault::MakeReadOnly{required(arguments, kDirectory)};
  } else if (kind == fault::DisturbDisk::kTitle) {
    effect = diskOf(arguments);
  } else if (kind == kDownKind) {
    effect = fault::TakeDown{required(arguments, kInterface), arguments[kEvenOurs]};
  } else {
    effect = fault::Pause{processesOf(arguments)};
  }
  fault::check(effect);
  return effect;
}

}  // namespace harness
