#include "harness/cli/forward_words.h"

namespace harness {

rpc::ForwardPlan forwardPlanOf(const std::string& text) {
  size_t colon = text.find(':');
  std::string first = text.substr(0, colon);
  bool isPort = first.find_first_not_of("0123456789") == std::string::npos && !first.empty();
  bool hasListen = colon != std::string::npos && (isPort || text.starts_with("/"));
  rpc::ForwardPlan plan;
  plan.listen = rpc::forwardEndpoint(hasListen ? first : "127.0.0.1:0");
  plan.target = rpc::forwardEndpoint(hasListen ? text.substr(colon + 1) : text);
  return plan;
}

std::string placeText(const std::string& endpoint) {
  return endpoint.substr(endpoint.find(':') + 1);
}

}  // namespace harness
