#include "nodeagent/os/record_directory.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/support/base/wire_error.h"

namespace nodeagent {
namespace {

using Outlives = RecordDirectory::Outlives;

class RecordDirectoryTest : public testing::Test {
 protected:
  RecordDirectoryTest() {
    char path[] = "/tmp/muster-records-XXXXXX";
    parent_ = mkdtemp(path);
  }
  ~RecordDirectoryTest() noexcept override { std::filesystem::remove_all(parent_); }

  std::string path() const { return parent_ + "/records"; }
  RecordDirectory directory() const { return RecordDirectory(kj::str(path().c_str())); }

  // Returns the lines with a comma between them, or "damaged".
  std::string linesOf(kj::StringPtr name) const {
    auto read = directory().read(name);
    KJ_IF_MAYBE (lines, read) return kj::strArray(*lines, ",").cStr();
    return "damaged";
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (auto& name : directory().names()) names.emplace_back(name.cStr());
    return names;
  }

  std::string parent_;
};

TEST_F(RecordDirectoryTest, RecordComesBackAsItWasUntilItIsDropped) {
  EXPECT_FALSE(directory().exists());
  EXPECT_EQ(names(), std::vector<std::string>());
  for (Outlives outlives : {Outlives::kAgent, Outlives::kPowerCut}) {
    directory().write("a", kj::arr(kj::str("old")), outlives);
    directory().write("a", kj::arr(toField("x\ny"), kj::str(), kj::str(42), kj::str()), outlives);
    EXPECT_TRUE(directory().exists());
    EXPECT_EQ(linesOf("a"), "780a79,,42,");
  }
  EXPECT_EQ(fromField("780a79"), "x\ny");
  directory().drop("a");
  directory().drop("a");
  EXPECT_EQ(linesOf("a"), "damaged");
}

TEST_F(RecordDirectoryTest, GreatestNameComesFirstAndHalfWrittenOnesAreRemoved) {
  for (const char* name : {"2", "3", "1"}) {
    directory().write(name, kj::arr(kj::str(name)), Outlives::kAgent);
  }
  std::ofstream(path() + "/.4") << "half";
  EXPECT_THAT(names(), testing::ElementsAre("3", "2", "1"));
  EXPECT_FALSE(std::filesystem::exists(path() + "/.4"));
}

// Each byte counts: a record with another one would take back something else.
TEST_F(RecordDirectoryTest, DamagedRecordIsNone) {
  directory().write("a", kj::arr(kj::str("first"), kj::str("second")), Outlives::kAgent);
  std::ifstream file(path() + "/a");
  std::string whole{std::istreambuf_iterator<char>(file), {}};
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] ^= 1;
    std::ofstream(path() + "/a") << damaged;
    EXPECT_EQ(linesOf("a"), "damaged") << i;
    std::ofstream(path() + "/a") << whole.substr(0, i);
    EXPECT_EQ(linesOf("a"), "damaged") << i;
  }
  directory().dropDamaged("a", "a test");
  EXPECT_EQ(names(), std::vector<std::string>());
}

TEST_F(RecordDirectoryTest, WithoutAPathNothingIsKept) {
  RecordDirectory none{kj::String()};
  none.write("a", kj::arr(kj::str("x")), Outlives::kPowerCut);
  EXPECT_FALSE(none.exists());
  EXPECT_EQ(none.names().size(), 0u);
  none.drop("a");
}

TEST_F(RecordDirectoryTest, RefusalOfTheDiskIsAFailure) {
  RecordDirectory lost(kj::str(parent_.c_str(), "/missing/records"));
  auto thrown = kj::runCatchingExceptions(
      [&]() { lost.write("a", kj::arr(kj::str("x")), Outlives::kAgent); });
  KJ_IF_MAYBE (exception, thrown) {
    EXPECT_EQ(support::toFailure(*exception, "test").kind, wire::Error::Kind::NOT_FOUND);
  } else {
    ADD_FAILURE() << "written";
  }
}

}  // namespace
}  // namespace nodeagent
