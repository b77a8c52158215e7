#include "nodeagent/os/mount_table.h"

#include <stdio.h>
#include <unistd.h>

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/exception.h>

namespace nodeagent {
namespace {

TEST(MountTableTest, ReadsOptionalFieldsAndEscapes) {
  MountLine mount;
  ASSERT_TRUE(readMountLine(
      "36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 shared:2 - ext3 /dev/ro\\134ot "
      "rw,errors=continue",
      mount));
  EXPECT_EQ(mount.id, 36u);
  EXPECT_EQ(mount.parent, 35u);
  EXPECT_EQ(mount.root, "/mnt1");
  EXPECT_EQ(mount.target, "/mnt 2");
  EXPECT_EQ(mount.type, "ext3");
  EXPECT_EQ(mount.source, "/dev/ro\\ot");
  EXPECT_EQ(mount.options, "rw,noatime,rw,errors=continue");
}

TEST(MountTableTest, SourceMayHaveNoName) {
  MountLine mount;
  ASSERT_TRUE(readMountLine("36 35 0:9 / /mnt rw - tmpfs  rw,size=1m", mount));
  EXPECT_EQ(mount.source, "");
  EXPECT_EQ(mount.options, "rw,rw,size=1m");
}

TEST(MountTableTest, OtherLinesAreNone) {
  MountLine mount;
  EXPECT_FALSE(readMountLine("36 35 98:0 / /mnt rw", mount));
  EXPECT_FALSE(readMountLine("", mount));
  EXPECT_THAT(mountLines("x\n36 35 98:0 / /a\\9 rw - ext4 /dev/a rw\n"), testing::SizeIs(1));
}

TEST(MountTableTest, TableThatCannotBeReadIsAFailure) {
  EXPECT_FALSE(readMounts().empty());
  EXPECT_NE(kj::runCatchingExceptions([]() { readMounts("/nonexistent/mountinfo"); }), nullptr);
}

}  // namespace
}  // namespace nodeagent
