// Group F of the catalogue of bad input: every method of the service with every path that none may
// take, and directories that become links while the agent works below them.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/syscall.h>

#include <atomic>
#include <thread>

#include <capnp/dynamic.h>
#include <gmock/gmock.h>
#include <kj/async-io.h>

#include "nodeagent/file/change.h"
#include "nodeagent/file/file_service.h"
#include "nodeagent/file/file_testing.h"
#include "nodeagent/file/tree.h"
#include "nodeagent/file/write_tree.h"
#include "nodeagent/os/clock.h"
#include "nodeagent/session/service_testing.h"

namespace nodeagent::file {
namespace {

using capnp::DynamicStruct;
using ::testing::ElementsAre;

struct BadPath {
  const char* name;
  std::string path;
};

const BadPath kBadPaths[] = {{"Empty", ""},
                             {"Relative", "etc/passwd"},
                             {"RelativeUpwards", "../etc/passwd"},
                             {"NulInside", std::string("/tmp/a\0b", 8)},
                             {"NulAtTheEnd", std::string("/tmp/a\0", 7)},
                             {"Of4096Bytes", "/" + std::string(4095, 'a')},
                             {"Of64Kibibytes", "/" + std::string(65535, 'a')},
                             {"OfAUrl", "file:///etc/passwd"},
                             {"OfAHome", "~/x"}};

void PrintTo(const BadPath& row, std::ostream* out) {
  *out << row.name;
}

class BadPathTest : public testing::TestWithParam<BadPath> {
 protected:
  BadPathTest() {
    Session::Options options;
    options.id = support::Id::random();
    options.leaseNs = 60'000'000'000;
    session_ = kj::refcounted<Session>(kj::mv(options), systemClock(), io_.provider->getTimer());
  }
  ~BadPathTest() noexcept override {}

  // Calls `method` with the bad path in `field`, and a good one in the others. The error's kind.
  Kind call(capnp::InterfaceSchema::Method method, capnp::StructSchema::Field field) {
    capnp::DynamicCapability::Client files = offered<wire::Files>(service_, *session_);
    auto request = files.newRequest(method);
    for (auto other : method.getParamType().getFields()) {
      if (!isPath(other)) continue;
      const std::string path = other == field ? GetParam().path : good_;
      auto bytes = request.init(other, static_cast<unsigned>(path.size())).as<capnp::Data>();
      std::copy(path.begin(), path.end(), bytes.asChars().begin());
    }
    fillRest(request);
    auto response = request.send().wait(io_.waitScope);
    if (!response.has("error")) return Kind::UNSPECIFIED;
    auto error = response.get("error").as<DynamicStruct>().as<wire::Error>();
    EXPECT_LE(error.getText().size(), 600u) << "the text repeats what was sent";
    return error.getKind();
  }

  static bool isPath(capnp::StructSchema::Field field) {
    auto name = field.getProto().getName();
    return name == "path" || name == "root" || name == "source" ||
           (name == "target" &&
            field.getContainingStruct() == capnp::Schema::from<wire::Files::RenameParams>());
  }

  // Other parameters that a method looks at first.
  void fillRest(DynamicStruct::Builder request) {
    KJ_IF_MAYBE (field, request.getSchema().findFieldByName("uploadId")) {
      auto id = request.init(*field, 16).as<capnp::Data>();
      id[0] = 1;
    }
  }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  TemporaryDirectory directory_;
  std::string good_ = directory_.path() + "/absent/x";
  kj::Own<Session> session_;
  TestHost place_{io_};
  FileService service_{place_.host};
};

TEST_P(BadPathTest, IsInvalidForEveryMethodAndNothingIsTouched) {
  size_t calls = 0;
  for (auto schema : {capnp::Schema::from<wire::FileView>(), capnp::Schema::from<wire::Files>()}) {
    for (auto method : schema.getMethods()) {
      for (auto field : method.getParamType().getFields()) {
        if (!isPath(field)) continue;
        EXPECT_EQ(call(method, field), Kind::INVALID)
            << method.getProto().getName().cStr() << " " << field.getProto().getName().cStr();
        ++calls;
      }
    }
  }
  EXPECT_GE(calls, 22u) << "methods were not found";
  EXPECT_THAT(directory_.names(), ElementsAre());
}

INSTANTIATE_TEST_SUITE_P(GroupF, BadPathTest, testing::ValuesIn(kBadPaths),
                         [](const auto& row) { return std::string(row.param.name); });

// A directory that somebody exchanges for a link, again and again, while the agent works in the
// tree.
class SwapRaceTest : public testing::Test {
 protected:
  static constexpr int kTries = 1000;

