// Fd owns a file descriptor, everywhere in the harness. It opens none: the caller makes the call
// and names the attempt.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace harness {

// Closes its descriptor when it goes. A negative number is no descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int number) : number_(number) {}
  Fd(Fd&& other) noexcept : number_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd() { reset(); }

  int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

  // Gives the descriptor away: the caller closes it.
  int release() { return std::exchange(number_, -1); }
  void reset();

 private:
  int number_ = -1;
};

struct Pipe {
  Fd readEnd;
  Fd writeEnd;
};

// Both ends close on exec. Throws SystemError.
Pipe makePipe();

// Writes all bytes, however many calls it takes. Throws SystemError "write WHAT: …".
void writeAll(int fd, std::string_view bytes, const std::string& what);

}  // namespace harness
