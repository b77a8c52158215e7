#include "nodeagent/relay/link.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/if_ether.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "schema/support/base/wire_error.h"

namespace nodeagent::relay {
namespace {

using Kind = wire::Error::Kind;

constexpr const char* kDevice = "/dev/net/tun";
// Frames that wait in the kernel while the process does not run.
constexpr int kWaitingFramesMax = 10'000;
constexpr int kSendBytesMax = 8 << 20;
constexpr int kSendWaitUs = 100'000;

struct ifreq requestFor(const std::string& name) {
  struct ifreq request {};
  ::strncpy(request.ifr_name, name.c_str(), sizeof request.ifr_name - 1);
  return request;
}

kj::AutoCloseFd anySocket() {
  kj::AutoCloseFd file(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (file.get() < 0) support::failErrno(errno, "open a socket");
  return file;
}

void requireDone(int result, const char* what, const std::string& name) {
  if (result < 0) support::failErrno(errno, what, " ", name.c_str());
}

}  // namespace

Tap::Tap(const std::string& name) : file_(::open(kDevice, O_RDWR | O_NONBLOCK | O_CLOEXEC)) {
  if (file_.get() < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO)) {
    support::fail(Kind::UNSUPPORTED, "the node has no ", kDevice);
  }
  if (file_.get() < 0) support::failErrno(errno, "open ", kDevice);
  struct ifreq request = requestFor(name);
  request.ifr_flags = static_cast<short>(IFF_TAP | IFF_NO_PI | IFF_TUN_EXCL);
  if (::ioctl(file_, TUNSETIFF, &request) < 0) {
    if (errno != EBUSY) support::failErrno(errno, "make interface ", name.c_str());
    support::fail(Kind::CONFLICT, "interface ", name.c_str(), " is there already");
  }
  // A link of no known type gets no address of IPv6, so the kernel sends nothing by itself.
  requireDone(::ioctl(file_, TUNSETLINK, ARPHRD_VOID), "set the type of interface", name);
  kj::AutoCloseFd any = anySocket();
  request = requestFor(name);
  request.ifr_qlen = kWaitingFramesMax;
  requireDone(::ioctl(any, SIOCSIFTXQLEN, &request), "set the queue of interface", name);
  request = requestFor(name);
  request.ifr_flags = IFF_UP;
  requireDone(::ioctl(any, SIOCSIFFLAGS, &request), "put up interface", name);
}

kj::ArrayPtr<kj::byte> Tap::read(kj::ArrayPtr<kj::byte> buffer) {
  ssize_t count = ::read(file_, buffer.begin(), buffer.size());
  return buffer.slice(0, count < 0 ? 0 : static_cast<size_t>(count));
}

// A socket of protocol 0 receives nothing.
FrameSocket::FrameSocket(unsigned index, uint32_t mark)
    : index_(index), socket_(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)) {
  if (socket_.get() < 0) support::failErrno(errno, "open a packet socket");
  if (mark != 0 && ::setsockopt(socket_, SOL_SOCKET, SO_MARK, &mark, sizeof mark) < 0) {
    support::failErrno(errno, "mark what a packet socket sends");
  }
  // One that may not be forced is as large as the kernel likes.
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDBUFFORCE, &kSendBytesMax, sizeof kSendBytesMax);
  struct timeval wait {};
  wait.tv_usec = kSendWaitUs;
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
}

bool FrameSocket::send(kj::ArrayPtr<const kj::byte> frame) {
  if (frame.size() < ETH_HLEN) return false;
  struct sockaddr_ll to {};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = static_cast<int>(index_);
  ::memcpy(&to.sll_protocol, frame.begin() + ETH_HLEN - sizeof to.sll_protocol,
           sizeof to.sll_protocol);
  ssize_t sent = ::sendto(socket_, frame.begin(), frame.size(), 0,
                          reinterpret_cast<struct sockaddr*>(&to), sizeof to);
  return sent == static_cast<ssize_t>(frame.size());
}

kj::Array<kj::byte> ethernetAddressOf(const std::string& interface) {
  struct ifreq request = requestFor(interface);
  if (::ioctl(anySocket(), SIOCGIFHWADDR, &request) < 0) {
    if (errno != ENODEV) support::failErrno(errno, "look at interface ", interface.c_str());
    support::fail(Kind::NOT_FOUND, "the node has no interface ", interface.c_str());
  }
  if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER) {
    support::fail(Kind::UNSUPPORTED, "interface ", interface.c_str(),
                  " is not of Ethernet, of which alone frames can be held back");
  }
  return kj::heapArray<kj::byte>(reinterpret_cast<kj::byte*>(request.ifr_hwaddr.sa_data), ETH_ALEN);
}

}  // namespace nodeagent::relay
