// The hub's one loop: signals, its owner, and clients. One node's start and end are in node.cc.
#include "harness/provision/local/hub/hub.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

#include <nlohmann/json.hpp>

#include "harness/os/files.h"
#include "harness/provision/local/hub/answer.h"
#include "harness/provision/local/hub/error.h"

namespace harness {
namespace {

constexpr char kBridge[] = "muster0";
constexpr size_t kLineBytesMax = 65536;

// The time between two looks at whether an agent listens yet.
constexpr int kReadyPollMs = 4;

// Bounds the clients that are served at once; more wait in the listener's queue. A test program is
// one client.
constexpr size_t kClientsMax = 1024;

// The time without a look at new clients after one could not be accepted. It would wait in the
// queue, and the loop would find it there again and again.
constexpr int kAcceptPauseMs = 1000;

// The time between two looks at the directories of a cluster in which no node runs.
constexpr int kDirectoriesLookMs = 1000;

Fd listenAt(const std::string& path) {
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    throw HubError("the path " + path + " is too long for a socket");
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  check(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address),
        "bind " + path);
  check(::chmod(path.c_str(), 0600), "chmod " + path);
  check(::listen(socket.get(), 64), "listen at " + path);
  return socket;
}

// Makes signals readable, so that the loop sees them between two steps and none of them interrupts
// one. SIGHUP is taken as well, and ends nothing.
Fd takeSignalsByFd() {
  sigset_t set;
  sigemptyset(&set);
  for (int number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
  ::signal(SIGPIPE, SIG_IGN);
  check(::sigprocmask(SIG_BLOCK, &set, nullptr), "block signals");
  Fd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) failSystem("signalfd");
  return fd;
}

// The answer to a request that asks for nothing back.
nlohmann::json done() {
  nlohmann::json answer;
  answer["ok"] = true;
  return answer;
}

}  // namespace

Hub::Hub(HubSpec spec)
    : spec_(std::move(spec)), paths_(spec_.cluster), directories_(spec_.cluster) {
  int number = 0;
  for (const NodeSpec& node : spec_.nodes) nodes_.emplace_back(node, spec_, paths_, ++number);
}

// Makes everything, and listens last: a client that can connect finds the cluster complete.
void Hub::up(const TellReady& tellReady) {
  try {
    signals_ = takeSignalsByFd();
    netlink_ = std::make_unique<Netlink>();
    for (const FileSpec& file : spec_.hostFiles) {
      std::string path = paths_.run + "/" + file.path;
      makeDirectories(path.substr(0, path.rfind('/')), 0700);
      putFile(path, file.content, file.mode);
    }
    makeNetwork();
    makeNodes(tellReady);
    listener_ = listenAt(paths_.control);
  } catch (...) {
    end();
    throw;
  }
}

void Hub::makeNetwork() {
  netlink_->setUp(netlink_->indexOf("lo"));
  netlink_->makeBridge(kBridge, macAddressOf(spec_.cluster, spec_.bridgeAddresses, 0));
  bridge_ = netlink_->indexOf(kBridge);
  for (const std::string& address : spec_.bridgeAddresses) netlink_->addAddress(bridge_, address);
  netlink_->setUp(bridge_);
}

// Starts all nodes side by side. Each is begun and connected first, which takes little time, so
// that they prepare their roots at once; then each is awaited. Between two of them the loop looks
// for the end of the owner, since many nodes take a while.
void Hub::makeNodes(const TellReady& tellReady) {
  std::vector<HubNode*> all;
  for (HubNode& node : nodes_) {
    node.begin();
    node.connect(*netlink_, bridge_);
    all.push_back(&node);
    watch(0, Serve::kNobody);
    if (ending_) throw HubError(endingWhy_);
  }
  Deadline deadline = after(std::chrono::seconds(spec_.readySeconds));
  for (HubNode* node : all) node->finish(deadline);
  awaitReady(all, tellReady);
}

// Looks at the nodes every few milliseconds. A node says by a socket and a file that it is ready,
// and tells nobody of either. One that ends meanwhile fails the start at once, with its evidence.
void Hub::awaitReady(const std::vector<HubNode*>& nodes, const TellReady& tellReady) {
  Deadline deadline = after(std::chrono::seconds(spec_.readySeconds));
  std::vector<HubNode*> waiting = nodes;
  while (true) {
    size_t newlyReady = std::erase_if(
        waiting, [](const HubNode* node) { return node->running() && node->ready(); });
    if (newlyReady > 0 && tellReady) tellReady(nodes.size() - waiting.size());
    if (waiting.empty()) return;
    for (const HubNode* node : waiting) {
      if (!node->running()) throw HubError(node->ending() + node->evidence(), node->spec().name);
      if (millisecondsUntil(deadline) == 0) {
        throw HubError("not ready within " + std::to_string(spec_.readySeconds) +
                           " s: its agent does not listen, or its boot commands go on" +
                           node->evidence(),
                       node->spec().name);
      }
    }
    watch(kReadyPollMs, Serve::kNobody);
    if (ending_) throw HubError(endingWhy_);
  }
}

