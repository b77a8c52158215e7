#include "bench/floor/channel.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "bench/floor/clock.h"

namespace bench {
namespace {

constexpr size_t kFileChunkBytes = 1 << 20;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

class PlainChannel final : public Channel {
 public:
  explicit PlainChannel(int fd) : fd_(fd) {}
  ~PlainChannel() override { close(fd_); }

  size_t read(void* buffer, size_t bytesMax) override {
    ssize_t count = ::read(fd_, buffer, bytesMax);
    if (count < 0) fail("read");
    return static_cast<size_t>(count);
  }

  void writeAll(const void* buffer, size_t bytes) override {
    const char* at = static_cast<const char*>(buffer);
    while (bytes > 0) {
      ssize_t count = ::write(fd_, at, bytes);
      if (count < 0) fail("write");
      at += count;
      bytes -= static_cast<size_t>(count);
    }
  }

 private:
  int fd_;
};

class TlsChannel final : public Channel {
 public:
  enum class Side { kClient, kServer };

  TlsChannel(int fd, Side side)
      : fd_(fd),
        context_(SSL_CTX_new(side == Side::kServer ? TLS_server_method() : TLS_client_method())) {
    SSL_CTX_set_min_proto_version(context_, TLS1_3_VERSION);
    if (side == Side::kServer) useSelfSigned();
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, fd_);
    int done = side == Side::kServer ? SSL_accept(ssl_) : SSL_connect(ssl_);
    if (done != 1) throw std::runtime_error("TLS handshake failed");
  }
  ~TlsChannel() override {
    SSL_shutdown(ssl_);
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    close(fd_);
  }

  size_t read(void* buffer, size_t bytesMax) override {
    size_t count = 0;
    if (SSL_read_ex(ssl_, buffer, bytesMax, &count) == 1) return count;
    return 0;
  }

  void writeAll(const void* buffer, size_t bytes) override {
    size_t written = 0;
    if (SSL_write_ex(ssl_, buffer, bytes, &written) != 1 || written != bytes) {
      throw std::runtime_error("TLS write failed");
    }
  }

 private:
  void useSelfSigned() {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
    SSL_CTX_use_certificate(context_, certificate);
    SSL_CTX_use_PrivateKey(context_, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }

  int fd_;
  SSL_CTX* context_;
  SSL* ssl_ = nullptr;
};

std::pair<int, int> tcpPair() {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (listener < 0 || bind(listener, generic, size) != 0 || listen(listener, 1) != 0 ||
      getsockname(listener, generic, &size) != 0) {
    fail("listen");
  }
  int near = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (near < 0 || connect(near, generic, size) != 0) fail("connect");
  int far = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  if (far < 0) fail("accept");
  close(listener);
  int on = 1;
  setsockopt(near, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  setsockopt(far, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return {near, far};
}

std::pair<int, int> unixPair() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) fail("socketpair");
  return {ends[0], ends[1]};
}

std::unique_ptr<Channel> channelOn(int fd, Transport transport, TlsChannel::Side side) {
  if (transport == Transport::kTls) return std::make_unique<TlsChannel>(fd, side);
  return std::make_unique<PlainChannel>(fd);
}

}  // namespace

Transport transportOf(const std::string& name) {
  if (name == "unix") return Transport::kUnix;
  if (name == "tcp") return Transport::kTcp;
  if (name == "tls") return Transport::kTls;
  throw std::invalid_argument("unknown transport: " + name);
}

bool Channel::readAll(void* buffer, size_t bytes) {
  char* at = static_cast<char*>(buffer);
  while (bytes > 0) {
    size_t count = read(at, bytes);
    if (count == 0) return false;
    at += count;
    bytes -= count;
  }
  return true;
}

ForkedPeer::ForkedPeer(Transport transport, const std::function<void(int socket)>& serve) {
  std::signal(SIGPIPE, SIG_IGN);
  auto [near, far] = transport == Transport::kUnix ? unixPair() : tcpPair();
  pid_ = fork();
  if (pid_ < 0) fail("fork");
  if (pid_ == 0) {
    close(near);
    int status = 0;
    try {
      serve(far);
    } catch (const std::exception&) {
      status = 1;
    }
    _exit(status);
  }
  close(far);
  socket_ = near;
}

ForkedPeer::~ForkedPeer() {
  if (socket_ >= 0) close(socket_);
  waitpid(pid_, nullptr, 0);
}

Peer::Peer(Transport transport, const std::function<void(Channel&)>& serve)
    : process_(
          transport,
          [&](int socket) { serve(*channelOn(socket, transport, TlsChannel::Side::kServer)); }),
      channel_(channelOn(process_.takeSocket(), transport, TlsChannel::Side::kClient)) {}

void serveEcho(Channel& channel) {
  char message[kPingBytes];
  while (channel.readAll(message, sizeof(message))) channel.writeAll(message, sizeof(message));
}

void serveSource(Channel& channel) {
  std::vector<char> chunk(kChunkBytes, 'x');
  for (uint64_t left = 0; channel.readAll(&left, sizeof(left));) {
    while (left > 0) {
      size_t count = std::min<uint64_t>(left, chunk.size());
      channel.writeAll(chunk.data(), count);
      left -= count;
    }
  }
}

void serveFileSink(Channel& channel) {
  std::vector<char> chunk(kFileChunkBytes);
  for (uint64_t head[2]; channel.readAll(head, sizeof(head));) {
    std::string path(head[0], '\0');
    if (!channel.readAll(path.data(), path.size())) return;
    int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) fail("open");
    for (uint64_t left = head[1]; left > 0;) {
      size_t count = channel.read(chunk.data(), std::min<uint64_t>(left, chunk.size()));
      if (count == 0) return;
      if (write(fd, chunk.data(), count) != static_cast<ssize_t>(count)) fail("write");
      left -= count;
    }
    close(fd);
    channel.writeAll("k", 1);
  }
}

double pingMicroseconds(Channel& echo) {
  char message[kPingBytes] = {};
  Stopwatch watch;
  echo.writeAll(message, sizeof(message));
  if (!echo.readAll(message, sizeof(message))) throw std::runtime_error("the echo peer is gone");
  return watch.microseconds();
}

double receiveSeconds(Channel& source, size_t bytes) {
  static std::vector<char> buffer(kFileChunkBytes);
  Stopwatch watch;
  uint64_t wanted = bytes;
  source.writeAll(&wanted, sizeof(wanted));
  while (wanted > 0) {
    size_t count = source.read(buffer.data(), std::min<uint64_t>(wanted, buffer.size()));
    if (count == 0) throw std::runtime_error("the source peer is gone");
    wanted -= count;
  }
  return watch.seconds();
}

double sendFileSeconds(Channel& sink, const std::string& source, const std::string& target) {
  static std::vector<char> buffer(kFileChunkBytes);
  Stopwatch watch;
  int fd = open(source.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status {};
  if (fd < 0 || fstat(fd, &status) != 0) fail(source.c_str());
  uint64_t head[2] = {target.size(), static_cast<uint64_t>(status.st_size)};
  sink.writeAll(head, sizeof(head));
  sink.writeAll(target.data(), target.size());
  for (ssize_t count = 0; (count = read(fd, buffer.data(), buffer.size())) > 0;) {
    sink.writeAll(buffer.data(), static_cast<size_t>(count));
  }
  close(fd);
  char done = 0;
  if (!sink.readAll(&done, 1)) throw std::runtime_error("the sink peer is gone");
  return watch.seconds();
}

}  // namespace bench
