#include "nodeagent/wait/http.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <algorithm>
#include <string_view>

#include "schema/support/base/endpoint.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::wait {
namespace {

using Kind = wire::Error::Kind;

constexpr std::string_view kScheme = "http://";
constexpr size_t kUrlBytesMax = 4096;
constexpr size_t kHeadersMax = 32;
constexpr size_t kHeaderBytesMax = 8 << 10;
constexpr int kInterimMax = 8;
// Suffices for a body of which each byte is a chunk, without extensions.
constexpr size_t kChunkLinesBytesMax = 6 * kBodyBytesMax;

[[noreturn]] void failResponse(kj::StringPtr why) {
  support::fail(Kind::SYSTEM, "response: ", why);
}

// A character of a header's name (RFC 9110, token).
bool isNameCharacter(char character) {
  return isalnum(static_cast<unsigned char>(character)) != 0 ||
         (character != '\0' && strchr("!#$%&'*+-.^_`|~", character) != nullptr);
}

bool isName(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), isNameCharacter);
}

bool isEqual(std::string_view a, const char* b) {
  return a.size() == strlen(b) && ::strncasecmp(a.data(), b, a.size()) == 0;
}

std::string_view trimmed(std::string_view text) {
  size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

// Splits HOST[:PORT] or [ADDRESS][:PORT].
void readAuthority(std::string_view authority, Url& url) {
  size_t closing = authority.starts_with('[') ? authority.find(']') : authority.npos;
  bool isBracketed = closing != authority.npos;
  size_t colon = authority.find(':', isBracketed ? closing : 0);
  std::string_view host = authority.substr(0, colon);
  if (isBracketed) {
    if (host.size() != closing + 1) {
      support::fail(Kind::INVALID, "url: has something else than a port behind its address");
    }
    host = host.substr(1, closing - 1);
    if (!support::isNumericHost(std::string(host))) {
      support::fail(Kind::INVALID, "url: what it has in brackets is no address, such as [::1]");
    }
  }
  if (host.empty()) support::fail(Kind::INVALID, "url: has no host");
  bool isGood = std::all_of(host.begin(), host.end(), [&](char character) {
    return isalnum(static_cast<unsigned char>(character)) != 0 || character == '.' ||
           character == '-' || character == '_' || (isBracketed && character == ':');
  });
  // A dash would be an option of the program that resolves it.
  if (!isGood || host[0] == '-') support::fail(Kind::INVALID, "url: its host is none");
  url.host = kj::heapString(host.data(), host.size());
  if (colon == authority.npos) return;
  std::string port(authority.substr(colon + 1));
  bool isNumber = !port.empty() && port.size() <= 5 &&
                  std::all_of(port.begin(), port.end(), [](unsigned char c) { return isdigit(c); });
  int number = isNumber ? atoi(port.c_str()) : 0;
  if (number < 1 || number > 65535) {
    support::fail(Kind::INVALID, "url: its port is not a number from 1 to 65535");
  }
  url.port = static_cast<uint16_t>(number);
}

// Reads a response from its source, by lines first.
class Input {
 public:
  explicit Input(HttpSource source) : source_(kj::mv(source)) {}

  // Returns the next line of a head or a trailer without its end. All of them together are bounded.
  std::string line() {
    std::string line = anyLine();
    lineBytes_ += line.size() + 2;
    if (lineBytes_ > kHeadBytesMax) failHead();
    return line;
  }

  // Returns the next line around a chunk. They are bounded by the body, each byte of which may be a
  // chunk of its own.
  std::string chunkLine() {
    std::string line = anyLine();
    chunkLineBytes_ += line.size() + 2;
    if (chunkLineBytes_ > kChunkLinesBytesMax) {
      support::fail(Kind::OVERLOADED, "response: the lines around its chunks have more than ",
                    kChunkLinesBytesMax >> 20, " MiB");
    }
    return line;
  }

  // Appends exactly `bytes`.
  void take(std::string& to, uint64_t bytes) {
    if (bytes > kBodyBytesMax || to.size() + bytes > kBodyBytesMax) failBody();
    while (bytes > 0) {
      if (at_ == held_.size() && !more()) failResponse("it ended in the middle of its body");
      size_t count = std::min<uint64_t>(bytes, held_.size() - at_);
      to.append(held_, at_, count);
      at_ += count;
      bytes -= count;
    }
  }

  // Appends all until the end.
  void takeAll(std::string& to) {
    do {
      to.append(held_, at_);
      at_ = held_.size();
      if (to.size() > kBodyBytesMax) failBody();
    } while (more());
  }

 private:
  [[noreturn]] static void failBody() {
    support::fail(Kind::OVERLOADED, "response: its body has more than ", kBodyBytesMax >> 20,
                  " MiB");
  }
  [[noreturn]] static void failHead() {
    support::fail(Kind::OVERLOADED, "response: its headers have more than ", kHeadBytesMax >> 10,
                  " KiB");
  }
  std::string anyLine() {
    for (;;) {
      size_t end = held_.find('\n', at_);
      if (end != held_.npos) {
        std::string line = held_.substr(at_, end - at_);
        at_ = end + 1;
        if (line.ends_with('\r')) line.pop_back();
        return line;
      }
      if (held_.size() - at_ > kHeadBytesMax) failHead();
      if (!more()) failResponse("it ended in the middle of a line");
    }
  }

  bool more() {
    held_.erase(0, at_);
    at_ = 0;
    char buffer[16 << 10];
    size_t count = source_(kj::arrayPtr(buffer, sizeof buffer));
    held_.append(buffer, count);
    return count > 0;
  }

  HttpSource source_;
  std::string held_;
  size_t at_ = 0;
  size_t lineBytes_ = 0;
  size_t chunkLineBytes_ = 0;
};

// Reads "HTTP/1.1 200 OK".
uint16_t readStatusLine(const std::string& line) {
  bool isVersion = line.starts_with("HTTP/1.") && line.size() >= 12 && line[8] == ' ';
  int status = isVersion ? atoi(line.substr(9, 3).c_str()) : 0;
  if (status < 100 || status > 999) failResponse("it does not begin as one of HTTP/1.1");
  return static_cast<uint16_t>(status);
}

kj::Vector<HttpHeader> readHeaders(Input& input) {
  kj::Vector<HttpHeader> headers;
  for (;;) {
    std::string line = input.line();
    if (line.empty()) return headers;
    size_t colon = line.find(':');
    if (colon == line.npos || !isName(std::string_view(line).substr(0, colon))) {
      failResponse("it has a header without a name");
    }
    auto value = trimmed(std::string_view(line).substr(colon + 1));
    headers.add(
        HttpHeader{kj::heapString(line.data(), colon), kj::heapString(value.data(), value.size())});
  }
}

std::string_view find(const kj::Vector<HttpHeader>& headers, const char* name) {
  for (auto& header : headers) {
    if (isEqual({header.name.begin(), header.name.size()}, name)) {
      return {header.value.begin(), header.value.size()};
    }
  }
  return {};
}

void readChunks(Input& input, std::string& body) {
  for (;;) {
    std::string line = input.chunkLine();
    size_t digits = 0;
    while (digits < line.size() && isxdigit(static_cast<unsigned char>(line[digits])) != 0) {
      ++digits;
    }
    if (digits == 0 || digits > 15) failResponse("it has a chunk without a size");
    uint64_t bytes = strtoull(line.substr(0, digits).c_str(), nullptr, 16);
    if (bytes == 0) break;
    input.take(body, bytes);
    if (!input.chunkLine().empty()) failResponse("it has a chunk that is longer than its size");
  }
  // What may come behind the last chunk is of no interest.
  while (!input.line().empty()) continue;
}

void readBody(Input& input, HttpAnswer& answer) {
  if (answer.status == 204 || answer.status == 304) return;
  std::string_view coding = find(answer.headers, "transfer-encoding");
  std::string_view length = find(answer.headers, "content-length");
  if (isEqual(coding, "chunked")) {
    readChunks(input, answer.body);
  } else if (!coding.empty()) {
    failResponse("its transfer encoding is not one that is understood");
  } else if (!length.empty()) {
    bool isNumber = length.size() <= 18 && std::all_of(length.begin(), length.end(),
                                                       [](unsigned char c) { return isdigit(c); });
    if (!isNumber) failResponse("its length is not a number");
    input.take(answer.body, strtoull(std::string(length).c_str(), nullptr, 10));
  } else {
    input.takeAll(answer.body);
  }
}

}  // namespace

