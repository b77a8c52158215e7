#include "tests_d/glusterfs/xml.h"

#include <algorithm>
#include <charconv>
#include <ostream>

#include <pugixml.hpp>

namespace gluster {
namespace {

using Kind = CliError::Kind;

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// Makes one line of at most 300 bytes of gluster's text, which may have newlines or be long.
std::string oneLine(const std::string& text) {
  std::string line = trimmed(text);
  std::replace(line.begin(), line.end(), '\n', ' ');
  constexpr std::size_t kBytesMax = 300;
  return line.size() <= kBytesMax ? line : line.substr(0, kBytesMax) + "...";
}

std::string describe(Kind kind, const CliResult& result, int opErrno, const std::string& text) {
  std::string message = result.command;
  switch (kind) {
    case Kind::kRefused:
      message += ": refused: ";
      break;
    case Kind::kNoAnswer:
      message += ": no answer in XML: ";
      break;
    case Kind::kMalformed:
      message += ": unexpected answer: ";
      break;
  }
  message += text.empty() ? "(no text)" : oneLine(text);
  message += " (exit status " + std::to_string(result.exitCode);
  if (opErrno != 0) message += ", opErrno " + std::to_string(opErrno);
  return message + ")";
}

// An answer whose operation succeeded. Missing elements throw an error that names them.
class Answer {
 public:
  explicit Answer(const CliResult& result) : result_(result) {
    const std::string text = trimmed(result.out);
    if (text.empty() || text.front() != '<') {
      throw CliError(Kind::kNoAnswer, result, 0, text.empty() ? trimmed(result.err) : text);
    }
    const pugi::xml_parse_result parsed = document_.load_buffer(text.data(), text.size());
    if (!parsed) {
      malformed(std::string(parsed.description()) + " at byte " + std::to_string(parsed.offset));
    }
    const pugi::xml_node root = node(document_, "cliOutput");
    const int opRet = static_cast<int>(number(root, "opRet"));
    const int opErrno = static_cast<int>(number(root, "opErrno"));
    if (opRet != 0 || result.exitCode != 0) refused(root, opErrno);
  }

  pugi::xml_node root() const { return document_.child("cliOutput"); }

  pugi::xml_node node(const pugi::xml_node& parent, const char* name) const {
    const pugi::xml_node child = parent.child(name);
    if (!child) malformed("no <" + std::string(name) + "> in <" + parent.name() + ">");
    return child;
  }

  std::string text(const pugi::xml_node& parent, const char* name) const {
    return node(parent, name).child_value();
  }

  long long number(const pugi::xml_node& parent, const char* name) const {
    const std::string value = text(parent, name);
    const std::optional<long long> parsed = numberIn(value);
    if (!parsed) malformed("<" + std::string(name) + "> is \"" + value + "\", not a number");
    return *parsed;
  }

  std::size_t count(const pugi::xml_node& parent, const char* name) const {
    const long long value = number(parent, name);
    if (value < 0) malformed("<" + std::string(name) + "> is negative");
    return static_cast<std::size_t>(value);
  }

  // Returns a number, or nothing if gluster writes `N/A`, `-` or -1, or leaves the element out.
  std::optional<long long> known(const pugi::xml_node& parent, const char* name) const {
    const std::optional<long long> value = numberIn(parent.child_value(name));
    return value && *value >= 0 ? value : std::nullopt;
  }

  [[noreturn]] void malformed(const std::string& what) const {
    throw CliError(Kind::kMalformed, result_, 0, what);
  }

 private:
  static std::optional<long long> numberIn(const std::string& value) {
    long long parsed = 0;
    const char* end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, parsed);
    if (error != std::errc() || stop != end) return std::nullopt;
    return parsed;
  }

  [[noreturn]] void refused(const pugi::xml_node& root, int opErrno) const {
    std::string reason = root.child_value("opErrstr");
    if (reason.empty()) reason = root.child_value("output");
    if (reason.empty()) reason = trimmed(result_.err);
    throw CliError(Kind::kRefused, result_, opErrno, reason);
  }

