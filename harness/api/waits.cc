#include "harness/rpc/wait/waits.h"

#include <muster/deadline.h>
#include <muster/node_set.h>

#include "harness/api/access.h"
#include "harness/api/call_site.h"
#include "harness/values/wait_time.h"

namespace muster {
using harness::atWithin;
using harness::waitEnd;
using harness::rpc::Waits;

std::string Node::waitFor(const Condition& condition, std::chrono::nanoseconds within,
                          Where where) const {
  return atWithin(where, within, [&] {
    return Waits(*node_).await(condition, waitEnd(within), DeadlineScope::current());
  });
}

HttpResponse Node::httpGet(const std::string& url, const HttpOptions& options, Where where) const {
  return atWithin(where, options.within,
                  [&] { return Waits(*node_).get(url, options, waitEnd(options.within)); });
}

NodeAnswers<std::string> NodeSet::waitFor(const Condition& condition,
                                          std::chrono::nanoseconds within, Where where) const {
  std::vector<harness::ControllerNode*> behind;
  for (const Node* node : nodes_) behind.push_back(&harness::ApiAccess::behind(*node));
  auto seen = harness::at(where, [&] {
    return harness::rpc::awaitOnAll(behind, condition, waitEnd(within), DeadlineScope::current());
  });
  std::vector<NodeAnswer<std::string>> answers(seen.size());
  for (size_t i = 0; i < seen.size(); ++i) {
    answers[i].node = nodes_[i]->name();
    try {
      answers[i].value = atWithin(where, within, [&]() -> std::string {
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