Url readUrl(kj::StringPtr text) {
  std::string_view rest(text.begin(), text.size());
  if (rest.size() > kUrlBytesMax) {
    support::fail(Kind::INVALID, "url: has ", rest.size(), " bytes; ", kUrlBytesMax,
                  " are the most");
  }
  bool isPlain = std::all_of(rest.begin(), rest.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!isPlain) {
    support::fail(Kind::INVALID, "url: has a blank, or a character that is to be written as %XX");
  }
  if (rest.starts_with("https://")) {
    support::fail(Kind::UNSUPPORTED, "url: ", text, ": the agent speaks no TLS; use curl");
  }
  if (!rest.starts_with(kScheme)) {
    support::fail(Kind::INVALID, "url: ", text, ": does not begin with ", kScheme.data());
  }
  rest.remove_prefix(kScheme.size());
  rest = rest.substr(0, rest.find('#'));
  size_t path = std::min(rest.find_first_of("/?"), rest.size());
  std::string_view authority = rest.substr(0, path);
  Url url;
  readAuthority(authority, url);
  url.authority = kj::heapString(authority.data(), authority.size());
  std::string target(rest.substr(path));
  if (!target.starts_with('/')) target.insert(0, "/");
  url.target = kj::heapString(target.data(), target.size());
  return url;
}

