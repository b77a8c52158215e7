#include "bench/floor/relays.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <system_error>

#include "bench/floor/clock.h"

namespace bench {
namespace {

// About the size of an empty call and of its answer.
constexpr size_t kMessageBytes = 64;
constexpr int kEventsMost = 256;
constexpr int kAnswerMostMs = 10000;

using Message = std::array<char, kMessageBytes>;

[[noreturn]] void failed(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

bool receive(int socket, Message& message) {
  return read(socket, message.data(), message.size()) == static_cast<ssize_t>(message.size());
}

bool send(int socket, const Message& message) {
  return write(socket, message.data(), message.size()) == static_cast<ssize_t>(message.size());
}

// Leaves a process with `socket` alone, as descriptor 3, and lets it end when its parent does.
void settle(int socket) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (socket != 3) dup2(socket, 3);
  close_range(4, ~0U, 0);
}

[[noreturn]] void playKeeper() {
  Message message;
  while (receive(3, message) && send(3, message)) {
  }
  _exit(0);
}

[[noreturn]] void playFront() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) _exit(1);
  pid_t keeper = fork();
  if (keeper < 0) _exit(1);
  if (keeper == 0) {
    settle(ends[1]);
    playKeeper();
  }
  close(ends[1]);
  Message message;
  while (receive(3, message) && send(ends[0], message) && receive(ends[0], message) &&
         send(3, message)) {
  }
  _exit(0);
}

}  // namespace

Relays::Relays(size_t count) : poll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (poll_ < 0) failed("epoll_create1");
  for (size_t i = 0; i < count; ++i) start();
}

void Relays::start() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) failed("socketpair");
  pid_t front = fork();
  if (front < 0) failed("fork");
  if (front == 0) {
    settle(ends[1]);
    playFront();
  }
  close(ends[1]);
  struct epoll_event event {};
  event.events = EPOLLIN;
  event.data.fd = ends[0];
  if (epoll_ctl(poll_, EPOLL_CTL_ADD, ends[0], &event) != 0) failed("epoll_ctl");
  nodes_.push_back({ends[0], front});
}

Relays::~Relays() {
  for (const Node& node : nodes_) {
    close(node.socket);
    kill(node.front, SIGKILL);
    waitpid(node.front, nullptr, 0);
  }
  close(poll_);
}

double Relays::ask() {
  Stopwatch watch;
  Message message{};
  for (const Node& node : nodes_) {
    if (!send(node.socket, message)) throw std::runtime_error("a relay is gone");
  }
  std::array<struct epoll_event, kEventsMost> events;
  for (size_t answered = 0; answered < nodes_.size();) {
    int ready = epoll_wait(poll_, events.data(), kEventsMost, kAnswerMostMs);
    if (ready <= 0 && errno != EINTR) throw std::runtime_error("a relay does not answer");
    for (int i = 0; i < ready; ++i) {
      if (!receive(events[static_cast<size_t>(i)].data.fd, message)) {
        throw std::runtime_error("a relay is gone");
      }
      ++answered;
    }
  }
  return watch.seconds();
}

}  // namespace bench
