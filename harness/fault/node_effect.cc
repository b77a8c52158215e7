#include "harness/fault/node_effect.h"

#include <cctype>
#include <string_view>

#include <muster/node_error.h>

#include "harness/values/failure_text.h"

namespace harness::fault {
namespace {

using muster::NodeError;
using muster::ProcessChoice;

constexpr size_t kNameBytesMax = 255;
constexpr uint32_t kLeaveMax = 1'000'000;
constexpr uint32_t kThreadsMax = 1024;
constexpr uint64_t kBytesMax = uint64_t{1} << 62;
constexpr size_t kPathBytesMax = 4000;
constexpr size_t kInterfaceBytesMax = 15;
constexpr std::chrono::seconds kDiskDelayMax{10};
constexpr uint64_t kDiskRateMin = 4096;

[[noreturn]] void refuse(const std::string& what, const std::string& why) {
  throw NodeError(NodeError::Kind::kInvalid, "", what, why);
}

void checkDirectory(const char* title, const std::string& path) {
  bool isPlain = path.starts_with("/") && path.size() <= kPathBytesMax;
  for (char c : path) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) isPlain = false;
  }
  if (!isPlain) refuse(title, "directory: \"" + path + "\" is no absolute path");
}

void checkBytes(const char* title, const char* field, uint64_t bytes) {
  if (bytes <= kBytesMax) return;
  refuse(title, std::string(field) + ": " + std::to_string(bytes) + " is above 2^62");
}

// Checks and describes one kind after the other.
struct Check {
  void operator()(const UseMemory& use) const {
    checkBytes(use.kTitle, "bytes", use.bytes);
    checkBytes(use.kTitle, "leave", use.leave);
    if (use.bytes == 0 || use.leave == 0) return;
    refuse(use.kTitle, "bytes and leave exclude each other");
  }
  void operator()(const UseCpu& use) const {
    if (use.threads >= 1 && use.threads <= kThreadsMax) return;
    refuse(use.kTitle, "threads: " + std::to_string(use.threads) + " is not between 1 and 1024");
  }
  void operator()(const FillDisk& fill) const {
    checkDirectory(fill.kTitle, fill.directory);
    checkBytes(fill.kTitle, "leave", fill.leave);
  }
  void operator()(const MakeReadOnly& made) const { checkDirectory(made.kTitle, made.directory); }
  void operator()(const TakeDown& down) const {
    const std::string& name = down.interface;
    bool isPlain = !name.empty() && name.size() <= kInterfaceBytesMax && name.front() != '-';
    for (char c : name) {
      bool isMark = std::string_view("-_.@").find(c) != std::string_view::npos;
      if (std::isalnum(static_cast<unsigned char>(c)) == 0 && !isMark) isPlain = false;
    }
    if (!isPlain) refuse(down.kTitle, "interface: \"" + name + "\" is no name of an interface");
  }
  void operator()(const DisturbDisk& disturb) const {
    const muster::DiskDisturbance& how = disturb.disturbance;
    checkDirectory(disturb.kTitle, disturb.directory);
    if (how.delay.count() < 0 || how.delay > kDiskDelayMax) {
      refuse(disturb.kTitle,
             "delay: " + std::to_string(how.delay.count()) + " ns is not between 0 and 10 s");
    }
    if (how.bytesPerSecond != 0 && how.bytesPerSecond < kDiskRateMin) {
      refuse(disturb.kTitle,
             "bytesPerSecond: " + std::to_string(how.bytesPerSecond) + " is below 4096");
    }
    if (how.failFrom == 0 && how.failCount != 0) {
      refuse(disturb.kTitle, "failCount: is given without failFrom");
    }
    if (how == muster::DiskDisturbance()) {
      refuse(disturb.kTitle, "neither a delay nor anything else is asked for");
    }
  }
  void operator()(const Pause& pause) const { check(pause.processes); }
  void operator()(const UseUpDescriptors& use) const {
    check(use.processes);
    if (use.leave <= kLeaveMax) return;
    refuse(use.kTitle, "leave: " + std::to_string(use.leave) + " is above 1000000");
  }
};

std::string describe(const muster::DiskDisturbance& how) {
  std::string text;
  auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (how.delay.count() > 0) add("delay " + durationText(how.delay));
  if (how.bytesPerSecond > 0) add("rate " + std::to_string(how.bytesPerSecond) + " byte/s");
  if (how.failFrom > 0) add("writes fail from number " + std::to_string(how.failFrom) + " on");
  if (how.losesUnsynced) add("losing what is not synced");
  return text;
}

struct Text {
  std::string operator()(const UseMemory& use) const {
    return use.bytes > 0 ? std::to_string(use.bytes) + " bytes"
                         : "leaving " + std::to_string(use.leave) + " bytes";
  }
  std::string operator()(const UseCpu& use) const {
    return std::to_string(use.threads) + (use.threads == 1 ? " thread" : " threads");
  }
  std::string operator()(const FillDisk& fill) const {
    return fill.directory + ", leaving " + std::to_string(fill.leave) + " bytes";
  }
  std::string operator()(const MakeReadOnly& made) const { return made.directory; }
  std::string operator()(const TakeDown& down) const { return "interface " + down.interface; }
  std::string operator()(const DisturbDisk& disturb) const {
    return disturb.directory + ", " + describe(disturb.disturbance);
  }
  std::string operator()(const Pause& pause) const { return toString(pause.processes); }
  std::string operator()(const UseUpDescriptors& use) const {
    return toString(use.processes) + ", leaving " + std::to_string(use.leave);
  }
};

}  // namespace

std::string titleOf(const NodeEffect& effect) {
  return std::visit([](const auto& each) { return std::string(each.kTitle); }, effect);
}

std::string toString(const NodeEffect& effect) {
  return std::visit(Text(), effect);
}

std::string toString(const ProcessChoice& processes) {
  switch (processes.by) {
    case ProcessChoice::By::kUnit:
      return "processes of unit " + processes.name;
    case ProcessChoice::By::kPid:
      return "process " + std::to_string(processes.pid);
    case ProcessChoice::By::kName:
      break;
  }
  return "processes named " + processes.name;
}

void check(const NodeEffect& effect) {
  std::visit(Check(), effect);
}

void check(const ProcessChoice& processes) {
  if (processes.by == ProcessChoice::By::kPid) {
    if (processes.pid > 0) return;
    refuse("choose processes", "pid: " + std::to_string(processes.pid) + " is no process");
  }
  bool isPlain = !processes.name.empty() && processes.name.size() <= kNameBytesMax;
  for (char c : processes.name) {
    if (c == '/' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) isPlain = false;
  }
  if (isPlain) return;
  refuse("choose processes", "name: \"" + processes.name +
                                 "\" is not 1 to 255 bytes without slash and control characters");
}

}  // namespace harness::fault
