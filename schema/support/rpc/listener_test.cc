// The agent's own listening is tried in nodeagent/agent_test.
#include "schema/support/rpc/listener.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/async-io.h>

#include "schema/support/base/wire_error.h"

namespace support {
namespace {

// No machine has these: they are for documentation (RFC 5737, RFC 3849).
class AbsentAddressTest : public testing::TestWithParam<const char*> {
 protected:
  ~AbsentAddressTest() noexcept override = default;

  kj::Own<Listener> open(AbsentAddress absent) {
    return Listener::open(Endpoint::parse(GetParam()), io_.unixEventPort, io_.provider->getTimer(),
                          absent);
  }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
};

TEST_P(AbsentAddressTest, IsRefusedToAPersonWhoTypedIt) {
  KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() { open(AbsentAddress::kRefused); })) {
    EXPECT_THAT(toFailure(*exception, "test").text.cStr(),
                testing::HasSubstr("Cannot assign requested address"));
  } else {
    ADD_FAILURE() << "it was accepted";
  }
}

TEST_P(AbsentAddressTest, IsListenedAtUntilTheNodeHasIt) {
  auto listener = open(AbsentAddress::kAwaited);
  EXPECT_GT(listener->endpoint().port(), 0);
  auto accepted = listener->accept();
  EXPECT_FALSE(accepted.poll(io_.waitScope));
}

INSTANTIATE_TEST_SUITE_P(Families, AbsentAddressTest,
                         testing::Values("tls:192.0.2.1:0", "tls:[2001:db8::1]:0"),
                         [](const auto& family) { return family.index == 0 ? "IPv4" : "IPv6"; });

// The units that are shipped have this umask. Without the mode, the front cannot reach the keeper.
TEST(SocketDirectoryTest, IsSearchableWhateverTheUmask) {
  std::string parent = std::filesystem::temp_directory_path() / "muster-listener-XXXXXX";
  ASSERT_NE(mkdtemp(parent.data()), nullptr);
  mode_t before = umask(0077);
  makeSocketDirectory(parent + "/state");
  umask(before);
  auto status = std::filesystem::status(parent + "/state");
  std::filesystem::remove_all(parent);
  EXPECT_EQ(status.permissions(), std::filesystem::perms(0711));
}

}  // namespace
}  // namespace support
