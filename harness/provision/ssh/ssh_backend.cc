#include "harness/provision/ssh/ssh_backend.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <set>

#include "harness/os/error.h"
#include "harness/os/program_path.h"
#include "harness/provision/error.h"
#include "harness/provision/programs.h"
#include "harness/provision/ssh/host_error.h"
#include "harness/provision/ssh/parallel.h"

namespace harness {
namespace {

using Kind = ProvisionError::Kind;
using Nodes = std::vector<std::unique_ptr<HostNode>>;

constexpr size_t kHostsAtOnce = 32;
// The names of further nodes in an error.
constexpr size_t kNamesMax = 5;

// The reason of a node that was left because of another's failure: it is not told.
class Abandoned : public std::exception {};

Nodes nodesOf(const ClusterPlan& plan, const std::string& owner) {
  Nodes nodes;
  for (SshNode& node : sshNodes(plan)) {
    nodes.push_back(std::make_unique<HostNode>(std::move(node), AgentOwner{owner, plan.name}));
  }
  return nodes;
}

// What is kept of a cluster: whose it is, and the nodes on whose hosts something may be.
struct Kept {
  std::string owner;
  std::set<std::string> touched;

  static Kept of(const KnownCluster& cluster) {
    Kept kept;
    if (!cluster.kept.is_object()) return kept;
    cluster.kept.at("owner").get_to(kept.owner);
    cluster.kept.at("touched").get_to(kept.touched);
    return kept;
  }
  nlohmann::json toJson() const { return {{"owner", owner}, {"touched", touched}}; }
};

// Throws the first failure with its node's name, and the names of others that failed.
void throwFirst(const Nodes& nodes, const std::vector<std::exception_ptr>& failures) {
  std::string node, text, others;
  Kind kind = Kind::kFailed;
  size_t count = 0;
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (!failures[i]) continue;
    try {
      std::rethrow_exception(failures[i]);
    } catch (const Abandoned&) {
      continue;
    } catch (const HostError& error) {
      if (count == 0) text = error.what();
      if (count == 0 && error.kind() == HostError::Kind::kUnreachable) kind = Kind::kNoAnswer;
    } catch (const ProvisionError& error) {
      if (count == 0) text = error.detail();
      if (count == 0) kind = error.kind();
    } catch (const std::exception& error) {
      if (count == 0) text = error.what();
    }
    if (count == 0) node = nodes[i]->name();
    if (count > 0 && count <= kNamesMax) others += (others.empty() ? "" : ", ") + nodes[i]->name();
    ++count;
  }
  if (count == 0) return;
  if (count > 1) text += "; so did " + others + (count > kNamesMax + 1 ? " and others" : "");
  throw ProvisionError(kind, text, node);
}

// The programs of the agent that a plan's nodes need, each read once.
class Programs {
 public:
  explicit Programs(std::string usual) : usual_(std::move(usual)) {}

  const AgentProgram& of(const SshNode& node) {
    const std::string& path = node.agent.empty() ? usual_ : node.agent;
    auto [found, isNew] = programs_.try_emplace(path);
    if (isNew) found->second = AgentProgram::load(path);
    return found->second;
  }

 private:
  std::string usual_;
  std::map<std::string, AgentProgram> programs_;
};

// One run of up().
class Making {
 public:
  Making(const UpRequest& request, UpReport& report)
      : request_(request),
        report_(report),
        programs_(request.agentProgram),
        nodes_(nodesOf(request.plan, request.owner)),
        kept_{request.owner, {}} {
    for (const auto& node : nodes_) programs_.of(node->settings());
  }

  std::map<std::string, MadeNode> run() {
    // The names of connections follow from the owner.
    report_.keep(kept_.toJson());
    auto failures = forEachAtOnce(nodes_.size(), kHostsAtOnce, [this](size_t index) {
      try {
        make(*nodes_[index]);
      } catch (...) {
        hasFailed_ = true;
        throw;
      }
    });
    try {
      throwFirst(nodes_, failures);
      if (report_.isCancelled()) throw ProvisionError("nobody wants the cluster any more");
    } catch (const ProvisionError& error) {
      throw ProvisionError(error.kind(), error.detail() + clean(), error.node());
    }
    return made_;
  }

 private:
  void make(HostNode& node) {
    auto files = request_.agentFiles.find(node.name());
    static const std::vector<AgentFile> kNone;
    MadeNode made = node.up(programs_.of(node.settings()),
                            files == request_.agentFiles.end() ? kNone : files->second,
                            [&](const std::string& step, const std::string& detail) {
                              if (hasFailed_ || report_.isCancelled()) throw Abandoned();
                              report_.state(node.name(), step, detail);
                              if (step == kFirstStep) touch(node.name());
                            });
    std::lock_guard<std::mutex> lock(mutex_);
    made_[node.name()] = std::move(made);
  }

