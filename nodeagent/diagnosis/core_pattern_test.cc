#include "nodeagent/diagnosis/core_pattern.h"

#include <gtest/gtest.h>

namespace nodeagent::diagnosis {
namespace {

using Kind = CorePattern::Kind;

TEST(CorePatternTest, PlainNameIsInTheDirectoryOfTheProcess) {
  CorePattern pattern = parseCorePattern("core\n", CorePid::kNotAdded);
  EXPECT_EQ(pattern.kind, Kind::kFiles);
  EXPECT_EQ(pattern.directory, "");
  EXPECT_EQ(pattern.name, "core");
  EXPECT_TRUE(pattern.isPlainName);
}

TEST(CorePatternTest, PidIsAddedUnlessThePatternHasIt) {
  EXPECT_EQ(parseCorePattern("core", CorePid::kAdded).name, "core.*");
  EXPECT_FALSE(parseCorePattern("core", CorePid::kAdded).isPlainName);
  EXPECT_EQ(parseCorePattern("core-%p", CorePid::kAdded).name, "core-*");
}

TEST(CorePatternTest, AbsolutePatternHasItsDirectory) {
  CorePattern pattern = parseCorePattern("/var/crash/%e.%p.%%[1]", CorePid::kNotAdded);
  EXPECT_EQ(pattern.directory, "/var/crash");
  EXPECT_EQ(pattern.name, "*.*.%\\[1]");
  EXPECT_EQ(parseCorePattern("/core", CorePid::kNotAdded).directory, "/");
}

TEST(CorePatternTest, ProgramsTakeCores) {
  EXPECT_EQ(parseCorePattern("|/usr/lib/systemd/systemd-coredump %P %u", CorePid::kNotAdded).kind,
            Kind::kSystemd);
  EXPECT_EQ(parseCorePattern("|/usr/share/apport/apport %p", CorePid::kNotAdded).kind, Kind::kNone);
}

TEST(CorePatternTest, OddPatternsHaveNoPlace) {
  EXPECT_EQ(parseCorePattern("", CorePid::kNotAdded).kind, Kind::kNone);
  EXPECT_EQ(parseCorePattern("\n", CorePid::kNotAdded).kind, Kind::kNone);
  EXPECT_EQ(parseCorePattern("/cores/%u/core", CorePid::kNotAdded).kind, Kind::kNone);
  EXPECT_EQ(parseCorePattern("core%", CorePid::kNotAdded).name, "core");
}

}  // namespace
}  // namespace nodeagent::diagnosis