void requireSendable(kj::ArrayPtr<const HttpHeader> headers) {
  if (headers.size() > kHeadersMax) {
    support::fail(Kind::INVALID, "headers: there are ", headers.size(), "; ", kHeadersMax,
                  " are the most");
  }
  size_t bytes = 0;
  for (auto& header : headers) {
    std::string_view name(header.name.begin(), header.name.size());
    if (!isName(name)) support::fail(Kind::INVALID, "headers: a name is empty or none of HTTP");
    for (const char* own : {"host", "connection", "content-length", "transfer-encoding"}) {
      if (isEqual(name, own)) {
        support::fail(Kind::INVALID, "headers: ", header.name, ": the agent sends it itself");
      }
    }
    for (char character : header.value) {
      if ((character < ' ' && character >= 0 && character != '\t') || character == 0x7f) {
        support::fail(Kind::INVALID, "headers: ", header.name, ": has a control character");
      }
    }
    bytes += header.name.size() + header.value.size();
  }
  if (bytes > kHeaderBytesMax) {
    support::fail(Kind::INVALID, "headers: have ", bytes, " bytes; ", kHeaderBytesMax,
                  " are the most");
  }
}

HttpAnswer readAnswer(HttpSource source) {
  Input input(kj::mv(source));
  for (int interim = 0; interim <= kInterimMax; ++interim) {
    HttpAnswer answer;
    answer.status = readStatusLine(input.line());
    answer.headers = readHeaders(input);
    if (answer.status < 200) continue;
    readBody(input, answer);
    return answer;
  }
  failResponse("it never came; only interim ones did");
}

HttpAnswer sendGet(const Url& url, kj::ArrayPtr<const HttpHeader> headers,
                   const Deadline& deadline) {
  kj::AutoCloseFd socket = connectTcp(url.host, url.port, deadline);
  kj::Vector<kj::String> lines;
  lines.add(kj::str("GET ", url.target, " HTTP/1.1"));
  lines.add(kj::str("Host: ", url.authority));
  lines.add(kj::str("Connection: close"));
  for (auto& header : headers) lines.add(kj::str(header.name, ": ", header.value));
  auto request = kj::str(kj::strArray(lines, "\r\n"), "\r\n\r\n");
  sendAll(socket, request, deadline);
  return readAnswer([&](kj::ArrayPtr<char> buffer) { return receive(socket, buffer, deadline); });
}

}  // namespace nodeagent::wait
