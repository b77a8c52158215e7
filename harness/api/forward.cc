#include "harness/rpc/forward/forward.h"

#include <charconv>
#include <ostream>
#include <stdexcept>

#include <muster/deadline.h>
#include <muster/forward.h>
#include <muster/node.h>

#include "harness/api/access.h"
#include "harness/api/call_site.h"

namespace muster {

using harness::at;
using harness::rpc::ForwardPlan;
using harness::rpc::ForwardWay;
using harness::rpc::RunningForward;

namespace {

std::string endpointOf(const Node& node, const char* parameter, const std::string& place) {
  try {
    return harness::rpc::forwardEndpoint(place);
  } catch (const std::invalid_argument& error) {
    throw NodeError(NodeError::Kind::kInvalid, node.name(), "forward",
                    std::string(parameter) + ": " + error.what());
  }
}

std::unique_ptr<RunningForward> begin(const Node& node, ForwardWay way, const std::string& target,
                                      const std::string& listen, std::source_location where) {
  return at(where, [&] {
    ForwardPlan plan{way, endpointOf(node, "listen", listen), endpointOf(node, "target", target)};
    return std::make_unique<RunningForward>(
        RunningForward::begin(harness::ApiAccess::behind(node), plan, DeadlineScope::current()));
  });
}

// "tcp:127.0.0.1:80" becomes "127.0.0.1:80".
std::string placeOf(const std::string& endpoint) {
  return endpoint.substr(endpoint.find(':') + 1);
}

}  // namespace

Forward::Forward(std::unique_ptr<RunningForward> running) : running_(std::move(running)) {}
Forward::~Forward() = default;
Forward::Forward(Forward&& other) noexcept = default;
Forward& Forward::operator=(Forward&& other) noexcept = default;

Forward Forward::toNode(const Node& node, const std::string& target, const std::string& listen,
                        Where where) {
  return Forward(begin(node, ForwardWay::kToNode, target, listen, where));
}

Forward Forward::fromNode(const Node& node, const std::string& target, const std::string& listen,
                          Where where) {
  return Forward(begin(node, ForwardWay::kFromNode, target, listen, where));
}

uint16_t Forward::port() const {
  std::string text = place();
  if (text.starts_with("/")) return 0;
  uint16_t number = 0;
  std::from_chars(text.data() + text.rfind(':') + 1, text.data() + text.size(), number);
  return number;
}

std::string Forward::place() const {
  return placeOf(running_->bound());
}

uint64_t Forward::accepted() const {
  return running_->numbers().accepted;
}

std::string Forward::failure() const {
  return running_->numbers().failure;
}

void PrintTo(const Forward& forward, std::ostream* out) {
  *out << "forward at " << forward.place() << ", " << forward.accepted() << " connections so far";
}

}  // namespace muster
