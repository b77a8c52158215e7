#include "harness/rpc/wait/waits.h"

#include <algorithm>

#include <muster/deadline.h>
#include <muster/node_set.h>

#include "harness/api/access.h"
#include "harness/api/call_site.h"

namespace muster {
namespace {

using harness::at;
using harness::rpc::Waits;

SteadyTime endOf(std::chrono::nanoseconds within, SteadyTime limit) {
  auto now = std::chrono::steady_clock::now();
  return within < limit - now ? now + within : limit;
}

}  // namespace

std::string Node::waitFor(const Condition& condition, std::chrono::nanoseconds within,
                          Where where) const {
  return at(where, [&] {
    auto limit = DeadlineScope::current();
    return Waits(*node_).await(condition, endOf(within, limit), limit);
  });
}

HttpResponse Node::httpGet(const std::string& url, const HttpOptions& options, Where where) const {
  return at(where, [&] {
    return Waits(*node_).get(url, options, endOf(options.within, DeadlineScope::current()));
  });
}

NodeAnswers<std::string> NodeSet::waitFor(const Condition& condition,
                                          std::chrono::nanoseconds within, Where where) const {
  std::vector<harness::ControllerNode*> behind;
  for (const Node* node : nodes_) behind.push_back(&harness::ApiAccess::behind(*node));
  auto limit = DeadlineScope::current();
  auto seen = at(where, [&] {
    return harness::rpc::awaitOnAll(behind, condition, endOf(within, limit), limit);
  });
  std::vector<NodeAnswer<std::string>> answers(seen.size());
  for (size_t i = 0; i < seen.size(); ++i) {
    answers[i].node = nodes_[i]->name();
    try {
      answers[i].value = at(where, [&]() -> std::string {
        if (auto* error = std::get_if<NodeError>(&seen[i])) throw *error;
        return std::get<std::string>(std::move(seen[i]));
      });
    } catch (const NodeError& error) {
      answers[i].error = error;
    }
  }
  return NodeAnswers<std::string>(std::move(answers));
}

}  // namespace muster
