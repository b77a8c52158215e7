#include <ostream>

#include <muster/change.h>
#include <muster/deadline.h>

#include "harness/api/access.h"
#include "harness/api/call_site.h"
#include "harness/api/fan_out.h"
#include "harness/api/package_report.h"
#include "harness/rpc/change/changes.h"
#include "harness/rpc/controller_node.h"

namespace muster {

using harness::ApiAccess;
using harness::at;

Change change(const Node& node, const ChangeSpec& spec, UndoAt undo, std::source_location where) {
  Change made;
  made.node_ = &ApiAccess::behind(node);
  harness::ChangeInfo info = at(where, [&] {
    return harness::rpc::Changes(*made.node_).make(spec, undo, DeadlineScope::current());
  });
  made.id_ = std::move(info.id);
  made.text_ = std::move(info.text);
  made.details_ = std::move(info.details);
  if (std::holds_alternative<Packages>(spec)) {
    harness::reportPackages(node.name(), made.details_);
  }
  return made;
}

NodeAnswers<Change> change(const NodeSet& nodes, const ChangeSpec& spec, UndoAt undo,
                           std::source_location where) {
  return harness::askEach<Change>(ApiAccess::nodesOf(nodes), ApiAccess::fanOutOf(nodes), where,
                                  [&](Node& node) { return change(node, spec, undo, where); });
}

void Change::undo(Where where) const {
  at(where, [&] { harness::rpc::Changes(*node_).undo(id_, DeadlineScope::current()); });
}

void PrintTo(const Change& change, std::ostream* out) {
  *out << "node " << change.node_->description().name << ": change that " << change.text_;
}

}  // namespace muster
