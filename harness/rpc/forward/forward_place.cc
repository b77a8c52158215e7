#include <charconv>
#include <stdexcept>

#include "harness/rpc/forward/forward.h"
#include "harness/values/failure_text.h"
#include "schema/support/base/endpoint.h"

namespace harness::rpc {

std::string forwardEndpoint(const std::string& text) {
  auto refuse = [&text](const std::string& why) {
    return std::invalid_argument(inQuotes(text) + " " + why +
                                 "; expected PORT, HOST:PORT, [IPV6]:PORT or /PATH");
  };
  if (text.empty()) throw refuse("is empty");
  std::string place = text;
  bool isPort = place.find_first_not_of("0123456789") == std::string::npos;
  if (isPort) place = "127.0.0.1:" + place;
  if (place.starts_with("localhost:")) place.replace(0, 9, "127.0.0.1");
  std::string why;
  auto endpoint =
      support::Endpoint::fromText((place.starts_with("/") ? "unix:" : "tcp:") + place, &why);
  if (!endpoint) throw refuse("is no place: " + why);
  return endpoint->text();
}

}  // namespace harness::rpc
