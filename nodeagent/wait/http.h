// A small client of HTTP/1.1: one GET over a connection of its own.
//
// It follows no redirects, speaks no TLS and decompresses nothing. What a server sends is bounded,
// whatever it says. sendGet() blocks, so it belongs on a worker thread. Failures are those of
// support::fail.
#pragma once

#include <stdint.h>

#include <string>

#include <kj/array.h>
#include <kj/function.h>
#include <kj/string.h>
#include <kj/vector.h>

#include "nodeagent/wait/connect.h"

namespace nodeagent::wait {

constexpr size_t kHeadBytesMax = 64 << 10;
constexpr size_t kBodyBytesMax = 2 << 20;

struct Url {
  kj::String host;
  uint16_t port = 80;
  // Host and port as the URL has them, for the header Host.
  kj::String authority;
  // Path and query, at least "/".
  kj::String target;
};

// Reads "http://HOST[:PORT][/PATH][?QUERY]". Fails with kind unsupported for https, and invalid,
// saying what is wrong, for anything else.
Url readUrl(kj::StringPtr text);

struct HttpHeader {
  kj::String name;
  kj::String value;
};

// Fails with kind invalid, naming the header, if they cannot be sent, or are those that this client
// sends itself.
void requireSendable(kj::ArrayPtr<const HttpHeader> headers);

struct HttpAnswer {
  uint16_t status = 0;
  kj::Vector<HttpHeader> headers;
  std::string body;
};

HttpAnswer sendGet(const Url& url, kj::ArrayPtr<const HttpHeader> headers,
                   const Deadline& deadline);

// Gives the next bytes of a connection, at least one; 0 at its end.
using HttpSource = kj::Function<size_t(kj::ArrayPtr<char> buffer)>;

// Reads a response. Fails with kind system if it is none, or ends in the middle, and overloaded if
// it is longer than the constants above.
HttpAnswer readAnswer(HttpSource source);

}  // namespace nodeagent::wait
