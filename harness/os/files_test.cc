#include "harness/os/files.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/os/error.h"

namespace harness {
namespace {

using ::testing::ElementsAre;

class FilesTest : public testing::Test {
 protected:
  FilesTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "muster-files-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    path_ = directory_ + "/file";
  }
  ~FilesTest() override { std::filesystem::remove_all(directory_); }

  std::string directory_;
  std::string path_;
};

// While it lives, files of this process end at `bytes`, as on a disk that is full.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : handler_(::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  sighandler_t handler_;
  rlimit before_{};
};

TEST_F(FilesTest, FileIsMadeAndReplacedWithItsMode) {
  putFile(path_, "old", 0600);
  putFile(path_, "new", 0444);
  EXPECT_EQ(readFile(path_), "new");
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0444u);
  EXPECT_THAT(namesIn(directory_), ElementsAre("file"));
}

TEST_F(FilesTest, OldFileStaysIfTheNewOneCannotBeWritten) {
  putFile(path_, "old", 0600);
  {
    FullDisk full(16);
    EXPECT_THROW(putFile(path_, std::string(1000, 'x'), 0600), SystemError);
  }
  EXPECT_EQ(readFile(path_), "old");
  EXPECT_THAT(namesIn(directory_), ElementsAre("file"));
}

TEST_F(FilesTest, LinkIsReplacedAndNotFollowed) {
  putFile(directory_ + "/target", "theirs", 0600);
  std::filesystem::create_symlink(directory_ + "/target", path_);
  putFile(path_, "ours", 0600);
  EXPECT_EQ(readFile(path_), "ours");
  EXPECT_EQ(readFile(directory_ + "/target"), "theirs");
}

TEST_F(FilesTest, DirectoryIsNotReplaced) {
  std::filesystem::create_directory(path_);
  EXPECT_THROW(putFile(path_, "ours", 0600), SystemError);
  EXPECT_THAT(namesIn(directory_), ElementsAre("file"));
}

}  // namespace
}  // namespace harness
