// A real agent for trials: keeper and front as two processes of our own, in a directory of their
// own, that can be killed, stopped and started again one by one.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace faults {

// Directory of the running program, where the build puts the other programs as well.
std::string programDirectory();

class Agent {
 public:
  struct Options {
    std::string directory;  // Exists; sockets, state and logs go there.
    std::string nodeName = "n1";
    std::optional<uint64_t> frontDescriptorsMax;  // RLIMIT_NOFILE.
    std::optional<uint64_t> keeperDescriptorsMax;
    // A small file system for the keeper's spool, seen by it and its jobs only.
    std::optional<uint64_t> spoolBytesMax;
    // Likewise for all that the keeper keeps, its audit log included.
    std::optional<uint64_t> stateBytesMax;
    bool audit = false;  // To auditLog().
    // The front has a network of its own, with nothing but loopback; see frontNetwork().
    bool ownNetwork = false;
    // Of CallFaults: that part is then the agent whose system calls can be disturbed.
    std::string frontCalls;
    std::string keeperCalls;
    // The front listens with TLS too, at frontTlsPort(). Paths of PEM files.
    std::string tlsAuthority, tlsCertificate, tlsKey, tlsDenied;
  };

  enum class Part { kFront, kKeeper };

  // Starts both and waits until the front listens; throws std::runtime_error with the logs' last
  // lines if that takes more than ten seconds.
  explicit Agent(Options options);

  // Kills both.
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  // Sends a signal to one part, if it runs. After SIGKILL and SIGTERM, waits for its end.
  void signal(Part part, int number);
  void kill(Part part);
  void start(Part part);
  void awaitListening();

  pid_t pid(Part part) const { return part == Part::kFront ? front_ : keeper_; }

  // Whether it has not ended by itself.
  bool alive(Part part);

  // How it ended by itself: "signal 11". Empty: it did not.
  const std::string& end() const { return end_; }

  const std::string& frontSocket() const { return frontSocket_; }
  uint16_t frontPort() const { return frontPort_; }  // On 127.0.0.1, without TLS.
  // "/proc/4711/ns/net"
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

}  // namespace faults
