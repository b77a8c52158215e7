#include "sockets.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace forward_tests {
namespace {

constexpr int kReceiveSeconds = 5;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Address addressOf(const std::string& place) {
  Address address;
  if (!place.empty() && place[0] == '/') {
    auto* path = reinterpret_cast<sockaddr_un*>(&address.storage);
    path->sun_family = AF_UNIX;
    std::strncpy(path->sun_path, place.c_str(), sizeof path->sun_path - 1);
    address.size = sizeof *path;
    return address;
  }
  auto* port = reinterpret_cast<sockaddr_in*>(&address.storage);
  port->sin_family = AF_INET;
  port->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  port->sin_port = htons(static_cast<uint16_t>(place.empty() ? 0 : std::stoi(place)));
  address.size = sizeof *port;
  return address;
}

int checked(int result, const std::string& what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

int socketFor(Address& address) {
  return checked(::socket(address.get()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
}

bool sendAll(int socket, const char* bytes, size_t size) {
  while (size > 0) {
    ssize_t count = ::send(socket, bytes, size, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    bytes += count;
    size -= static_cast<size_t>(count);
  }
  return true;
}

void echo(int socket) {
  char buffer[65536];
  while (true) {
    ssize_t count = ::recv(socket, buffer, sizeof buffer, 0);
    if (count < 0) return;
    if (count == 0) break;
    if (!sendAll(socket, buffer, static_cast<size_t>(count))) return;
  }
  sendAll(socket, "bye", 3);
}

}  // namespace

EchoServer::EchoServer(const std::string& place) : place_(place) {
  Address address = addressOf(place);
  socket_ = socketFor(address);
  checked(::bind(socket_, address.get(), address.size), "bind " + place);
  checked(::listen(socket_, 16), "listen");
  if (place_.empty()) {
    checked(::getsockname(socket_, address.get(), &address.size), "getsockname");
    place_ = std::to_string(ntohs(reinterpret_cast<sockaddr_in*>(&address.storage)->sin_port));
  }
  thread_ = std::thread([this] { serve(); });
}

EchoServer::~EchoServer() {
  // Wakes accept.
  ::shutdown(socket_, SHUT_RDWR);
  thread_.join();
  ::close(socket_);
}

void EchoServer::serve() const {
  while (true) {
    int connection = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) return;
    echo(connection);
    ::close(connection);
  }
}

Client::Client(const std::string& place) {
  Address address = addressOf(place);
  socket_ = socketFor(address);
  timeval limit{kReceiveSeconds, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (::connect(socket_, address.get(), address.size) == 0) return;
  int error = errno;
  ::close(socket_);
  throw std::system_error(error, std::generic_category(), "connect to " + place);
}

Client::~Client() {
  ::close(socket_);
}

void Client::send(const std::string& bytes) const {
  if (!sendAll(socket_, bytes.data(), bytes.size())) checked(-1, "send");
}

void Client::finish() const {
  ::shutdown(socket_, SHUT_WR);
}

std::string Client::receive(size_t size) const {
  std::string bytes;
  char buffer[65536];
  while (bytes.size() < size) {
    ssize_t count = ::recv(socket_, buffer, std::min(sizeof buffer, size - bytes.size()), 0);
    if (count <= 0) break;
    bytes.append(buffer, static_cast<size_t>(count));
  }
  return bytes;
}

std::string talk(const std::string& place, const std::string& bytes) {
  Client client(place);
  std::thread sender([&] {
    try {
      client.send(bytes);
    } catch (const std::system_error&) {
      // What came back shows it.
    }
    client.finish();
  });
  std::string received = client.receive(SIZE_MAX);
  sender.join();
  return received;
}

}  // namespace forward_tests
