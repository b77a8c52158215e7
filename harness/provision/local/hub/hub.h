// The guardian of one cluster. It makes the nodes, keeps them while it lives, and takes everything
// away when it ends. It knows nothing of agents: see spec.h.
//
// It has one thread with one loop. Clients speak JSON, a line for a line, on the control socket:
//   {"do": "state"}                       {"ok": true, "hub": PID, "description": …, "nodes":
//   [{"name", "running", …}]}; with "plan": true in the request also "plan": …
//   {"do": "freeze", "node": "server1"}   and thaw, powerOff: {"ok": true}
//   {"do": "powerOn", "node": "server1"}  {"ok": true, "wasOn": false}
//   {"do": "down"}                        answered when nothing is left; the hub then ends
// A request that fails is answered with {"ok": false, "node": "server1", "detail": "…"}, and with
// "unsupported": true where the machine cannot do it at all.
#pragma once

#include <csignal>
#include <functional>
#include <list>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "harness/provision/local/hub/node.h"
#include "harness/provision/local/hub/spec.h"
#include "harness/provision/local/hub/state.h"

namespace harness {

class Hub {
 public:
  // Call it in the network namespace that shall be the hub's, with the cluster's lock held and its
  // directories made.
  explicit Hub(HubSpec spec);

  // Makes everything, and returns when all nodes are ready. Tells `tellReady`, if that is set, how
  // many are whenever that changes. Throws HubError, or what `tellReady` throws, after taking it
  // away again.
  void up(const std::function<void(size_t ready)>& tellReady = {});

  // Takes everything away, once: anything that has the cluster's name after that is another's.
  void end();

  // Serves until told to end, by a client, by SIGTERM or SIGINT, or by the end of the owner; or
  // until no node runs and somebody has deleted the cluster's directories, without which nobody can
  // start one. All is gone on return.
  void serve();

  // Returns the answer to "state".
  nlohmann::json state() const;

 private:
  struct Client {
    Fd socket;
    std::string unread;

    // The nodes that the client froze, which are thawed when it goes, and those that it powered
    // off, which are powered on then.
    std::set<std::string> frozen;
    std::set<std::string> off;
    bool gone = false;
  };

  void makeNetwork();
  using TellReady = std::function<void(size_t ready)>;
  void makeNodes(const TellReady& tellReady);
  void awaitReady(const std::vector<HubNode*>& nodes, const TellReady& tellReady = {});

  // One turn of the loop. While a request is being served, no other is: it might end what the first
  // one is about, or the client that waits for the answer.
  enum class Serve { kClients, kNobody };
  void watch(int timeoutMs, Serve serve);
  void takeSignals();
  void takeOwner();
  bool accepts() const;
  void acceptClient();
  void serveClient(Client& client);
  void giveBack(Client& client);
  nlohmann::json answer(Client& client, const std::string& line);
  void reapChildren();
  void startAgain(HubNode& node);
  HubNode& nodeOf(const std::string& name);
  bool anyRuns() const;
  HubNode::Group groupsOfEnded() const;

  const HubSpec spec_;
  ClusterPaths paths_;
  ClusterDirectories directories_;
  std::unique_ptr<Netlink> netlink_;
  int bridge_ = 0;
  std::list<HubNode> nodes_;
  std::list<Client> clients_;
  Deadline acceptsFrom_;
  Fd listener_;
  Fd signals_;

  // Until the cluster is up, the caller owns it in any case: it cannot end a cluster that it does
  // not see.
  bool up_ = false;
  bool ending_ = false;
  bool gone_ = false;
  std::string endingWhy_;
};

}  // namespace harness
