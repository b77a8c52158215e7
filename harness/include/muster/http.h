// What a web server answered that Node::httpGet has asked.
//
//   HttpResponse health = node.httpGet("http://localhost:8080/health");
//   EXPECT_EQ(health.status, 200);
//   EXPECT_EQ(health.header("content-type"), "application/json");
//
// The agent sends one GET by HTTP/1.1 over a connection of its own. It speaks no TLS, follows no
// redirects, and keeps no cookies; for more there is curl. Node::waitFor with Condition::httpStatus
// waits for a server.
//
// NodeError of these kinds is thrown, while any status is a response:
//   kInvalid       The URL does not begin with http://, or a part of it or a header is wrong.
//   kUnsupported   The URL begins with https://.
//   kSystem        There was no connection, the host is not known, or what came is not HTTP.
//   kTimeout       The response was not whole in time.
//   kOverloaded    It has more than 64 KiB of headers, or 2 MiB of body.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

namespace muster {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpOptions {
  // Are sent along, at most 32 with 8 KiB together. The agent itself sends Host and Connection.
  HttpHeaders headers = {};

  // Is the time for the whole of it, at most 20 s. The deadline of the test ends it as well.
  std::chrono::nanoseconds within = std::chrono::seconds(10);
};

struct HttpResponse {
  // Is the number of the status line, such as 200.
  int status = 0;

  // In the order in which they came, with their spelling.
  HttpHeaders headers = {};

  // As it was meant by the server: chunks are joined. It is not decompressed.
  std::string body = {};

  // Returns the value of the first header of this name, in any case; empty if there is none.
  std::string header(const std::string& name) const;
};

// Prints status, headers and the beginning of the body for gtest.
void PrintTo(const HttpResponse& response, std::ostream* out);

}  // namespace muster
