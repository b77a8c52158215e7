// Measures TLS as Muster uses it, beside the blocking OpenSSL stream of the floors and beside
// kj-tls, which it replaced.
#include <benchmark/benchmark.h>
#include <fcntl.h>

#include <memory>
#include <string>
#include <vector>

#include <kj/async-io.h>
#include <kj/compat/tls.h>
#include <kj/io.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "bench/floor/channel.h"
#include "schema/agent.capnp.h"
#include "schema/support/rpc/rpc_connection.h"
#include "schema/support/tls/tls_stream.h"

namespace bench {
namespace {

using Stream = kj::Own<kj::AsyncIoStream>;
using Side = support::TlsStream::Side;

constexpr size_t kStreamBytes = 64 << 20;
constexpr size_t kWriteBytes = 256 << 10;

enum class Implementation { kOurs, kKjTls };

// Returns one certificate that both ends trust and show. It is never freed: it lives as long as the
// program.
struct Certificate {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();

  Certificate() {
    X509_set_version(certificate, 2);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("n1"), -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_sign(certificate, key, EVP_sha256());
  }
};

const Certificate& certificate() {
  static const Certificate kCertificate;
  return kCertificate;
}

std::string textOf(BIO* bio) {
  char* begin = nullptr;
  long size = BIO_get_mem_data(bio, &begin);
  std::string text(begin, static_cast<size_t>(size));
  BIO_free(bio);
  return text;
}

Stream wrapOurs(Stream socket, Side side, kj::WaitScope& scope) {
  SSL_CTX* context = SSL_CTX_new(side == Side::kServer ? TLS_server_method() : TLS_client_method());
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_use_certificate(context, certificate().certificate);
  SSL_CTX_use_PrivateKey(context, certificate().key);
  SSL_CTX_set_num_tickets(context, 0);
  auto stream = kj::heap<support::TlsStream>(kj::mv(socket), context, side);
  SSL_CTX_free(context);
  stream->shakeHands("").wait(scope);
  return stream;
}

// The context must outlive the stream, so it is left to the end of the program.
Stream wrapKj(Stream socket, Side side, kj::WaitScope& scope) {
  BIO* keyText = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(keyText, certificate().key, nullptr, nullptr, 0, nullptr, nullptr);
  BIO* certificateText = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(certificateText, certificate().certificate);
  std::string pem = textOf(certificateText);
  kj::TlsCertificate trusted{kj::StringPtr(pem.c_str())};
  kj::TlsKeypair pair{kj::TlsPrivateKey(kj::StringPtr(textOf(keyText).c_str())), trusted};
  kj::TlsContext::Options options;
  options.useSystemTrustStore = false;
  options.trustedCertificates = kj::arrayPtr(&trusted, 1);
  options.defaultKeypair = pair;
  auto* context = new kj::TlsContext(options);
  if (side == Side::kServer) return context->wrapServer(kj::mv(socket)).wait(scope);
  return context->wrapClient(kj::mv(socket), "n1").wait(scope);
}

Stream wrap(Implementation how, kj::AsyncIoContext& io, int socket, Side side) {
  fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK);
  Stream plain = io.lowLevelProvider->wrapSocketFd(kj::AutoCloseFd(socket));
  return how == Implementation::kOurs ? wrapOurs(kj::mv(plain), side, io.waitScope)
                                      : wrapKj(kj::mv(plain), side, io.waitScope);
}

// Sends kStreamBytes for each byte that it reads.
void serveStream(Implementation how, int socket) {
  auto io = kj::setupAsyncIo();
  Stream stream = wrap(how, io, socket, Side::kServer);
  std::vector<kj::byte> chunk(kWriteBytes, 'x');
  for (char wish; stream->tryRead(&wish, 1, 1).wait(io.waitScope) == 1;) {
    for (size_t sent = 0; sent < kStreamBytes; sent += chunk.size()) {
      stream->write(chunk.data(), chunk.size()).wait(io.waitScope);
    }
  }
}

void stream(benchmark::State& state, Implementation how) {
  certificate();
  ForkedPeer peer(Transport::kTcp, [how](int socket) { serveStream(how, socket); });
  auto io = kj::setupAsyncIo();
  Stream stream = wrap(how, io, peer.takeSocket(), Side::kClient);
  std::vector<kj::byte> chunk(kWriteBytes);
  for (auto _ : state) {
    stream->write("x", 1).wait(io.waitScope);
    for (size_t received = 0; received < kStreamBytes;) {
      received += stream->tryRead(chunk.data(), 1, chunk.size()).wait(io.waitScope);
    }
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * kStreamBytes));
}
BENCHMARK_CAPTURE(stream, tls_ours, Implementation::kOurs)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(stream, tls_kj, Implementation::kKjTls)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

class EmptySession final : public wire::Session::Server {
 public:
  kj::Promise<void> ping(PingContext) override { return kj::READY_NOW; }
};

void serveSession(Implementation how, int socket) {
  auto io = kj::setupAsyncIo();
  support::RpcConnection connection(wrap(how, io, socket, Side::kServer), io.provider->getTimer(),
                                    kj::heap<EmptySession>(), support::GuardOptions());
  connection.onDisconnect().wait(io.waitScope);
}

void pingRpc(benchmark::State& state, Implementation how) {
  certificate();
  ForkedPeer peer(Transport::kTcp, [how](int socket) { serveSession(how, socket); });
  auto io = kj::setupAsyncIo();
  support::RpcConnection connection(wrap(how, io, peer.takeSocket(), Side::kClient),
                                    io.provider->getTimer());
  auto session = connection.bootstrap().castAs<wire::Session>();
  for (auto _ : state) {
    kj::Vector<kj::Promise<void>> calls;
    for (int64_t i = 0; i < state.range(0); ++i) {
      calls.add(session.pingRequest().send().ignoreResult());
    }
    kj::joinPromises(calls.releaseAsArray()).wait(io.waitScope);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK_CAPTURE(pingRpc, tls_ours, Implementation::kOurs)
    ->Arg(1)
    ->Arg(100)
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(pingRpc, tls_kj, Implementation::kKjTls)
    ->Arg(1)
    ->Arg(100)
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();

}  // namespace
}  // namespace bench