  SwapRaceTest() {
    namespace fs = std::filesystem;
    fs::create_directories(directory_.path() + "/tree/sub");
    fs::create_directories(directory_.path() + "/outside/deep");
    put(directory_ / "outside/keep", "kept");
    put(directory_ / "outside/deep/keep", "kept");
    fs::create_symlink(directory_.path() + "/outside", directory_.path() + "/link");
    swapper_ = std::thread([this] {
      kj::String one = directory_ / "tree/sub", other = directory_ / "link";
      while (!done_) {
        if (::syscall(SYS_renameat2, AT_FDCWD, one.cStr(), AT_FDCWD, other.cStr(),
                      RENAME_EXCHANGE) == 0) {
          ++swaps_;
        }
      }
    });
  }

  ~SwapRaceTest() override {
    stop();
    EXPECT_GT(swaps_, 0u) << "void: nothing was exchanged";
    EXPECT_EQ(contentOf(directory_ / "outside/keep"), "kept");
    EXPECT_EQ(contentOf(directory_ / "outside/deep/keep"), "kept");
    size_t entries = 0;
    for (auto& entry :
         std::filesystem::recursive_directory_iterator(directory_.path() + "/outside"))
      entries += !entry.path().empty();
    EXPECT_EQ(entries, 3u) << "something was made outside of the tree";
  }

  void stop() {
    done_ = true;
    if (swapper_.joinable()) swapper_.join();
  }

  TemporaryDirectory directory_;
  std::atomic<bool> done_{false};
  std::atomic<size_t> swaps_{0};
  std::thread swapper_;
};

TEST_F(SwapRaceTest, WriteTreeWritesNothingBehindALink) {
  for (int i = 0; i < kTries; ++i) {
    kj::Vector<TreeEntry> entries;
    for (const char* path : {"sub", "sub/new"}) {
      TreeEntry& entry = entries.add();
      entry.path = kj::str(path);
      entry.stat.status.st_mode = entries.size() == 1 ? S_IFDIR | 0755 : S_IFREG | 0644;
      entry.content = kj::heapArray<kj::byte>(bytesOf("new"));
      entry.contentInline = true;
    }
    failureOf([&] { writeTree(directory_ / "tree", entries, {}); });
  }
}

TEST_F(SwapRaceTest, RemoveTakesNothingBehindALink) {
  namespace fs = std::filesystem;
  const std::string tree = directory_.path() + "/tree", link = directory_.path() + "/link";
  for (int i = 0; i < kTries; ++i) {
    failureOf([&] { remove(tree.c_str(), RemoveWhat::kTree); });
    // The rest is set up again, as far as the exchange lets us.
    std::error_code ignored;
    fs::remove_all(tree, ignored);
    fs::remove(link, ignored);
    fs::create_symlink(directory_.path() + "/outside", link, ignored);
    fs::create_directories(tree + "/fresh", ignored);
    fs::rename(tree + "/fresh", tree + "/sub", ignored);
  }
}

TEST_F(SwapRaceTest, WalkShowsNothingBehindALink) {
  kj::String root = directory_ / "tree";
  for (int i = 0; i < kTries; ++i) {
    WalkOptions options;
    options.root = root;
    options.inlineBytesMax = 100;
    failureOf([&] {
      for (auto& entry : walk(options).entries)
        EXPECT_TRUE(entry.path == "sub" || entry.path == "sub/new") << entry.path.cStr();
    });
  }
}

}  // namespace
}  // namespace nodeagent::file
