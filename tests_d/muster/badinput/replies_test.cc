// Group H of the catalogue of bad input: answers of agents that are broken, of another version, or
// hostile.
//
// Each gives the controller's caller a typed error by the deadline. Nothing may be written outside
// of the requested target.
#include <stdlib.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <muster/node_error.h>

#include "harness/rpc/controller.h"
#include "harness/rpc/file/copy.h"
#include "harness/rpc/file/files.h"
#include "harness/rpc/job/jobs.h"
#include "schema/file.capnp.h"
#include "schema/job.capnp.h"
#include "schema/support/base/crc32c.h"
#include "tests_d/muster/fuzz/hostile_agent.h"

namespace {

namespace fs = std::filesystem;
using fuzz::HostileCall;
using muster::NodeError;
using std::chrono::milliseconds;
using Kind = NodeError::Kind;

struct ReplyCase {
  const char* name;
  const char* method;                        // Calls of this method get the bad answer.
  std::function<void(HostileCall&)> answer;  // Makes that answer.
  std::function<void(harness::ControllerNode&, const std::string& directory)> ask;
  Kind kind;
};

void PrintTo(const ReplyCase& row, std::ostream* out) {
  *out << row.name;
}

muster::SteadyTime soon() {
  return std::chrono::steady_clock::now() + milliseconds(400);
}

// Answers of agents.

wire::Chunk::Builder chunkOf(wire::FileView::ReadResults::Builder results,
                             const std::string& text) {
  auto chunk = results.initChunk();
  chunk.setData(kj::arrayPtr(reinterpret_cast<const kj::byte*>(text.data()), text.size()));
  chunk.setCrc32c(support::crc32c(chunk.getData()));
  return chunk;
}

std::function<void(HostileCall&)> readAnswer(
    const std::string& text, std::function<void(wire::FileView::ReadResults::Builder)> change) {
  return [text, change](HostileCall& call) {
    auto results = call.results.as<wire::FileView::ReadResults>();
    chunkOf(results, text).setOffset(call.params.as<wire::FileView::ReadParams>().getOffset());
    results.setSize(text.size());
    change(results);
  };
}

std::function<void(HostileCall&)> names(std::vector<std::string> all, bool more) {
  return [all, more](HostileCall& call) {
    auto results = call.results.as<wire::FileView::ListResults>();
    auto entries = results.initEntries(static_cast<unsigned>(all.size()));
    for (unsigned i = 0; i < all.size(); ++i)
      entries[i].setName(kj::StringPtr(all[i].c_str()).asBytes());
    results.setMore(more);
  };
}

struct Entry {
  const char* path;
  wire::FileType type;
  const char* target = "";
};

std::function<void(HostileCall&)> tree(std::vector<Entry> all, bool more = false) {
  return [all, more](HostileCall& call) {
    auto results = call.results.as<wire::FileView::WalkResults>();
    auto entries = results.initEntries(static_cast<unsigned>(all.size()));
    for (unsigned i = 0; i < all.size(); ++i) {
      entries[i].setPath(kj::StringPtr(all[i].path).asBytes());
      entries[i].initStat().setType(all[i].type);
      entries[i].getStat().setMode(0777);
      entries[i].setTarget(kj::StringPtr(all[i].target).asBytes());
      entries[i].setContent(kj::StringPtr("hostile").asBytes());
      entries[i].setContentInline(true);
    }
    results.setMore(more);
  };
}

std::function<void(HostileCall&)> hello(
    std::function<void(wire::Gate::HelloResults::Builder)> change) {
  return [change](HostileCall& call) {
    call.welcome();
    change(call.results.as<wire::Gate::HelloResults>());
  };
}

std::function<void(HostileCall&)> progress(
    std::function<void(wire::JobProgress::Builder, HostileCall&)> change) {
  return [change](HostileCall& call) {
    change(call.results.get("progress").as<capnp::DynamicStruct>().as<wire::JobProgress>(), call);
  };
}

// Calls of controllers.

void stat(harness::ControllerNode& node, const std::string&) {
  harness::rpc::Files(node).stat("/x", muster::SymlinkPolicy::kKeep, soon());
}
void list(harness::ControllerNode& node, const std::string&) {
  harness::rpc::Files(node).list("/x", soon());
}
void read(harness::ControllerNode& node, const std::string&) {
  harness::rpc::Files(node).read("/x", 0, 100, soon());
}
void pullTree(harness::ControllerNode& node, const std::string& directory) {
  harness::copy({&node, "/x"}, {nullptr, directory + "/tree"},
                {.what = harness::CopyOptions::What::kTree}, soon());
}
void write(harness::ControllerNode& node, const std::string&) {
  harness::rpc::Files(node).write("/x", std::string(1 << 20, 'x'), {}, soon());
}
void run(harness::ControllerNode& node, const std::string&) {
  harness::JobRequest request;
  request.argv = {"true"};
  request.options.deadline = milliseconds(300);
  harness::rpc::Jobs(node).run(request, soon());
}

using Type = wire::FileType;

void takeFilesBack(wire::Gate::HelloResults::Builder results) {
  auto grants = results.getWelcome().getGrants();
  grants.disownMore();
  grants.disownObsoleteFiles();
  grants.disownObsoleteFileView();
}

const ReplyCase kReplyCases[] = {
    {"AnotherMajorVersion", "hello", hello([](auto r) { r.getWelcome().setProtocolMajor(9); }),
     stat, Kind::kRefused},
    {"AnotherNodeName", "hello", hello([](auto r) { r.getWelcome().setNodeName("n2"); }), stat,
     Kind::kRefused},
    {"WelcomeWithoutASession", "hello", hello([](auto r) { r.disownSession(); }), stat,
     Kind::kRefused},
    {"NoGrantOfFiles", "hello", hello(takeFilesBack), stat, Kind::kDenied},
    {"OtherBytesThanTheCheckSum", "read",
     readAnswer("abc", [](auto r) { r.getChunk().setCrc32c(1); }), read, Kind::kCorrupt},
    {"OffsetThatGoesBack", "read", readAnswer("abc", [](auto r) { r.getChunk().setOffset(~0ull); }),
     read, Kind::kCorrupt},
    {"MoreBytesThanAskedFor", "read", readAnswer(std::string(101, 'x'), [](auto) {}), read,
     Kind::kCorrupt},
    {"FileThatNeverEnds", "list", names({"a"}, true), list, Kind::kCorrupt},
    {"NamesOutOfOrder", "list", names({"b", "a"}, false), list, Kind::kCorrupt},
    {"NameTwice", "list", names({"a", "a"}, false), list, Kind::kCorrupt},
    {"TreeUpwards", "walk", tree({{"../out", Type::REGULAR}}), pullTree, Kind::kCorrupt},
    {"TreeUpwardsInTheMiddle", "walk",
     tree({{"a", Type::DIRECTORY}, {"a/../../out", Type::REGULAR}}), pullTree, Kind::kCorrupt},
    {"TreeOfAbsolutePaths", "walk", tree({{"/out", Type::REGULAR}}), pullTree, Kind::kCorrupt},
    {"TreeOfAnEmptyPath", "walk", tree({{"", Type::REGULAR}}), pullTree, Kind::kCorrupt},
    {"FileBehindALink", "walk", tree({{"a", Type::SYMLINK, ".."}, {"a/out", Type::REGULAR}}),
     pullTree, Kind::kSystem},
    {"DirectoryBehindALink", "walk", tree({{"a", Type::SYMLINK, ".."}, {"a/out", Type::DIRECTORY}}),
     pullTree, Kind::kSystem},
    {"LinkBehindALink", "walk", tree({{"a", Type::SYMLINK, ".."}, {"a/out", Type::SYMLINK, "x"}}),
     pullTree, Kind::kSystem},
    {"DirectoryInPlaceOfALink", "walk", tree({{"a", Type::SYMLINK, ".."}, {"a", Type::DIRECTORY}}),
     pullTree, Kind::kSystem},
    {"TreeThatNeverEnds", "walk", tree({{"a", Type::DIRECTORY}}, true), pullTree, Kind::kCorrupt},
    {"UploadThatTakesMoreThanWasSent", "writeUpload",
     [](HostileCall& call) {
       call.results.as<wire::Files::WriteUploadResults>().setReceivedTo(~0ull);
     },
     write, Kind::kCorrupt},
    {"UploadThatTakesNothing", "writeUpload", [](HostileCall&) {}, write, Kind::kCorrupt},
    {"CommandThatIsInNoState", "run", progress([](auto, auto&) {}), run, Kind::kTimeout},
    {"ErrorOfAnUnknownKind", "stat",
     [](HostileCall& call) {
       call.results.as<wire::FileView::StatResults>().initError().setKind(
           static_cast<wire::Error::Kind>(999));
     },
     stat, Kind::kInternal},
};

class RepliesTest : public testing::TestWithParam<ReplyCase> {
 protected:
  RepliesTest() {
    char pattern[] = "/tmp/muster-replies-XXXXXX";
    root_ = mkdtemp(pattern);
    inner_ = root_ + "/1/2";
    fs::create_directories(inner_);
    ::chmod(inner_.c_str(), 0700);
  }
  ~RepliesTest() override { fs::remove_all(root_); }

