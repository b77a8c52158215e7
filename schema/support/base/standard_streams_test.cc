#include "schema/support/base/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include <gtest/gtest.h>

namespace support {
namespace {

// Says by its exit status what a process finds that begins with all three closed.
[[noreturn]] void lookAtClosedStreams() {
  for (int stream : {0, 1, 2}) ::close(stream);
  openStandardStreams();
  int next = ::open("/dev/null", O_RDWR);
  char byte = 0;
  bool isRead = ::read(0, &byte, 1) >= 0 || errno != EBADF;
  bool isWritten = ::write(1, &byte, 1) >= 0 || ::write(2, &byte, 1) >= 0 || errno != EBADF;
  ::_exit(next <= 2 ? 1 : isRead ? 2 : isWritten ? 3 : 0);
}

[[noreturn]] void lookAtOpenStreams() {
  int before = ::open("/dev/zero", O_RDWR);
  ::dup2(before, 0);
  openStandardStreams();
  char byte = 1;
  ::_exit(::read(0, &byte, 1) == 1 && byte == 0 ? 0 : 1);
}

TEST(StandardStreamsTest, ClosedOnesAreTakenAndFail) {
  EXPECT_EXIT(lookAtClosedStreams(), testing::ExitedWithCode(0), "");
}

TEST(StandardStreamsTest, OpenOnesStay) {
  EXPECT_EXIT(lookAtOpenStreams(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace support