  const CliResult& result_;
  pugi::xml_document document_;
};

template <typename To>
std::optional<To> narrowed(const std::optional<long long>& value) {
  if (!value) return std::nullopt;
  return static_cast<To>(*value);
}

VolumeInfo volumeInfo(const Answer& answer, const pugi::xml_node& node) {
  VolumeInfo info;
  info.name = answer.text(node, "name");
  info.id = answer.text(node, "id");
  info.status = answer.text(node, "statusStr");
  info.type = answer.text(node, "typeStr");
  info.distCount = answer.count(node, "distCount");
  info.replicaCount = answer.count(node, "replicaCount");
  info.arbiterCount = answer.count(node, "arbiterCount");
  info.disperseCount = answer.count(node, "disperseCount");
  info.redundancyCount = answer.count(node, "redundancyCount");
  for (const pugi::xml_node brick : answer.node(node, "bricks").children("brick")) {
    info.bricks.push_back({answer.text(brick, "name"), answer.text(brick, "hostUuid"),
                           answer.number(brick, "isArbiter") == 1});
  }
  for (const pugi::xml_node option : node.child("options").children("option")) {
    info.options.emplace_back(answer.text(option, "name"), answer.text(option, "value"));
  }
  return info;
}

ProcessStatus processStatus(const Answer& answer, const pugi::xml_node& node) {
  ProcessStatus status;
  status.host = answer.text(node, "hostname");
  status.path = answer.text(node, "path");
  status.online = answer.number(node, "status") == 1;
  status.pid = narrowed<int>(answer.known(node, "pid"));
  status.port = narrowed<int>(answer.known(node, "port"));
  status.bytesTotal = narrowed<std::uint64_t>(answer.known(node, "sizeTotal"));
  status.bytesFree = narrowed<std::uint64_t>(answer.known(node, "sizeFree"));
  return status;
}

}  // namespace

CliError::CliError(Kind kind, const CliResult& result, int opErrno, const std::string& text)
    : std::runtime_error(describe(kind, result, opErrno, text)),
      kind_(kind),
      opErrno_(opErrno),
      text_(text) {}

std::optional<std::string> VolumeInfo::option(const std::string& key) const {
  for (const auto& [optionName, value] : options) {
    if (optionName == key) return value;
  }
  return std::nullopt;
}

const ProcessStatus* VolumeStatus::find(const std::string& brick) const {
  for (const ProcessStatus& process : bricks) {
    if (process.brick() == brick) return &process;
  }
  return nullptr;
}

bool HealInfo::clean() const {
  return !bricks.empty() && std::all_of(bricks.begin(), bricks.end(),
                                        [](const BrickHeal& brick) { return brick.entries == 0u; });
}

std::string parseDone(const CliResult& result) {
  const Answer answer(result);
  return trimmed(answer.root().child_value("output"));
}

std::vector<Peer> parsePeers(const CliResult& result) {
  const Answer answer(result);
  std::vector<Peer> peers;
  for (const pugi::xml_node node : answer.node(answer.root(), "peerStatus").children("peer")) {
    peers.push_back({answer.text(node, "uuid"), answer.text(node, "hostname"),
                     answer.number(node, "connected") == 1, node.child_value("stateStr")});
  }
  return peers;
}

std::vector<std::string> parseVolumeNames(const CliResult& result) {
  const Answer answer(result);
  const pugi::xml_node list = answer.node(answer.root(), "volList");
  std::vector<std::string> names;
  for (const pugi::xml_node node : list.children("volume")) names.emplace_back(node.child_value());
  if (names.size() != answer.count(list, "count")) {
    answer.malformed("<count> is " + answer.text(list, "count") + " for " +
                     std::to_string(names.size()) + " volumes");
  }
  return names;
}

