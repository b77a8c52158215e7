// Trees of this machine in an archive, as GNU tar reads them.
#include "harness/rpc/file/tar_archive.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <muster/node_error.h>

namespace harness {
namespace {

namespace fs = std::filesystem;

using testing::HasSubstr;
using testing::IsEmpty;

class TarArchiveTest : public testing::Test {
 protected:
  TarArchiveTest() {
    std::string path = testing::TempDir() + "/tar-XXXXXX";
    directory_ = ::mkdtemp(path.data());
    archive_ = directory_ + "/out.tar";
  }
  ~TarArchiveTest() override { fs::remove_all(directory_); }

  // Runs a script in the directory of the test and returns all that it prints.
  std::string shell(const std::string& script) const {
    std::string command = "cd '" + directory_ + "' && { " + script + "\n} 2>&1";
    std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
    std::array<char, 4096> piece;
    std::string all;
    while (size_t count = ::fread(piece.data(), 1, piece.size(), pipe.get())) {
      all.append(piece.data(), count);
    }
    return all;
  }

  muster::TransferResult add(TarArchive& archive, const std::string& root,
                             const std::string& source) const {
    CopyOptions options;
    options.what = fs::is_directory(source) ? CopyOptions::What::kTree : CopyOptions::What::kFile;
    options.keep = CopyOptions::Keep::kAll;
    return copyInto(archive.below(root), {nullptr, source}, archive_, options,
                    std::chrono::steady_clock::now() + std::chrono::minutes(1));
  }

  // Says all that is compared of the tree in a directory.
  std::string described(const std::string& directory) const {
    return shell("cd " + directory +
                 " && find . -type d -printf '%p %M %U:%G %T@\\n' | LC_ALL=C sort;"
                 "find . ! -type d -printf '%p %M %U:%G %l %s %n %T@\\n' | LC_ALL=C sort;"
                 "find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum;"
                 "getfattr -R -h -d -m user. . ;"
                 "[ $(($(stat -c %b hole) * 512)) -lt 1000000 ] && echo has a hole");
  }