void Hub::serve() {
  up_ = true;
  while (!ending_) {
    watch(anyRuns() ? -1 : kDirectoriesLookMs, Serve::kClients);
    if (!anyRuns() && !directories_.areThere()) ending_ = true;
  }
  end();
}

bool Hub::anyRuns() const {
  return std::any_of(nodes_.begin(), nodes_.end(),
                     [](const HubNode& node) { return node.running(); });
}

// The group of a node that still runs is ours in any case: nobody takes the name of a cluster
// before its processes have ended.
HubNode::Group Hub::groupsOfEnded() const {
  return directories_.areThere() ? HubNode::Group::kRemove : HubNode::Group::kLeave;
}

// Ends in an order that leaves nothing running: all nodes are killed, then reaped one by one, so
// that they die side by side; then files and directories go. A node that cannot be reaped is
// reported at the end and keeps nothing else from being removed.
void Hub::end() {
  if (gone_) return;
  for (HubNode& node : nodes_) node.kill();
  std::string problem;
  for (HubNode& node : nodes_) {
    // Without it no node was begun.
    if (!netlink_) break;
    try {
      node.reap(HubNode::Link::kLeave, node.running() ? HubNode::Group::kRemove : groupsOfEnded(),
                *netlink_);
    } catch (const SystemError& error) {
      problem += problem.empty() ? error.what() : std::string("; ") + error.what();
    }
  }
  // Disks in memory are a mount in this namespace only: see hub_main.cc.
  ::umount2(paths_.disks().c_str(), MNT_DETACH);
  directories_.remove();
  gone_ = true;
  if (!problem.empty()) throw HubError(problem);
}

// Waits once and serves the events. The ends of processes and of the owner come before any client,
// so that a request finds which nodes have ended. Clients that have gone are removed after the
// round, because the round still points to them.
void Hub::watch(int timeoutMs, Serve serve) {
  std::vector<pollfd> watched = {{signals_.get(), POLLIN, 0},
                                 {spec_.owned || !up_ ? STDIN_FILENO : -1, POLLIN, 0}};
  std::vector<Client*> order;
  if (serve == Serve::kClients) {
    watched.push_back({accepts() ? listener_.get() : -1, POLLIN, 0});
    for (Client& client : clients_) {
      watched.push_back({client.socket.get(), POLLIN, 0});
      order.push_back(&client);
    }
  }
  int pauseMs = millisecondsUntil(acceptsFrom_);
  if (pauseMs > 0) timeoutMs = timeoutMs < 0 ? pauseMs : std::min(timeoutMs, pauseMs);
  if (::poll(watched.data(), watched.size(), timeoutMs) <= 0) return;
  if (watched[0].revents != 0) takeSignals();
  if (watched[1].revents != 0) takeOwner();
  if (serve == Serve::kNobody) return;
  if (watched[2].revents != 0) acceptClient();
  for (size_t i = 0; i < order.size(); ++i) {
    if (watched[i + 3].revents != 0 && !ending_) serveClient(*order[i]);
  }
  for (auto client = clients_.begin(); client != clients_.end();) {
    if (client->gone && !ending_) giveBack(*client);
    client = client->gone ? clients_.erase(client) : std::next(client);
  }
}

void Hub::takeSignals() {
  signalfd_siginfo info;
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
    if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) {
      ending_ = true;
      endingWhy_ = "ended by a signal while it was made";
    }
  }
  // Several ends may have been one signal, so that every node is looked at.
  reapChildren();
}

// The owner holds the other end of standard input and writes nothing more: the end of the file is
// its own end, however it came.
void Hub::takeOwner() {
  char byte;
  if (::read(STDIN_FILENO, &byte, 1) > 0) return;
  ending_ = true;
  endingWhy_ = "its owner ended while it was made";
}

void Hub::reapChildren() {
  for (HubNode& node : nodes_) {
    int status = 0;
    if (!node.running() || ::waitpid(node.pid(), &status, WNOHANG) != node.pid()) continue;
    try {
      node.ended(status, groupsOfEnded(), *netlink_);
    } catch (const SystemError& error) {
      // The other nodes go on. What is left of this one is looked for again at the cluster's end.
      std::fprintf(stderr, "remove what a node left that ended: %s\n", error.what());
    }
  }
}

bool Hub::accepts() const {
  return clients_.size() < kClientsMax && millisecondsUntil(acceptsFrom_) == 0;
}

