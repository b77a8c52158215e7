// Makes directories read-only in a mount namespace of the test's own, and looks at what stays when
// that ends. Needs root; skipped otherwise.
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodeagent/netfault/local_effect.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {
namespace {

using ::testing::HasSubstr;

class ReadOnlyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "mounts need root";
    char pattern[] = "/tmp/readonly-XXXXXX";
    top_ = ::mkdtemp(pattern);
    disk_ = top_ + "/disk";
    below_ = disk_ + "/below";
  }
  void TearDown() override {
    if (!top_.empty()) std::filesystem::remove_all(top_);
  }

  // Runs `body` in a child with a mount namespace of its own, where disk_ is a shared mount with
  // another mount below it. Returns what `body` returns, or why it could not.
  std::string inOwnMounts(const std::function<std::string()>& body) {
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) < 0) return "no pipe";
    pid_t child = ::fork();
    if (child == 0) {
      ::alarm(60);
      std::string text = "no mounts";
      if (mountAll()) {
        auto thrown = kj::runCatchingExceptions([&]() { text = body(); });
        KJ_IF_MAYBE (exception, thrown) text = support::toFailure(*exception, "test").text.cStr();
      }
      ssize_t written = ::write(pipe[1], text.data(), text.size());
      ::_exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
    }
    ::close(pipe[1]);
    std::string text(4096, '\0');
    ssize_t count = ::read(pipe[0], text.data(), text.size());
    ::close(pipe[0]);
    ::waitpid(child, nullptr, 0);
    text.resize(count < 0 ? 0 : static_cast<size_t>(count));
    return text;
  }
  bool mountAll() const {
    auto mountDisk = [](const std::string& place) {
      return ::mkdir(place.c_str(), 0755) == 0 &&
             ::mount("none", place.c_str(), "tmpfs", 0, "size=1m") == 0;
    };
    return ::unshare(CLONE_NEWNS) == 0 &&
           ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 && mountDisk(disk_) &&
           ::mount("none", disk_.c_str(), nullptr, MS_SHARED, nullptr) == 0 && mountDisk(below_) &&
           writes(below_ + "/there");
  }

  static bool writes(const std::string& path) { return std::ofstream(path).put('x').good(); }
  static std::string mounts() {
    std::ifstream file("/proc/self/mountinfo");
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // Begins the effect on disk_ and returns the text by which it is undone.
  kj::String begin() const {
    LocalSpec spec{"read-only"};
    spec.directory = kj::str(disk_.c_str());
    kj::String place;
    RememberPlace remember = [&](kj::String text) { place = kj::mv(text); };
    beginLocal(spec, LocalHost(), remember);
    return place;
  }

  std::string top_;
  std::string disk_;
  std::string below_;
};

// The disk's own copy would take the mount below the original with it, were they peers.
TEST_F(ReadOnlyTest, EndLeavesTheMountsThatWereThere) {
  EXPECT_EQ(inOwnMounts([this]() -> std::string {
              std::string before = mounts();
              auto place = begin();
              if (writes(disk_ + "/x") || writes(below_ + "/x")) return "it can be written";
              if (!readLocal(place).isWorking) return "it is not seen";
              if (!removeLocal(place).isThere) return "it was not there";
              if (mounts() != before) return "before:\n" + before + "after:\n" + mounts();
              return writes(disk_ + "/x") && writes(below_ + "/x") ? "as before" : "read-only";
            }),
            "as before");
}

// A number that became free goes to the next mount.
TEST_F(ReadOnlyTest, LaterMountOfTheSameNumberIsLeftAlone) {
  std::string found = inOwnMounts([this]() -> std::string {
    auto place = begin();
    std::string number = readLocal(place).witness.cStr();
    number = number.substr(number.find(' ') + 1);
    number = "\n" + number.substr(0, number.find(' ')) + " ";
    if (::umount2(disk_.c_str(), MNT_DETACH) != 0) return "not unmounted";
    for (int tries = 0; mounts().find(number) == std::string::npos; ++tries) {
      bool isMade = ::mount("none", disk_.c_str(), "tmpfs", 0, "size=1m") == 0;
      if (!isMade || tries == 100) return "taken";
    }
    std::string before = mounts();
    if (readLocal(place).isThere) return "another's mount is taken for ours";
    if (removeLocal(place).isThere) return "it was there";
    return mounts() == before ? "left alone" : "unmounted";
  });
  if (found == "taken") GTEST_SKIP() << "another process has got the number";
  EXPECT_EQ(found, "left alone");
}

TEST_F(ReadOnlyTest, MountThatSomebodyMadeBelowIsNotTakenAway) {
  std::string why = inOwnMounts([this]() -> std::string {
    auto place = begin();
    if (::mount("none", below_.c_str(), "tmpfs", 0, "size=1m") != 0) return "not mounted";
    auto thrown = kj::runCatchingExceptions([&]() { removeLocal(place); });
    if (!readLocal(place).isThere) return "it was unmounted";
    ::umount(below_.c_str());
    removeLocal(place);
    if (!writes(below_ + "/x")) return "it is read-only still";
    KJ_IF_MAYBE (exception, thrown) return support::toFailure(*exception, "test").text.cStr();
    return "it was not refused";
  });
  EXPECT_THAT(why, HasSubstr("somebody has mounted something on " + below_ + " since"));
}

}  // namespace
}  // namespace nodeagent::netfault
