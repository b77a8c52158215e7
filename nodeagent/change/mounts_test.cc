// Mounts new file systems on this machine, in a mount namespace of its own.
#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "nodeagent/change/change_kind.h"

namespace nodeagent::change {
namespace {

constexpr int kNotPermitted = 77;
constexpr int kWrong = 1;
constexpr long kExtMagic = 0xef53;

class LoopTest : public ::testing::Test {
 protected:
  LoopTest() {
    char pattern[] = "/tmp/loop-XXXXXX";
    top_ = mkdtemp(pattern);
    node_.images = kj::str(top_.c_str());
    values_.add("asked", kj::str(top_.c_str(), "/disk"));
    values_.add("bytes", "8388608");
    values_.add("fileSystem", "ext4");
  }
  ~LoopTest() noexcept override { std::filesystem::remove_all(top_); }

  // Runs `body` in a child whose mounts go with it, and returns its exit status.
  static int inOwnMounts(const std::function<int()>& body) {
    pid_t child = fork();
    if (child == 0) {
      bool isOwn = unshare(CLONE_NEWNS) == 0 &&
                   ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                   access("/dev/loop-control", F_OK) == 0;
      _exit(isOwn ? body() : kNotPermitted);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : kWrong;
  }
  bool isExt(const std::string& path) const {
    struct statfs status;
    return ::statfs(path.c_str(), &status) == 0 && status.f_type == kExtMagic &&
           status.f_blocks * static_cast<uint64_t>(status.f_bsize) < (16 << 20);
  }

  std::string top_;
  Surroundings node_;
  Values values_;
  support::Id id_ = support::Id::random();
  kj::Own<ChangeKind> kind_ = newLoopKind();
};

TEST_F(LoopTest, IsANewFileSystemAndGoesWithItsImage) {
  std::string disk = top_ + "/disk";
  int status = inOwnMounts([&] {
    kind_->prepare(node_, id_, values_);
    kind_->make(node_, id_, values_);
    if (!isExt(disk)) return kWrong;
    kind_->undo(node_, id_, values_);
    kind_->undo(node_, id_, values_);
    return 0;
  });
  if (status == kNotPermitted) GTEST_SKIP() << "mounts or loop devices are not permitted";
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(std::filesystem::is_empty(top_));
}

TEST_F(LoopTest, AnothersMountOnTopIsLeftAlone) {
  std::string disk = top_ + "/disk";
  int status = inOwnMounts([&] {
    kind_->prepare(node_, id_, values_);
    kind_->make(node_, id_, values_);
    Values others;
    for (auto& each : values_.all()) others.add(each.name, each.text);
    support::Id other = support::Id::random();
    others.set("image", kj::str(top_.c_str(), "/other.img"));
    kind_->make(node_, other, others);
    bool isRefused =
        kj::runCatchingExceptions([&] { kind_->undo(node_, id_, values_); }) != nullptr;
    bool isThere = isExt(disk);
    ::umount(disk.c_str());
    kind_->undo(node_, id_, values_);
    return isRefused && isThere && !std::filesystem::exists(disk) ? 0 : kWrong;
  });
  if (status == kNotPermitted) GTEST_SKIP() << "mounts or loop devices are not permitted";
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace nodeagent::change
