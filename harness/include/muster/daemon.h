// A daemon that a test starts on a node, waits for, kills and starts again.
//
//   Daemon server(node, {"/usr/sbin/kvd", "-f"}, {.ready = Daemon::listensOn(7000)});
//   EXPECT_THAT(client.run({"kvctl", "get", "a"}), Succeeded());
//   server.kill(SIGKILL);
//   server.restart();
//
// Its process is known by its command and not by a search for its name, so neither another daemon
// of that name nor the search itself is taken for it. It is for the software under test. What the
// node's own manager runs is a Service (service.h), and a command that ends by itself a Process.
//
// Things to get right:
//   * The daemon stays in the foreground, usually by an option such as `-f`. One that forks and
//     exits counts as ended, and its start fails with a text that says so.
//   * It belongs to the scope that holds it. The end of the scope ends it with everything that it
//     started, by TERM and after DaemonOptions::stopWithin by KILL. If it had ended before and
//     nobody had asked how, or if the test has failed, standard error shows its last lines.
//   * Unlike other commands it has no deadline of the test, unless DaemonOptions::run has one. Hold
//     it in a static std::optional, and reset that in TearDownTestSuite, for a whole suite.
//   * Daemons that wait for each other to be ready are made with a `readyWithin` of 0, and awaited
//     by awaitReady when all have started.
//   * Several are kept by daemons.push_back(Daemon(node, …)). With emplace_back, the place in the
//     texts of errors is one in the standard library.
//   * It is valid as long as its node. A node that loses its power ends the daemon, and its outcome
//     is kLost; see AfterPowerOn.
#pragma once

#include <chrono>
#include <concepts>
#include <csignal>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <source_location>
#include <string>
#include <utility>

#include <muster/file.h>
#include <muster/node.h>
#include <muster/process.h>
#include <muster/result.h>
#include <muster/run_options.h>

namespace muster {

// Says when a daemon is ready for the test. Tests write one of the functions of Daemon, or a
// callable that looks for itself and returns true when it is so:
//
//   .ready = [](const Node& node) { return node.run({"kvctl", "ping"}).succeeded(); }
//
// A NodeError of the callable means "not yet".
class DaemonReadiness {
 public:
  using Prepare = std::function<void(const Node&)>;
  using Look = std::function<bool(const Node&, Process&)>;

  // It is ready as soon as it runs. An end right after that shows with the next call.
  DaemonReadiness();

  // Is implicit on purpose.
  template <typename Callable>
  requires std::predicate<const Callable&, const Node&> DaemonReadiness(const Callable& look)
      : DaemonReadiness("its test says so", {},
                        [look](const Node& node, Process&) -> bool { return look(node); }) {}

  // Serves the functions of Daemon. `what` completes "not ready:", `prepare` is called before each
  // start, and may be empty.
  DaemonReadiness(std::string what, Prepare prepare, Look look)
      : what_(std::move(what)), prepare_(std::move(prepare)), look_(std::move(look)) {}

 private:
  friend class Daemon;

  std::string what_;
  Prepare prepare_;
  Look look_;
};

// Says what becomes of a daemon whose node is powered on again by Cluster::powerOn.
enum class AfterPowerOn {
  // It stays down until restart().
  kStaysDown,

  // powerOn starts it again, and returns when it is ready. A failure of that is thrown there.
  kStartsAgain,
};

// Says whether a crash leaves a core file.
enum class CoreFiles {
  // The limit of the node's agent holds, which is usually none.
  kAsAgent,

  // The daemon has no limit of core files (RLIMIT_CORE): see Daemon::core.
  kUnlimited,
};

struct DaemonOptions {
  DaemonReadiness ready = {};

  // Is the time that a start may take until it is ready. 0 means that a start does not wait.
  std::chrono::nanoseconds readyWithin = std::chrono::seconds(30);

  // Is the time between TERM and KILL when it is stopped.
  std::chrono::nanoseconds stopWithin = std::chrono::seconds(5);

  // Says as which user it runs, where, and with which environment. `grace` and `lifetime` have no
  // meaning here. OutputOverflow::kBlock is taken for kKeepTail, since nobody reads all the time.
  RunOptions run = {};

  AfterPowerOn afterPowerOn = AfterPowerOn::kStaysDown;
  CoreFiles cores = CoreFiles::kAsAgent;
};

// Call from the test thread. Calls end with DeadlineScope::current(), and throw NodeError if the
// node has no answer by then.
class [[nodiscard]] Daemon {
 public:
  using Where = std::source_location;

  // Starts `argv` on `node` and waits until it is ready. NodeError kCommandFailed if it could not
  // be started or ended before that, and kTimeout if it was not ready in time, each with the last
  // lines of both streams. It is ended then.
  Daemon(const Node& node, Argv argv, DaemonOptions options = {}, Where where = Where::current());

  // Ends it as said above. It does not throw.
  ~Daemon();

  // Moving hands the daemon over, as with a Process.
  Daemon(Daemon&& other) noexcept;
  Daemon& operator=(Daemon&& other) noexcept;

  // It is ready when something listens on this TCP port, of any address of the node. NodeError
  // kConflict if something does before the start: the daemon could never be told from that.
  static DaemonReadiness listensOn(uint16_t port);

  // It is ready when either of its streams has `text`.
  static DaemonReadiness prints(const std::string& text);

  // It is ready when the file is there. A file of an earlier start would say so at once, so each
  // start removes it first.
  static DaemonReadiness makesFile(const std::string& path);

  // Waits until it is ready, as a start does. It goes on if it is not by then.
  void awaitReady(std::chrono::nanoseconds within, Where where = Where::current());

  // Tells whether it was running when the node was asked, just now.
  bool running(Where where = Where::current());

  // Stops it by TERM, and after stopWithin by KILL, with everything that it started. Returns how it
  // ended, so that a test can expect a clean end: EXPECT_THAT(server.stop(), Succeeded()). If it
  // has ended already, that is returned.
  Result stop(Where where = Where::current());

  // Sends a signal to all of its processes and waits for its end. NodeError kTimeout if it has not
  // ended after stopWithin, as after a signal that it handles.
  Result kill(int number = SIGKILL, Where where = Where::current());

  // Stops it if it runs, starts it and waits until it is ready, as the constructor does.
  void restart(Where where = Where::current());

  // Waits for its end. NodeError kTimeout if `within` passes; the daemon goes on.
  Result wait(std::chrono::nanoseconds within, Where where = Where::current());

  // Returns its core file after a crash, which takes CoreFiles::kUnlimited. NodeError kNotFound
  // says why there is none that could be found: it did not crash, it dumped none, or the node's
  // core_pattern (core(5)) gives cores to a program or puts them where only the kernel knows.
  File core(Where where = Where::current());

  // These ask nothing: the node, and the number of its process there, which is that of the last
  // start.
  const Node& node() const;
  int pid() const;

  // Returns the command of the last start, for its output, its lines and signals that it handles:
  // server.process().signal(SIGHUP). A restart ends it and makes another.
  Process& process();

 private:
  friend struct harness::ApiAccess;
  friend void PrintTo(const Daemon& daemon, std::ostream* out);
  struct Impl;

  // Null means that this was moved from.
  std::unique_ptr<Impl> impl_;
};

// Prints node, command, pid and the last known lines for gtest.
void PrintTo(const Daemon& daemon, std::ostream* out);

}  // namespace muster
