#include "harness/rpc/change/change_wire.h"

#include "harness/rpc/bytes.h"
#include "harness/values/failure_text.h"
#include "schema/support/base/id.h"

namespace harness {
namespace {

using KindBuilder = wire::ChangeSpec::Kind::Builder;

void writeTexts(capnp::List<capnp::Text>::Builder to, const std::vector<std::string>& texts) {
  for (uint32_t i = 0; i < texts.size(); ++i) to.set(i, texts[i].c_str());
}

uint32_t sizeOf(const std::vector<std::string>& texts) {
  return static_cast<uint32_t>(texts.size());
}

// Keeps a NUL in the text, so that the node refuses it.
capnp::Text::Reader textOf(const std::string& text) {
  return {text.c_str(), text.size()};
}

void writeVariables(capnp::List<wire::EnvironmentVariable>::Builder to,
                    const std::map<std::string, std::string>& variables) {
  uint32_t at = 0;
  for (const auto& [name, value] : variables) {
    to[at].setName(textOf(name));
    to[at++].setValue(textOf(value));
  }
}

uint32_t sizeOf(const std::map<std::string, std::string>& variables) {
  return static_cast<uint32_t>(variables.size());
}

std::string namesOf(const std::map<std::string, std::string>& variables) {
  std::vector<std::string> names;
  for (const auto& [name, value] : variables) names.push_back(name);
  return joined(names, ", ");
}

// One function for each kind.
struct Writer {
  KindBuilder to;

  void operator()(const muster::Sysctl& from) {
    auto sysctl = to.initSysctl();
    sysctl.setName(from.name.c_str());
    sysctl.setValue(from.value.c_str());
  }
  void operator()(const muster::ExtraAddress& from) {
    auto address = to.initAddress();
    address.setAddress(from.address.c_str());
    address.setInterface(from.interface.c_str());
  }
  void operator()(const muster::HostsEntry& from) {
    auto hosts = to.initHosts();
    hosts.setAddress(from.address.c_str());
    writeTexts(hosts.initNames(sizeOf(from.names)), from.names);
  }
  void operator()(const muster::TmpfsMount& from) {
    auto tmpfs = to.initTmpfs();
    tmpfs.setDirectory(dataOf(from.directory));
    tmpfs.setBytes(from.bytes);
    tmpfs.setMode(from.mode);
  }
  void operator()(const muster::LoopMount& from) {
    auto loop = to.initLoop();
    loop.setDirectory(dataOf(from.directory));
    loop.setBytes(from.bytes);
    loop.setFileSystem(from.fileSystem.c_str());
  }
  void operator()(const muster::NodeMount& from) {
    auto mount = to.initMount();
    mount.setDirectory(dataOf(from.directory));
    mount.setSource(from.source.c_str());
    mount.setType(from.type.c_str());
    mount.setOptions(from.options.c_str());
  }
  void operator()(const muster::OpenPort& from) {
    auto port = to.initPort();
    port.setPort(from.port);
    port.setIsUdp(from.protocol == muster::OpenPort::Protocol::kUdp);
  }
  void operator()(const muster::VethPair& from) {
    auto veth = to.initVeth();
    veth.setName(from.name.c_str());
    veth.setPeer(from.peer.c_str());
  }
  void operator()(const muster::Vlan& from) {
    auto vlan = to.initVlan();
    vlan.setInterface(from.interface.c_str());
    vlan.setId(from.id);
    vlan.setName(from.name.c_str());
  }
  void operator()(const muster::Bridge& from) {
    auto bridge = to.initBridge();
    bridge.setName(from.name.c_str());
    writeTexts(bridge.initPorts(sizeOf(from.ports)), from.ports);
  }
  void operator()(const muster::NodeUser& from) {
    auto user = to.initUser();
    user.setName(from.name.c_str());
    user.setId(from.id);
    user.setGroup(from.group.c_str());
    user.setShell(from.shell.c_str());
    user.setWithHome(from.withHome);
  }
  void operator()(const muster::NodeGroup& from) {
    auto group = to.initGroup();
    group.setName(from.name.c_str());
    group.setId(from.id);
  }
  void operator()(const muster::Packages& from) {
    writeTexts(to.initPackages().initNames(sizeOf(from.names)), from.names);
  }
  void operator()(const muster::ServiceEnvironment& from) {
    auto environment = to.initServiceEnvironment();
    environment.setService(textOf(from.service));
    writeVariables(environment.initVariables(sizeOf(from.variables)), from.variables);
  }
  void operator()(const muster::CommandEnvironment& from) {
    writeVariables(to.initCommandEnvironment().initVariables(sizeOf(from.variables)),
                   from.variables);
  }
};

struct Namer {
  std::string operator()(const muster::Sysctl& of) { return "set " + of.name; }
  std::string operator()(const muster::ExtraAddress& of) { return "add address " + of.address; }
  std::string operator()(const muster::HostsEntry& of) { return "name " + of.address; }
  std::string operator()(const muster::TmpfsMount& of) {
    return "mount a tmpfs on " + inQuotes(of.directory);
  }
  std::string operator()(const muster::LoopMount& of) {
    return "mount a new " + of.fileSystem + " on " + inQuotes(of.directory);
  }
  std::string operator()(const muster::NodeMount& of) {
    return "mount " + inQuotes(of.source) + " on " + inQuotes(of.directory);
  }
  std::string operator()(const muster::OpenPort& of) {
    return "open port " + std::to_string(of.port);
  }
  std::string operator()(const muster::VethPair& of) { return "add interface " + of.name; }
  std::string operator()(const muster::Vlan& of) {
    return "add VLAN " + std::to_string(of.id) + " of " + of.interface;
  }
  std::string operator()(const muster::Bridge& of) { return "add bridge " + of.name; }
  std::string operator()(const muster::NodeUser& of) { return "add user " + of.name; }
  std::string operator()(const muster::NodeGroup& of) { return "add group " + of.name; }
  std::string operator()(const muster::Packages& of) { return "install " + joined(of.names, ", "); }
  std::string operator()(const muster::ServiceEnvironment& of) {
    return "give service " + inQuotes(of.service) + " the variables " + namesOf(of.variables);
  }
  std::string operator()(const muster::CommandEnvironment& of) {
    return "give commands the variables " + namesOf(of.variables);
  }
};

ChangeInfo::State readState(wire::ChangeStatus::State from) {
  auto number = static_cast<int>(from);
  bool isKnown = number <= static_cast<int>(ChangeInfo::State::kFailed);
  return isKnown ? static_cast<ChangeInfo::State>(number) : ChangeInfo::State::kUnspecified;
}

}  // namespace

ChangeInfo readChangeInfo(wire::ChangeStatus::Reader from) {
  ChangeInfo info;
  info.id = support::hex(from.getId());
  info.kind = stringOf(from.getKind());
  info.text = stringOf(from.getText());
  info.owner = stringOf(from.getOwner());
  info.since = realtimeOf(from.getSinceRealtimeNs());
  info.state = readState(from.getState());
  info.reason = stringOf(from.getReason());
  for (auto detail : from.getDetails()) {
    info.details.emplace(stringOf(detail.getName()), stringOf(detail.getValue()));
  }
  return info;
}

void writeChangeSpec(wire::ChangeSpec::Builder to, const std::string& id,
                     const muster::ChangeSpec& spec) {
  to.setId(dataOf(id));
  std::visit(Writer{to.initKind()}, spec);
}

std::string operationOf(const muster::ChangeSpec& spec) {
  return std::visit(Namer{}, spec);
}

}  // namespace harness