  static harness::ControllerOptions quick() {
    harness::ControllerOptions options;
    options.connectMax = milliseconds(500);
    options.backoffMin = milliseconds(1);
    options.backoffMax = milliseconds(10);
    return options;
  }

  std::string root_;
  std::string inner_;
};

TEST_P(RepliesTest, IsATypedErrorAndNothingIsWrittenElsewhere) {
  const ReplyCase& row = GetParam();
  fuzz::HostileAgent agent(root_, [&row](HostileCall& call) -> kj::Promise<void> {
    if (call.method == row.method) {
      row.answer(call);
    } else if (call.method == "hello") {
      call.welcome();
    } else if (call.method == "stat") {
      auto stat = call.results.as<wire::FileView::StatResults>().initStat();
      stat.setType(Type::DIRECTORY);
      stat.setMode(0755);
    }
    return kj::READY_NOW;
  });
  harness::Controller controller(quick());
  harness::ControllerNode& node = controller.connect(agent.description());
  try {
    row.ask(node, inner_);
    ADD_FAILURE() << "the answer was believed";
  } catch (const NodeError& error) {
    EXPECT_EQ(error.kind(), row.kind) << error.what();
    // An error of a local file names no node.
    EXPECT_EQ(error.node(), row.kind == Kind::kSystem ? "" : "n1");
  }
  EXPECT_FALSE(fs::exists(inner_ + "/out"));
  EXPECT_FALSE(fs::exists(root_ + "/1/out"));
  struct stat status;
  ASSERT_EQ(::stat(inner_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u) << "the mode of another directory was set";
}

INSTANTIATE_TEST_SUITE_P(GroupH, RepliesTest, testing::ValuesIn(kReplyCases),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