  void touch(const std::string& node) {
    std::lock_guard<std::mutex> lock(mutex_);
    kept_.touched.insert(node);
    report_.keep(kept_.toJson());
  }

  void forget(const std::string& node) {
    std::lock_guard<std::mutex> lock(mutex_);
    kept_.touched.erase(node);
    report_.keep(kept_.toJson());
  }

  bool isTouched(const std::string& node) {
    std::lock_guard<std::mutex> lock(mutex_);
    return kept_.touched.contains(node);
  }

  // Removes what was made, and returns what to say of hosts where that failed.
  std::string clean() {
    auto failures = forEachAtOnce(nodes_.size(), kHostsAtOnce, [this](size_t index) {
      HostNode& node = *nodes_[index];
      if (!isTouched(node.name())) return node.closeConnection();
      node.down();
      forget(node.name());
    });
    try {
      throwFirst(nodes_, failures);
      return "";
    } catch (const ProvisionError& error) {
      return std::string("; then, removing what was made: ") + error.what();
    }
  }

  const UpRequest& request_;
  UpReport& report_;
  Programs programs_;
  Nodes nodes_;
  std::atomic<bool> hasFailed_ = false;
  // Guards what the threads have made.
  std::mutex mutex_;
  std::map<std::string, MadeNode> made_;
  Kept kept_;
};

// What fails on this machine becomes the provisioner's error here, and nowhere else.
template <typename Call>
auto atBorder(Call&& call) {
  try {
    return call();
  } catch (const SystemError& error) {
    throw ProvisionError(Kind::kFailed, error.what());
  }
}

void examineFile(const std::string& key, const std::string& path,
                 std::vector<std::string>& missing) {
  if (path.empty() || path.front() == '~' || ::access(path.c_str(), R_OK) == 0) return;
  std::string text = "the file " + path + " of the key \"" + key + "\", which cannot be read";
  if (std::find(missing.begin(), missing.end(), text) == missing.end()) missing.push_back(text);
}

}  // namespace

KindKeys SshBackend::keys() const {
  return sshKeys();
}

Examination SshBackend::examine(const ClusterPlan& plan) {
  Examination result;
  if (programInPath("ssh").empty()) {
    result.missing.push_back("the program ssh (package openssh-client)");
  }
  for (const SshNode& node : sshNodes(plan)) {
    examineFile("identity", node.host.identity, result.missing);
    examineFile("config", node.host.config, result.missing);
    examineFile("agent", node.agent, result.missing);
  }
  return result;
}

std::map<std::string, MadeNode> SshBackend::up(const UpRequest& request, UpReport& report) {
  return atBorder([&] {
    Making making(request, report);
    return making.run();
  });
}

std::map<std::string, Power> SshBackend::state(const KnownCluster& cluster) {
  return atBorder([&] {
    Nodes nodes = nodesOf(cluster.plan, Kept::of(cluster).owner);
    std::vector<std::optional<AgentLife>> lives(nodes.size());
    // A host that does not answer has no known state.
    auto failures = forEachAtOnce(nodes.size(), kHostsAtOnce,
                                  [&](size_t index) { lives[index] = nodes[index]->life(); });
    std::map<std::string, Power> power;
    bool isAnyThere = false;
    for (size_t i = 0; i < nodes.size(); ++i) {
      isAnyThere = isAnyThere || lives[i] != AgentLife::kAbsent;
      if (lives[i])
        power[nodes[i]->name()] = *lives[i] == AgentLife::kAlive ? Power::kOn : Power::kOff;
    }
    if (isAnyThere) return power;
    throw ProvisionError(Kind::kNoSuchCluster,
                         "no host has anything of cluster \"" + cluster.plan.name + "\" any more");
  });
}

void SshBackend::down(const KnownCluster& cluster) {
  Kept kept = Kept::of(cluster);
  atBorder([&] {
    Nodes nodes = nodesOf(cluster.plan, kept.owner);
    throwFirst(nodes, forEachAtOnce(nodes.size(), kHostsAtOnce, [&](size_t index) {
                 HostNode& node = *nodes[index];
                 // A host that was never reached need not be there.
                 if (!kept.touched.contains(node.name())) return node.closeConnection();
                 node.down();
               }));
    removeControlDirectory();
  });
}

std::vector<std::string> SshBackend::list(const std::string&) {
  return {};
}

}  // namespace harness