std::vector<VolumeInfo> parseVolumeInfo(const CliResult& result) {
  const Answer answer(result);
  const pugi::xml_node volumes = answer.node(answer.node(answer.root(), "volInfo"), "volumes");
  std::vector<VolumeInfo> infos;
  for (const pugi::xml_node node : volumes.children("volume")) {
    infos.push_back(volumeInfo(answer, node));
  }
  return infos;
}

VolumeStatus parseVolumeStatus(const CliResult& result) {
  const Answer answer(result);
  const pugi::xml_node volumes = answer.node(answer.node(answer.root(), "volStatus"), "volumes");
  const pugi::xml_node volume = answer.node(volumes, "volume");
  VolumeStatus status;
  status.name = answer.text(volume, "volName");
  for (const pugi::xml_node node : volume.children("node")) {
    ProcessStatus process = processStatus(answer, node);
    if (process.host == "Self-heal Daemon") {
      process.host = std::move(process.path);
      process.path.clear();
      status.healDaemons.push_back(std::move(process));
    } else if (process.path.starts_with('/')) {
      status.bricks.push_back(std::move(process));
    }
  }
  return status;
}

HealInfo parseHealInfo(const CliResult& result) {
  const Answer answer(result);
  const pugi::xml_node bricks = answer.node(answer.node(answer.root(), "healInfo"), "bricks");
  HealInfo info;
  for (const pugi::xml_node node : bricks.children("brick")) {
    BrickHeal brick;
    brick.name = answer.text(node, "name");
    brick.status = answer.text(node, "status");
    const bool summary = static_cast<bool>(node.child("totalNumberOfEntries"));
    brick.entries = narrowed<std::size_t>(
        answer.known(node, summary ? "totalNumberOfEntries" : "numberOfEntries"));
    brick.splitBrain =
        narrowed<std::size_t>(answer.known(node, "numberOfEntriesInSplitBrain")).value_or(0);
    for (const pugi::xml_node file : node.children("file")) {
      brick.files.emplace_back(file.child_value());
    }
    info.bricks.push_back(std::move(brick));
  }
  return info;
}

RebalanceStatus parseRebalanceStatus(const CliResult& result) {
  const Answer answer(result);
  const pugi::xml_node all = answer.node(answer.node(answer.root(), "volRebalance"), "aggregate");
  return {answer.text(all, "statusStr"), answer.count(all, "files"), answer.count(all, "failures"),
          answer.count(all, "skipped")};
}

std::string parseText(const CliResult& result) {
  if (result.exitCode != 0) {
    throw CliError(Kind::kRefused, result, 0, trimmed(result.err + "\n" + result.out));
  }
  return trimmed(result.out);
}

std::ostream& operator<<(std::ostream& stream, const Peer& peer) {
  stream << peer.hostname << (peer.connected ? " connected" : " disconnected");
  if (!peer.state.empty()) stream << " (" << peer.state << ")";
  return stream;
}

std::ostream& operator<<(std::ostream& stream, const ProcessStatus& process) {
  stream << process.brick() << (process.online ? " online" : " offline");
  if (process.pid) stream << " pid " << *process.pid;
  if (process.port) stream << " port " << *process.port;
  return stream;
}

std::ostream& operator<<(std::ostream& stream, const VolumeStatus& status) {
  stream << "volume " << status.name;
  for (const ProcessStatus& brick : status.bricks) stream << "; " << brick;
  for (const ProcessStatus& daemon : status.healDaemons) stream << "; self-heal " << daemon;
  return stream;
}

std::ostream& operator<<(std::ostream& stream, const HealInfo& heal) {
  const char* separator = "";
  for (const BrickHeal& brick : heal.bricks) {
    stream << separator << brick.name << ": ";
    if (brick.entries)
      stream << *brick.entries << " to heal";
    else
      stream << brick.status;
    for (const std::string& file : brick.files) stream << ' ' << file;
    separator = "; ";
  }
  return stream;
}

std::ostream& operator<<(std::ostream& stream, const RebalanceStatus& status) {
  return stream << status.status << ", " << status.files << " files moved, " << status.failures
                << " failed, " << status.skipped << " skipped";
}

}  // namespace gluster
