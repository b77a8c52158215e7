// A real ssh server on loopback, for the unit tests of this directory.
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "harness/os/command.h"
#include "harness/os/files.h"
#include "harness/os/process.h"
#include "harness/provision/program/program_testing.h"
#include "harness/provision/programs.h"
#include "harness/provision/ssh/reach.h"

namespace harness {

// It ends with this object, and so do the processes that were started through it.
class SshServer {
 public:
  // Needs root and openssh-server.
  SshServer() {
    char pattern[] = "/tmp/muster-sshd-XXXXXX";
    directory_ = ::mkdtemp(pattern);
    // Below the ports that the kernel gives to others; those of agents follow.
    port_ = static_cast<uint16_t>(20000 + ::getpid() % 1000 * 10);
    for (const char* name : {"host", "user"}) {
      runCommand({"/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path(name)});
    }
    putFile(path("sshd_config"),
            "ListenAddress 127.0.0.1\nPort " + std::to_string(port_) + "\nHostKey " + path("host") +
                "\nAuthorizedKeysFile " + path("user.pub") +
                "\nStrictModes no\nPidFile none\nUsePAM no\nPermitRootLogin yes\n",
            0600);
    putFile(path("config"),
            "Host *\n  UserKnownHostsFile " + path("known_hosts") + "\n  IdentityFile " +
                path("user") + "\n  Port " + std::to_string(port_) + "\n",
            0600);
    putFile(path("known_hosts"),
            "[127.0.0.1]:" + std::to_string(port_) + " " + readFile(path("host.pub")), 0600);
    // Its first process takes all others with it.
    server_ =
        spawn(apart({"/usr/bin/unshare", "--mount", "--pid", "--fork", "--kill-child",
                     "--mount-proc", "/bin/sh", "-c",
                     "mount -t tmpfs none /run; mkdir -p /run/sshd; exec /usr/sbin/sshd -D -e -f " +
                         path("sshd_config") + " 2> " + path("log")}));
    std::string why;
    waitUntil(after(std::chrono::seconds(10)), [&] {
      return firstThatAnswers({"127.0.0.1"}, port_, std::chrono::seconds(1), &why).has_value();
    });
  }
  ~SshServer() {
    server_.signal(SIGKILL);
    server_.endBy(after(std::chrono::seconds(10)));
    std::filesystem::remove_all(directory_);
  }
  SshServer(const SshServer&) = delete;
  SshServer& operator=(const SshServer&) = delete;

  const std::string& directory() const { return directory_; }
  uint16_t port() const { return port_; }

  // Returns the keys of a cluster file by which the server is reached.
  std::string keys() const {
    return "config: " + path("config") + "\ndirectory: " + path("agents") + "\n";
  }

  // Lists what agents have left, a line for each.
  std::string leftovers() const {
    std::string found;
    if (std::filesystem::exists(path("agents"))) found += path("agents") + "\n";
    for (const std::string& pid : namesIn("/proc")) {
      std::string words = readIfPresent("/proc/" + pid + "/cmdline");
      if (words.find(path("agents")) != std::string::npos) found += "process " + pid + "\n";
    }
    return found;
  }

  std::string path(const std::string& name) const { return directory_ + "/" + name; }

 private:
  std::string directory_;
  uint16_t port_ = 0;
  Child server_;
};

}  // namespace harness