void Hub::acceptClient() {
  Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (socket) {
    clients_.emplace_back().socket = std::move(socket);
  } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
    std::fprintf(stderr, "accept a client: %s\n", std::strerror(errno));
    acceptsFrom_ = after(std::chrono::milliseconds(kAcceptPauseMs));
  }
}

// A client that has gone takes what it did to machines with it: a test that was killed must leave
// nodes neither frozen nor off.
void Hub::giveBack(Client& client) {
  for (const std::string& name : client.frozen) {
    try {
      nodeOf(name).thaw();
    } catch (const SystemError& error) {
      std::fprintf(stderr, "thaw after its client went: %s\n", error.what());
    }
  }
  for (const std::string& name : client.off) {
    try {
      HubNode& node = nodeOf(name);
      if (!node.running() && !ending_) startAgain(node);
    } catch (const SystemError& error) {
      std::fprintf(stderr, "power on after its client went: %s\n", error.what());
    }
  }
}

// Reads what a client sent and answers every whole line of it. The reply is written with a time
// limit, because a client that does not read would otherwise hold the only thread.
void Hub::serveClient(Client& client) {
  char buffer[4096];
  ssize_t size = ::read(client.socket.get(), buffer, sizeof buffer);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0 || client.unread.size() > kLineBytesMax) {
    client.gone = true;
    return;
  }
  client.unread.append(buffer, static_cast<size_t>(size));
  size_t end;
  while (!client.gone && (end = client.unread.find('\n')) != std::string::npos) {
    std::string reply = lineOf(answer(client, client.unread.substr(0, end)));
    client.unread.erase(0, end + 1);
    int flags = ::fcntl(client.socket.get(), F_GETFL);
    ::fcntl(client.socket.get(), F_SETFL, flags & ~O_NONBLOCK);
    timeval patience{5, 0};
    ::setsockopt(client.socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    try {
      writeAll(client.socket.get(), reply, "to a client");
    } catch (const SystemError&) {
      // The client went or reads nothing; its next request will be on another connection.
      client.gone = true;
    }
    ::fcntl(client.socket.get(), F_SETFL, flags);
  }
}

HubNode& Hub::nodeOf(const std::string& name) {
  for (HubNode& node : nodes_) {
    if (node.spec().name == name) return node;
  }
  throw HubError("cluster " + spec_.cluster + " has no node \"" + name + "\"");
}

nlohmann::json Hub::state() const {
  nlohmann::json nodes = nlohmann::json::array();
  for (const HubNode& node : nodes_) {
    nodes.push_back({{"name", node.spec().name},
                     {"running", node.running()},
                     {"frozen", node.frozen()},
                     {"pid", node.pid()},
                     {"ending", node.ending()}});
  }
  return {{"ok", true},
          {"hub", ::getpid()},
          {"owned", spec_.owned},
          {"description", spec_.description},
          {"nodes", nodes}};
}

// Starts a node that is off, in the steps of makeNodes. One that does not become ready is switched
// off again, so that a node is either on or off.
void Hub::startAgain(HubNode& node) {
  try {
    node.begin();
    node.connect(*netlink_, bridge_);
    node.finish(after(std::chrono::seconds(spec_.readySeconds)));
    awaitReady({&node});
  } catch (const SystemError&) {
    node.powerOff(*netlink_);
    throw;
  }
}

nlohmann::json Hub::answer(Client& client, const std::string& line) {
  try {
    nlohmann::json request = nlohmann::json::parse(line);
    std::string verb = request.value("do", "");
    if (verb == "state") {
      nlohmann::json known = state();
      if (request.value("plan", false)) known["plan"] = spec_.plan;
      return known;
    }
    if (verb == "down") {
      end();
      ending_ = true;
      return done();
    }
    std::string name = request.value("node", "");
    HubNode& node = nodeOf(name);
    if (verb == "freeze") {
      node.freeze();
      client.frozen.insert(name);
    } else if (verb == "thaw") {
      node.thaw();
      client.frozen.erase(name);
    } else if (verb == "powerOff") {
      bool wasOn = node.running();
      node.powerOff(*netlink_);
      if (wasOn) client.off.insert(name);
    } else if (verb == "powerOn") {
      bool wasOn = node.running();
      if (!wasOn) startAgain(node);
      for (Client& each : clients_) each.off.erase(name);
      return {{"ok", true}, {"wasOn", wasOn}};
    } else {
      throw HubError("unknown request \"" + verb + "\"");
    }
    return done();
  } catch (const std::exception& error) {
    // Whatever a request or a node makes fail, the hub goes on: the other nodes end with it.
    return refusalOf(error);
  }
}

}  // namespace harness
