#include "harness/api/daemon_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness {
namespace {

using testing::HasSubstr;

TEST(DaemonFilesTest, ListenersAreToldFromConnections) {
  std::string table =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
      "   0: 0100007F:1B58 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0\n"
      "   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0\n";
  EXPECT_TRUE(hasListener(table, 7000));
  EXPECT_FALSE(hasListener(table, 8080));
  EXPECT_FALSE(hasListener(table, 50000));
  EXPECT_FALSE(hasListener("", 7000));
  EXPECT_TRUE(
      hasListener("  0: 00000000000000000000000000000000:1B58 "
                  "00000000000000000000000000000000:0000 0A\n",
                  7000));
}

// Returns "DIRECTORY NAME" of the core of process 42, which crashed in /run/kvd.
std::string placeOf(const std::string& pattern, CorePid added = CorePid::kNotAdded) {
  CorePlace place = corePlace(pattern, added, "/run/kvd", 42);
  EXPECT_EQ(place.problem, "") << pattern;
  return place.directory + " " + place.name;
}

TEST(DaemonFilesTest, CorePatternTellsWhereToLook) {
  EXPECT_EQ(placeOf("core\n"), "/run/kvd core");
  EXPECT_EQ(placeOf("core\n", CorePid::kAdded), "/run/kvd core.42");
  EXPECT_EQ(placeOf("core.%p\n", CorePid::kAdded), "/run/kvd core.42");
  EXPECT_EQ(placeOf("/var/crash/%e.%p.%t\n"), "/var/crash *.42.*");
  EXPECT_EQ(placeOf("cores/100%%[%h]\n"), "/run/kvd/cores 100%\\[*]");
  EXPECT_EQ(placeOf("/core\n"), "/ core");
}

TEST(DaemonFilesTest, CorePatternThatTellsNothingIsSaid) {
  auto problemOf = [](const std::string& pattern) {
    return corePlace(pattern, CorePid::kNotAdded, "/", 42).problem;
  };
  EXPECT_THAT(problemOf("|/lib/systemd/systemd-coredump %P\n"),
              HasSubstr("gives cores to a program: \"|/lib/systemd"));
  EXPECT_THAT(problemOf("/var/%h/core\n"), HasSubstr("directories that only the kernel knows"));
  EXPECT_THAT(problemOf("\n"), HasSubstr("is empty"));
}

}  // namespace
}  // namespace harness
