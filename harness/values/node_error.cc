#include <muster/node_error.h>

#include "harness/values/failure_text.h"
#include "schema/support/base/text.h"

namespace muster {
namespace {

std::string errorText(NodeError::Kind kind, const std::string& node, const std::string& operation,
                      const std::string& detail, const std::source_location& where) {
  std::string text = node.empty() ? "" : "node " + node + ": ";
  if (kind == NodeError::Kind::kInfrastructure) text = "infrastructure: " + text;
  if (!operation.empty()) text += operation + ": ";
  bool says = kind == NodeError::Kind::kInfrastructure || kind == NodeError::Kind::kSystem ||
              kind == NodeError::Kind::kCommandFailed || detail.starts_with(toString(kind));
  text += (says ? "" : toString(kind) + ": ") + detail;
  return support::printable(text, support::Lines::kMany) + harness::locationText(where);
}

}  // namespace

NodeError::NodeError(Kind kind, std::string node, const std::string& operation,
                     const std::string& detail, int errnoValue, std::source_location where)
    : std::runtime_error(errorText(kind, node, operation, detail, where)),
      kind_(kind),
      node_(std::move(node)),
      operation_(support::printable(operation, support::Lines::kMany)),
      detail_(support::printable(detail, support::Lines::kMany)),
      errnoValue_(errnoValue),
      where_(where) {}

std::string toString(NodeError::Kind kind) {
  switch (kind) {
    case NodeError::Kind::kUnreachable:
      return "unreachable";
    case NodeError::Kind::kRefused:
      return "refused";
    case NodeError::Kind::kInvalid:
      return "invalid";
    case NodeError::Kind::kDenied:
      return "denied";
    case NodeError::Kind::kNotFound:
      return "not found";
    case NodeError::Kind::kConflict:
      return "conflict";
    case NodeError::Kind::kOverloaded:
      return "overloaded";
    case NodeError::Kind::kUnsupported:
      return "unsupported";
    case NodeError::Kind::kSystem:
      return "system call";
    case NodeError::Kind::kCorrupt:
      return "corrupt";
    case NodeError::Kind::kTimeout:
      return "timeout";
    case NodeError::Kind::kLost:
      return "lost";
    case NodeError::Kind::kCommandFailed:
      return "command failed";
    case NodeError::Kind::kInternal:
      return "internal error";
    case NodeError::Kind::kCancelled:
      return "cancelled";
    case NodeError::Kind::kInfrastructure:
      return "infrastructure";
  }
  return "unknown";
}

}  // namespace muster