  std::string directory_;
  std::string archive_;
};

// Names of 300 bytes, of UTF-8 and of other bytes are among them.
constexpr char kMakeTree[] =
    "mkdir -p t/deep/empty && cd t && echo inner > deep/f && head -c 3000000 /dev/urandom > big &&"
    "ln -s deep/f link && ln big deep/same && mkfifo pipe && truncate -s 8M hole &&"
    "printf data | dd of=hole bs=1 seek=4000000 conv=notrunc status=none && truncate -s 2M nothing;"
    "d=$(printf '%0120d' 0); mkdir -p $d/$d && echo long > $d/$d/$d;"
    "printf u > \"$(printf 'gr\\303\\274n')\"; printf b > \"$(printf 'raw\\377')\"; touch none;"
    "chmod 0750 deep; chmod 4711 none; chown 12345:54321 big; setfattr -n user.note -v a big deep;"
    "touch -d '2001-02-03 04:05:06.123456789' deep/f; touch -d @-1 none; touch -d @0 deep";

TEST_F(TarArchiveTest, TreesComeBackByTarWithAllThatTheyHave) {
  EXPECT_THAT(shell(kMakeTree), IsEmpty());
  TarArchive archive(archive_);
  {
    std::vector<std::jthread> nodes;
    for (const char* root : {"n1/t", "n2/t", "n3"}) {
      nodes.emplace_back([&, root] { EXPECT_EQ(add(archive, root, directory_ + "/t").files, 8u); });
    }
  }
  archive.publish();
  // A name that is no UTF-8 is said to be so, which GNU tar does not read and need not; others are
  // not.
  EXPECT_EQ(shell("grep -ao hdrcharset=BINARY out.tar | wc -l"), "3\n");
  EXPECT_THAT(shell("mkdir x && tar -xpf out.tar -C x --xattrs --warning=no-timestamp"
                    " --warning=no-unknown-keyword"),
              IsEmpty());
  EXPECT_EQ(shell("ls x"), "n1\nn2\nn3\n");
  std::string before = described("t");
  EXPECT_THAT(before, HasSubstr("has a hole"));
  for (const char* root : {"x/n1/t", "x/n2/t", "x/n3"}) EXPECT_EQ(described(root), before) << root;
  EXPECT_LT(fs::file_size(archive_), 12u << 20) << "holes are no zeros in it";
}

TEST_F(TarArchiveTest, FileIsCompressedIfTheNameSaysSo) {
  std::ofstream(directory_ + "/f") << std::string(1 << 20, 'x');
  archive_ += ".gz";
  TarArchive archive(archive_);
  EXPECT_THAT(add(archive, "n1/f", directory_ + "/f").digest, testing::SizeIs(64));
  archive.publish();
  EXPECT_LT(fs::file_size(archive_), 100'000u);
  EXPECT_EQ(shell("tar -xzf out.tar.gz && cmp f n1/f && rm -r n1"), "");
}

TEST_F(TarArchiveTest, NothingHasTheNameBeforeAllIsThere) {
  std::ofstream(archive_) << "old";
  {
    TarArchive archive(archive_);
    archive.addFailure("n1", "lost");
  }
  EXPECT_EQ(shell("ls -A; cat out.tar"), "out.tar\nold");
  TarArchive archive(archive_);
  archive.addFailure("n1", "lost");
  EXPECT_THROW(archive.publish(muster::IfExists::kRefuse), muster::NodeError);
  EXPECT_EQ(shell("ls -A; cat out.tar"), "out.tar\nold");
  TarArchive next(archive_);
  next.addFailure("n1", "lost");
  next.publish();
  EXPECT_EQ(shell("ls -A; tar -xOf out.tar n1.error"), "out.tar\nlost\n");
}

TEST_F(TarArchiveTest, FileThatBreaksOffIsNotInIt) {
  TarArchive archive(archive_);
  TreeItem item;
  item.path = "f";
  item.type = muster::FileType::kRegular;
  item.size = 10;
  std::string bytes = "0123456789";
  FileFeed feed = feedOf(bytes);
  feed.check = [](const TransferDigest&) { throw std::runtime_error("it was changed"); };
  auto target = archive.below("n1");
  EXPECT_THROW(target->addFile(item, feed), std::runtime_error);
  feed.check = [](const TransferDigest&) {};
  item.path = "g";
  feed = feedOf(bytes);
  target->addFile(item, feed);
  target->finish();
  archive.publish();
  EXPECT_EQ(shell("tar -tf out.tar; ls -A"), "n1/g\nout.tar\n");
}

TEST_F(TarArchiveTest, WriteThatFailsLeavesNothing) {
  std::ofstream(directory_ + "/f") << std::string(100'000, 'x');
  TarArchive archive(archive_);
  add(archive, "n1/f", directory_ + "/f");
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  auto handler = ::signal(SIGXFSZ, SIG_IGN);
  rlimit small{150'000, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_THROW(add(archive, "n2/f", directory_ + "/f"), muster::NodeError);
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
  EXPECT_THROW(archive.publish(), muster::NodeError);
  EXPECT_EQ(shell("ls -A"), "f\n");
}

TEST_F(TarArchiveTest, DirectoryMustBeThereAndTheNameBeNone) {
  EXPECT_THROW(TarArchive(directory_ + "/none/out.tar"), muster::NodeError);
  EXPECT_THROW(TarArchive(directory_ + "/"), muster::NodeError);
  EXPECT_THROW(TarArchive{directory_}, muster::NodeError);
  ASSERT_EQ(::mkfifo((directory_ + "/fifo").c_str(), 0600), 0);
  ASSERT_EQ(::symlink("/dev/null", (directory_ + "/null").c_str()), 0);
  for (const char* name : {"/fifo", "/null"}) {
    EXPECT_THROW(TarArchive{directory_ + name}, muster::NodeError) << name;
  }
}

}  // namespace
}  // namespace harness
