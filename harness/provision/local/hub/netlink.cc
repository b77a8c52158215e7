#include "harness/provision/local/hub/netlink.h"

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "harness/provision/local/hub/error.h"

namespace harness {

// One request, which has a header, a fixed part, and attributes that may nest.
class Netlink::Message {
 public:
  Message(uint16_t type, uint16_t flags) {
    nlmsghdr header{};
    header.nlmsg_type = type;
    header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
    append(&header, sizeof header);
  }

  template <typename T>
  void fixed(const T& part) {
    append(&part, sizeof part);
  }

  void attribute(uint16_t type, const void* data, size_t size) {
    rtattr header{};
    header.rta_type = type;
    // Without the padding, by which the kernel would find a hardware address too long.
    header.rta_len = static_cast<unsigned short>(RTA_LENGTH(size));
    append(&header, sizeof header);
    append(data, size);
  }
  void attribute(uint16_t type, const std::string& text) {
    attribute(type, text.c_str(), text.size() + 1);
  }
  void attribute(uint16_t type, uint32_t number) { attribute(type, &number, sizeof number); }

  // Everything between begin and end is inside the attribute.
  size_t begin(uint16_t type) {
    size_t start = bytes_.size();
    rtattr header{};
    header.rta_type = type;
    append(&header, sizeof header);
    return start;
  }
  void end(size_t start) {
    auto length = static_cast<unsigned short>(bytes_.size() - start);
    std::memcpy(bytes_.data() + start + offsetof(rtattr, rta_len), &length, sizeof length);
    bytes_.resize(NLMSG_ALIGN(bytes_.size()));
  }

  const std::vector<char>& finish(uint32_t sequence) {
    nlmsghdr header;
    std::memcpy(&header, bytes_.data(), sizeof header);
    header.nlmsg_len = static_cast<uint32_t>(bytes_.size());
    header.nlmsg_seq = sequence;
    std::memcpy(bytes_.data(), &header, sizeof header);
    return bytes_;
  }

 private:
  void append(const void* data, size_t size) {
    const char* begin = static_cast<const char*>(data);
    bytes_.insert(bytes_.end(), begin, begin + size);
    bytes_.resize(NLMSG_ALIGN(bytes_.size()));
  }

  std::vector<char> bytes_;
};

Netlink::Netlink() : socket_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)) {
  if (!socket_) failSystem("socket of rtnetlink");
}

void Netlink::send(Message& message, const std::string& attempt) {
  const std::vector<char>& bytes = message.finish(++sequence_);
  check(::send(socket_.get(), bytes.data(), bytes.size(), 0), attempt);
  alignas(nlmsghdr) std::array<char, 8192> answer;
  while (true) {
    ssize_t size = ::recv(socket_.get(), answer.data(), answer.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    check(size, attempt);
    auto left = static_cast<uint32_t>(size);
    for (auto* header = reinterpret_cast<nlmsghdr*>(answer.data()); NLMSG_OK(header, left);
         header = NLMSG_NEXT(header, left)) {
      if (header->nlmsg_seq != sequence_ || header->nlmsg_type != NLMSG_ERROR) continue;
      int error = -static_cast<nlmsgerr*>(NLMSG_DATA(header))->error;
      if (error != 0) failSystem(attempt, error);
      return;
    }
  }
}

int Netlink::indexOf(const std::string& link) {
  unsigned index = ::if_nametoindex(link.c_str());
  if (index == 0) failSystem("look up link " + link);
  return static_cast<int>(index);
}

void Netlink::makeBridge(const std::string& name, const MacAddress& mac) {
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  message.fixed(ifinfomsg{});
  message.attribute(IFLA_IFNAME, name);
  message.attribute(IFLA_ADDRESS, mac.data(), mac.size());
  size_t info = message.begin(IFLA_LINKINFO);
  message.attribute(IFLA_INFO_KIND, std::string("bridge"));
  size_t data = message.begin(IFLA_INFO_DATA);
  message.attribute(IFLA_BR_FORWARD_DELAY, uint32_t{0});
  message.attribute(IFLA_BR_STP_STATE, uint32_t{0});
  message.end(data);
  message.end(info);
  send(message, "make bridge " + name);
}

void Netlink::makePair(const std::string& name, int bridgeIndex, pid_t peer,
                       const MacAddress& mac) {
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  ifinfomsg link{};
  link.ifi_flags = IFF_UP;
  link.ifi_change = IFF_UP;
  message.fixed(link);
  message.attribute(IFLA_IFNAME, name);
  message.attribute(IFLA_MASTER, static_cast<uint32_t>(bridgeIndex));
  size_t info = message.begin(IFLA_LINKINFO);
  message.attribute(IFLA_INFO_KIND, std::string("veth"));
  size_t data = message.begin(IFLA_INFO_DATA);
  size_t other = message.begin(VETH_INFO_PEER);
  message.fixed(ifinfomsg{});
  message.attribute(IFLA_IFNAME, std::string("eth0"));
  message.attribute(IFLA_ADDRESS, mac.data(), mac.size());
  message.attribute(IFLA_NET_NS_PID, static_cast<uint32_t>(peer));
  message.end(other);
  message.end(data);
  message.end(info);
  send(message, "make link " + name + " with its peer in process " + std::to_string(peer));
}

void Netlink::setUp(int index) {
  Message message(RTM_NEWLINK, 0);
  ifinfomsg link{};
  link.ifi_index = index;
  link.ifi_flags = IFF_UP;
  link.ifi_change = IFF_UP;
  message.fixed(link);
  send(message, "set link " + std::to_string(index) + " up");
}

void Netlink::addAddress(int index, const std::string& address) {
  size_t slash = address.find('/');
  std::string host = address.substr(0, slash);
  int family = host.find(':') == std::string::npos ? AF_INET : AF_INET6;
  std::array<unsigned char, 16> bytes;
  if (slash == std::string::npos || ::inet_pton(family, host.c_str(), bytes.data()) != 1) {
    throw HubError("address \"" + address + "\" is not of the form ADDRESS/PREFIX");
  }
  ifaddrmsg body{};
  body.ifa_family = static_cast<unsigned char>(family);
  body.ifa_prefixlen = static_cast<unsigned char>(std::stoi(address.substr(slash + 1)));
  body.ifa_index = static_cast<unsigned>(index);
  // Without this flag, an IPv6 address cannot be bound for a second, while duplicates are looked
  // for.
  if (family == AF_INET6) body.ifa_flags = IFA_F_NODAD;
  Message message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
  message.fixed(body);
  size_t size = family == AF_INET ? 4 : 16;
  message.attribute(IFA_LOCAL, bytes.data(), size);
  message.attribute(IFA_ADDRESS, bytes.data(), size);
  send(message, "add address " + address + " to link " + std::to_string(index));
}

void Netlink::removeLink(const std::string& name) {
  unsigned index = ::if_nametoindex(name.c_str());
  if (index == 0) return;
  Message message(RTM_DELLINK, 0);
  ifinfomsg link{};
  link.ifi_index = static_cast<int>(index);
  message.fixed(link);
  try {
    send(message, "remove link " + name);
  } catch (const SystemError&) {
    // A link may have gone by itself, with its peer's namespace.
    if (::if_nametoindex(name.c_str()) != 0) throw;
  }
}

}  // namespace harness
