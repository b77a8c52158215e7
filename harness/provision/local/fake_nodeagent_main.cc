// A fake of nodeagent as process 1, for tests of the provisioners. It listens where the agent
// would, or at --socket=PATH, runs each connection's text as a shell command, and answers with its
// output. On a node whose name begins with "slow" it listens only once its directory has a file
// "go", or after 20 s.
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "harness/os/wait.h"

namespace {

void serve(int connection) {
  std::string command;
  char buffer[4096];
  ssize_t size;
  while ((size = ::read(connection, buffer, sizeof buffer)) > 0) {
    command.append(buffer, static_cast<size_t>(size));
  }
  // A connection without a command only looked whether we listen.
  if (command.empty()) return;
  FILE* output = ::popen(("{ " + command + "\n} 2>&1").c_str(), "r");
  while (output != nullptr &&
         (size = static_cast<ssize_t>(::fread(buffer, 1, sizeof buffer, output))) > 0) {
    if (::write(connection, buffer, static_cast<size_t>(size)) < 0) break;
  }
  if (output != nullptr) ::pclose(output);
}

// Tells systemd that we are ready, as a unit of Type=notify does.
void tellSystemd() {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr) return;
  int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  ::sendto(socket, "READY=1", 7, 0, reinterpret_cast<sockaddr*>(&address), sizeof address);
  ::close(socket);
}

// Tells the SysV script that we listen.
void writePid(const char* path) {
  FILE* file = std::fopen(path, "w");
  if (file == nullptr) return;
  std::fprintf(file, "%d\n", static_cast<int>(::getpid()));
  std::fclose(file);
}

void awaitLeave() {
  char name[64] = {};
  ::gethostname(name, sizeof name - 1);
  if (std::strncmp(name, "slow", 4) != 0) return;
  harness::waitUntil(harness::after(std::chrono::seconds(20)),
                     [] { return ::access("/run/muster/go", F_OK) == 0; });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "--check-config") == 0) return 0;
  awaitLeave();
  int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string path = "/run/muster/agent.sock";
  if (argc > 1 && std::strncmp(argv[1], "--socket=", 9) == 0) path = argv[1] + 9;
  // The socket gets its name when it listens, so that tests may wait for the name.
  std::string unready = path + ".new";
  if (unready.size() >= sizeof address.sun_path) return 1;
  std::strcpy(address.sun_path, unready.c_str());
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener, 16) != 0 || std::rename(unready.c_str(), path.c_str()) != 0) {
    std::perror(("fake nodeagent: listen at " + path).c_str());
    return 1;
  }
  tellSystemd();
  if (argc > 2 && std::strcmp(argv[1], "--pidfile") == 0) writePid(argv[2]);
  ::signal(SIGPIPE, SIG_IGN);
  while (true) {
    int connection = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    serve(connection);
    ::close(connection);
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }
}
