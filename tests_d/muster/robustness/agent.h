// Runs a real agent for trials.
//
// Keeper and front are two child processes with a directory of their own. Each can be killed,
// stopped and started again alone.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace robustness {

// Returns the directory of the running program, which holds the build's other programs too.
std::string programDirectory();

class Agent {
 public:
  struct Options {
    std::string directory;  // It exists, and gets sockets, state and logs.
    std::string nodeName = "n1";
    // RLIMIT_NOFILE of each part.
    std::optional<uint64_t> frontDescriptorsMax;
    std::optional<uint64_t> keeperDescriptorsMax;
    // Capacity of a file system for the keeper's spool, which only the keeper and its jobs see.
    std::optional<uint64_t> spoolBytesMax;
    // Capacity of such a file system for the whole state directory, audit log included.
    std::optional<uint64_t> stateBytesMax;
    bool audit = false;  // The keeper writes auditLog().
    // The front has a network of its own, with nothing but loopback; see frontNetwork().
    bool ownNetwork = false;
    // CallFaults::path() of the memory that disturbs the system calls of a part. Empty: none.
    std::string frontCalls;
    std::string keeperCalls;
    std::string keeperLoop;    // LoopWatch::path(). Empty: the loop is not measured.
    std::string keeperConfig;  // The keeper's configuration file. Empty: it has none.
    // A program that takes the place of /usr/bin/getent for the keeper. Empty: none does.
    std::string getent;
    // Paths of PEM files. With them the front also listens with TLS, at frontTlsPort().
    std::string tlsAuthority, tlsCertificate, tlsKey, tlsDenied;
  };

  enum class Part { kFront, kKeeper };

  // Starts both parts and waits until the front listens. Throws std::runtime_error with the logs'
  // last lines if that takes more than ten seconds.
  explicit Agent(Options options);

  // Kills both parts.
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  // Sends a signal to one part if it runs, and waits for its end after SIGKILL and SIGTERM.
  void signal(Part part, int number);
  void kill(Part part);
  void start(Part part);
  void awaitListening();

  pid_t pid(Part part) const { return part == Part::kFront ? front_ : keeper_; }

  // Tells whether the part runs, that is, was started and has not ended by itself.
  bool alive(Part part);

  // How a part ended by itself, such as "keeper: signal 11". Empty if none did.
  const std::string& end() const { return end_; }

  const std::string& frontSocket() const { return frontSocket_; }
  // The port on 127.0.0.1 that is served without TLS.
  uint16_t frontPort() const { return frontPort_; }
  // The path of the front's network namespace, such as "/proc/4711/ns/net".
  std::string frontNetwork() const { return "/proc/" + std::to_string(front_) + "/ns/net"; }
  uint16_t frontTlsPort() const { return frontTlsPort_; }
  std::string auditLog() const { return stateDirectory_ + "/audit.log"; }
  const std::string& stateDirectory() const { return stateDirectory_; }
  const std::string& spoolDirectory() const { return spoolDirectory_; }

  // The last lines of both logs.
  std::string logs() const;

 private:
  void reap(pid_t& pid);
  struct Launch;
  Launch launchOf(Part part) const;
  static pid_t launched(const Launch& launch);
  [[noreturn]] static void become(const Launch& launch, char** argv, char** environment, int log);

  Options options_;
  std::string frontSocket_;
  std::string keeperSocket_;
  std::string stateDirectory_;
  std::string spoolDirectory_;
  uint16_t frontPort_ = 0;
  uint16_t frontTlsPort_ = 0;
  pid_t front_ = 0;
  pid_t keeper_ = 0;
  std::string end_;
};

}  // namespace robustness
