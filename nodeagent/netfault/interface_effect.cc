// The effect that takes an interface down, and gives it its addresses and routes back with the end.
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <sstream>
#include <string>

#include <kj/io.h>
#include <kj/vector.h>

#include "nodeagent/netfault/control_connections.h"
#include "nodeagent/netfault/interface_state.h"
#include "nodeagent/netfault/local_effect.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {
namespace {

using Kind = wire::Error::Kind;

short flagsOf(kj::StringPtr interface, kj::Maybe<bool> setUp = nullptr) {
  kj::AutoCloseFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) support::failErrno(errno, "make a socket");
  struct ifreq request {};
  ::strncpy(request.ifr_name, interface.cStr(), IFNAMSIZ - 1);
  if (::ioctl(socket, SIOCGIFFLAGS, &request) < 0) {
    if (errno == ENODEV) support::fail(Kind::NOT_FOUND, "the node has no interface ", interface);
    support::failErrno(errno, "look at interface ", interface);
  }
  KJ_IF_MAYBE (up, setUp) {
    request.ifr_flags =
        static_cast<short>(*up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
    if (::ioctl(socket, SIOCSIFFLAGS, &request) < 0) {
      support::failErrno(errno, "change interface ", interface);
    }
    return flagsOf(interface);
  }
  return request.ifr_flags;
}

bool isUp(kj::StringPtr interface) {
  return (flagsOf(interface) & IFF_UP) != 0;
}

// The interface of a fault, as the first of its lines says: "eth0 2", a name and a number. The
// number stays when it gets another name, and is not given to another interface.
struct OwnInterface {
  explicit OwnInterface(kj::ArrayPtr<const kj::String> lines) {
    if (lines.size() > 0) std::istringstream(lines[0].cStr()) >> name >> index;
    if (lines.size() > 1) commands = lines.slice(1, lines.size());
  }

  // Returns the name that it has now. Null: the interface is gone.
  kj::Maybe<kj::String> nameNow() const {
    char now[IF_NAMESIZE];
    bool isThere =
        index == 0 ? ::if_nametoindex(name.c_str()) != 0 : ::if_indextoname(index, now) != nullptr;
    if (isThere) return kj::str(index == 0 ? name.c_str() : now);
    if (errno == ENODEV || errno == ENXIO) return nullptr;
    support::failErrno(errno, "look for interface ", name.c_str());
  }

  std::string name;
  // 0: an older agent has not noted it.
  unsigned index = 0;
  // As interface_state.h has them.
  kj::ArrayPtr<const kj::String> commands;
};

class DownEffect final : public LocalEffect {
 public:
  void begin(const LocalSpec& spec, const LocalHost& host, RememberLines remember) const override {
    kj::StringPtr interface = spec.interface;
    if (!isUp(interface)) {
      support::fail(Kind::CONFLICT, "interface ", interface, " is down already");
    }
    if (!spec.evenOurs) requireOthers(interface, host);
    kj::Vector<kj::String> lines;
    lines.add(kj::str(interface, " ", ::if_nametoindex(interface.cStr())));
    for (auto& command : restoreCommands(host.run, interface)) lines.add(kj::mv(command));
    remember(lines.releaseAsArray());
    if ((flagsOf(interface, false) & IFF_UP) == 0) return;
    support::fail(Kind::SYSTEM, "interface ", interface,
                  " was taken down, and the kernel shows it up");
  }

  // It is there until the interface has all that it had: the end may have given back a part.
  Shown read(kj::ArrayPtr<const kj::String> lines) const override {
    if (lines.size() == 0) return {};
    OwnInterface own(lines);
    auto name = own.nameNow();
    KJ_IF_MAYBE (now, name) {
      Shown shown;
      shown.isWorking = !isUp(*now);
      size_t missing = shown.isWorking ? 0 : missingAmong(runTool(), *now, own.commands).size();
      shown.isThere = shown.isWorking || missing > 0;
      shown.witness = kj::str("interface ", *now, shown.isWorking ? " is down" : " is up");
      if (missing > 0) shown.witness = kj::str(shown.witness, ", and lacks ", missing, " routes");
      return shown;
    }
    return goneWith(own);
  }

  Shown remove(kj::ArrayPtr<const kj::String> lines) const override {
    if (lines.size() == 0) return {};
    OwnInterface own(lines);
    auto name = own.nameNow();
    KJ_IF_MAYBE (now, name) {
      Shown shown;
      // Somebody may have taken it up, which does not bring its routes back.
      shown.isThere = shown.isWorking = !isUp(*now);
      shown.witness = kj::str("interface ", *now, shown.isThere ? " is down" : " is up");
      if (shown.isThere && (flagsOf(*now, true) & IFF_UP) == 0) {
        support::fail(Kind::SYSTEM, "interface ", *now,
                      " was taken up, and the kernel shows it down");
      }
      auto failures = restore(runTool(), *now, own.commands);
      if (failures.size() == 0) return shown;
      support::fail(Kind::SYSTEM, "interface ", *now,
                    " is up, but without all of its routes: ", kj::strArray(failures, "; "));
    }
    return goneWith(own);
  }

 private:
  // As a killed process does for a pause, the interface has taken its part of the fault with it.
  static Shown goneWith(const OwnInterface& own) {
    Shown shown;
    shown.isThere = shown.isWorking = true;
    shown.witness = kj::str("interface ", own.name.c_str(), " is gone, with its routes");
    return shown;
  }

  static void requireOthers(kj::StringPtr interface, const LocalHost& host) {
    for (const std::string& address : controlAddresses(host.controlPorts)) {
      for (const std::string& own : addressesOf(interface)) {
        if (own != address) continue;
        support::fail(Kind::DENIED, "interface ", interface, " has the address ", address.c_str(),
                      ", by which a controller is connected to this agent; it is taken down only "
                      "for a time of its own, if that is asked for");
      }
    }
  }
};

}  // namespace

const LocalEffect& downEffect() {
  static const DownEffect kEffect;
  return kEffect;
}

}  // namespace nodeagent::netfault
