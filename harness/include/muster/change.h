// Changes what a node is, until the test ends: kernel parameters, addresses, interfaces, mounts,
// names of hosts, users, groups, packages, variables of services and commands.
//
//   change(node, Sysctl{.name = "net.ipv4.ip_forward", .value = "1"});
//   change(node, ExtraAddress{.address = "10.9.0.5/24", .interface = "eth0"});
//   Change disk = change(node, LoopMount{.directory = "/mnt/disk", .bytes = 64 << 20});
//   …
//   disk.undo();  // Here, or when the test ends.
//   change(servers(), Packages{.names = {"/root/kvd.deb"}}).checked();
//
// What was there before comes back however the test ends: it may fail, crash, or be killed. The
// node keeps the list of what it has to take back, also over the death of its agent's processes.
// change_options.h has all kinds. This does not repair what other commands do: a daemon that writes
// into a mount, say, loses it.
//
// Things to get right:
//   * A Change is no guard: what it names stays until undo() or the test's end. It need not be
//     kept.
//   * Changes are taken back in the opposite order, after the test's commands have ended. A mount
//     that still has open files is detached, and ends when they are closed.
//   * What cannot be taken back fails the test, with node, change and reason.
//   * A reboot takes what only the kernel held: parameters, addresses, interfaces and mounts.
#pragma once

#include <iosfwd>
#include <map>
#include <source_location>
#include <string>

#include <muster/change_options.h>
#include <muster/node.h>
#include <muster/node_answers.h>
#include <muster/node_set.h>
#include <muster/write_options.h>

namespace harness {
class ControllerNode;
}  // namespace harness

namespace muster {

class Change;

// Makes a change of the node, and returns when it is there. `undo` is kTestEnd or kSessionEnd, as
// in write_options.h; kNever is NodeError kInvalid. It ends with DeadlineScope::current() and
// throws the NodeErrors of every call, and besides:
//   kInvalid       a name, address or size can never be
//   kNotFound      the parameter, interface, directory, group or service does not exist
//   kConflict      what should be added is there already
//   kDenied        the agent is not root, or the kernel refuses
//   kUnsupported   the node lacks a program, which the text names, or its agent is too old
//   kSystem        the node's own tool failed; the text has its last line
// After an error nothing is left of the change, unless the node was not reached: kUnreachable.
Change change(const Node& node, const ChangeSpec& spec, UndoAt undo = UndoAt::kTestEnd,
              std::source_location where = std::source_location::current());

// Makes the same change on all nodes at once. An error of one node is in its answer.
[[nodiscard]] NodeAnswers<Change> change(
    const NodeSet& nodes, const ChangeSpec& spec, UndoAt undo = UndoAt::kTestEnd,
    std::source_location where = std::source_location::current());

// Names a change that was made. A value, valid as long as the cluster. Call from the test thread.
class Change {
 public:
  using Where = std::source_location;

  // Takes the change back now. Does nothing if it was taken back already. NodeErrors are those of
  // change(); the change is then tried again when the test ends.
  void undo(Where where = Where::current()) const;

  // Says what it does, such as "sets net.ipv4.ip_forward to 1".
  const std::string& text() const { return text_; }

  // Returns what became known when it was made: of a Sysctl the value "before", of Packages the
  // version of each that is new, by names such as "kvd".
  const std::map<std::string, std::string>& details() const { return details_; }

  // Returns the name under which `muster change list` shows it, 32 hexadecimal digits.
  const std::string& id() const { return id_; }

 private:
  friend Change change(const Node& node, const ChangeSpec& spec, UndoAt undo, Where where);
  friend void PrintTo(const Change& change, std::ostream* out);
  Change() = default;

  // Owned by the connections of the cluster.
  harness::ControllerNode* node_ = nullptr;
  std::string id_;
  std::string text_;
  std::map<std::string, std::string> details_;
};

// Prints node and effect for gtest.
void PrintTo(const Change& change, std::ostream* out);

}  // namespace muster
