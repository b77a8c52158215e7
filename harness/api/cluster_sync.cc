// Implements the part of Cluster that has to do with events and barriers. cluster.cc has the rest.
#include <utility>

#include <muster/cluster.h>
#include <muster/deadline.h>
#include <muster/process_set.h>

#include "harness/api/access.h"
#include "harness/api/call_site.h"
#include "harness/rpc/sync/sync.h"
#include "harness/values/failure_text.h"

namespace muster {

using harness::at;

namespace {

[[noreturn]] void refuse(const std::string& barrier, const std::string& detail) {
  throw NodeError(NodeError::Kind::kInvalid, "", "barrier " + harness::inQuotes(barrier), detail);
}

}  // namespace

Event Cluster::event(const std::string& name, Where where) const {
  std::string fault = support::whyNoSyncName("name", name);
  if (fault.empty()) return Event(*sync_, name);
  throw NodeError(NodeError::Kind::kInvalid, "", "event " + harness::inQuotes(name), fault, 0,
                  where);
}

void Cluster::notify(const std::string& name, const EventData& data, Where where) {
  at(where, [&] { sync_->notify(name, {data.begin(), data.end()}, DeadlineScope::current()); });
}

Barrier Cluster::barrier(const std::string& name, int64_t count, Where where) {
  at(where, [&] { sync_->declare(name, count, {}, DeadlineScope::current()); });
  return Barrier(*sync_, name);
}

Barrier Cluster::barrier(const std::string& name, const NodeSet& nodes, Where where) {
  at(where, [&] {
    harness::SyncMembers members;
    for (const Node& node : nodes) {
      if (!all_.contains(node)) refuse(name, "node " + node.name() + " is not of this cluster");
      members.nodes.push_back(node.name());
    }
    if (members.nodes.empty()) refuse(name, "it is for nobody: the set of nodes is empty");
    sync_->declare(name, static_cast<int64_t>(members.nodes.size()), members,
                   DeadlineScope::current());
  });
  return Barrier(*sync_, name);
}

Barrier Cluster::declared(const std::string& name, const std::vector<const Process*>& commands,
                          Where where) {
  at(where, [&] {
    harness::SyncMembers members;
    for (const Process* process : commands) {
      const harness::rpc::Job& job = harness::ApiAccess::behind(*process);
      std::string text = harness::joined(job.request().argv, " ");
      if (job.request().options.lifetime == CommandLifetime::kDetached) {
        refuse(name, harness::inQuotes(text) +
                         " is detached, and agents do not serve such commands; start it without "
                         "CommandLifetime::kDetached");
      }
      members.commands.push_back({{job.node(), job.number()}, text});
    }
    if (members.commands.empty()) refuse(name, "it is for nobody: no command is given");
    sync_->declare(name, static_cast<int64_t>(members.commands.size()), members,
                   DeadlineScope::current());
  });
  return Barrier(*sync_, name);
}

Barrier Cluster::barrier(const std::string& name, const Participants& commands, Where where) {
  std::vector<const Process*> processes;
  for (const Process& process : commands) processes.push_back(&process);
  return declared(name, processes, where);
}

Barrier Cluster::barrier(const std::string& name, const ProcessSet& commands, Where where) {
  commands.checked(where);
  return declared(name, harness::ApiAccess::processesOf(commands), where);
}

}  // namespace muster
