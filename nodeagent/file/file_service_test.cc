// Tries the service through its capability: uploads, and what a session's end takes back.
#include "nodeagent/file/file_service.h"

#include <list>

#include <gmock/gmock.h>
#include <kj/async-io.h>

#include "nodeagent/file/file_testing.h"
#include "nodeagent/session/service_testing.h"
#include "schema/support/base/crc32c.h"
#include "schema/support/base/sha256.h"

namespace nodeagent {
namespace {

using file::bytesOf;
using file::contentOf;
using file::put;
using file::TemporaryDirectory;
using file::textOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = wire::Error::Kind;

class FileServiceTest : public ::testing::Test {
 protected:
  ~FileServiceTest() noexcept override {}

  static Session::Options sessionOptions() {
    Session::Options options;
    options.id = support::Id::random();
    options.identity = kj::str("operator:test");
    options.role = wire::Role::OPERATOR;
    options.leaseNs = 60'000'000'000;
    return options;
  }

  template <typename Request>
  auto ask(Request&& request) {
    return io_.provider->getTimer()
        .timeoutAfter(30 * kj::SECONDS,
                      kj::Promise<decltype(request.send().wait(io_.waitScope))>(request.send()))
        .wait(io_.waitScope);
  }

  template <typename Response>
  static Kind kindOf(const Response& response) {
    return response.hasError() ? response.getError().getKind() : Kind::UNSPECIFIED;
  }

  capnp::Data::Reader path(const std::string& name) {
    kept_.push_back(directory_.path() + "/" + name);
    return bytesOf(kept_.back());
  }
  std::string content(const std::string& name) { return contentOf(directory_ / name); }

  auto write(const std::string& name, const std::string& text, wire::Lifetime lifetime,
             bool parents = false) {
    auto request = files_.writeRequest();
    request.setPath(path(name));
    request.setData(bytesOf(text));
    request.getOptions().setLifetime(lifetime);
    request.getOptions().setParents(parents);
    return ask(request);
  }

  auto begin(const support::Id& id, const std::string& name, uint64_t size,
             wire::Lifetime lifetime = wire::Lifetime::PERMANENT) {
    auto request = files_.beginUploadRequest();
    request.setUploadId(id.data());
    request.setPath(path(name));
    request.setSize(size);
    request.getOptions().setLifetime(lifetime);
    request.getOptions().setParents(true);
    return ask(request);
  }

  auto send(const support::Id& id, uint64_t offset, const std::string& text,
            uint32_t crcError = 0) {
    auto request = files_.writeUploadRequest();
    request.setUploadId(id.data());
    auto chunk = request.initChunk();
    chunk.setOffset(offset);
    chunk.setData(bytesOf(text));
    chunk.setCrc32c(support::crc32c(bytesOf(text)) ^ crcError);
    return ask(request);
  }

  // Sends chunks without waiting for an answer to one before the next. Returns the count received
  // after each.
  std::vector<uint64_t> sendAtOnce(const support::Id& id, const std::vector<std::string>& pieces) {
    auto answers = kj::heapArrayBuilder<kj::Promise<uint64_t>>(pieces.size());
    uint64_t offset = 0;
    for (const std::string& piece : pieces) {
      auto request = files_.writeUploadRequest();
      request.setUploadId(id.data());
      auto chunk = request.initChunk();
      chunk.setOffset(offset);
      chunk.setData(bytesOf(piece));
      chunk.setCrc32c(support::crc32c(bytesOf(piece)));
      offset += piece.size();
      answers.add(request.send().then([](auto&& response) {
        return response.hasError() ? uint64_t{0} : response.getReceivedTo();
      }));
    }
    auto all = kj::joinPromises(answers.finish()).wait(io_.waitScope);
    return {all.begin(), all.end()};
  }

  auto finish(const support::Id& id, const std::string& text) {
    auto request = files_.finishUploadRequest();
    request.setUploadId(id.data());
    auto digest = support::Sha256::of(bytesOf(text));
    request.setSha256(kj::arrayPtr(digest.data(), digest.size()));
    return ask(request);
  }

  // Returns the leftovers of the session's end.
  std::vector<std::string> endSession() {
    session_->end(EndReason::kClosed).wait(io_.waitScope);
    std::vector<std::string> leftovers;
    for (auto& leftover : session_->leftovers())
      leftovers.push_back(std::string(leftover.what.cStr()) + ": " + leftover.reason.text.cStr());
    return leftovers;
  }

  wire::Files::Client filesOf(FileService& service) {
    return offered<wire::Files>(service, *session_);
  }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  TemporaryDirectory directory_;
  kj::Own<Session> session_ =
      kj::refcounted<Session>(sessionOptions(), systemClock(), io_.provider->getTimer());
  TestHost place_{io_};
  FileService service_{place_.host};
  wire::Files::Client files_ = filesOf(service_);
  std::list<std::string> kept_;  // Bytes that requests point to.
};

TEST_F(FileServiceTest, WritesAndReads) {
  auto written = write("f", "text", wire::Lifetime::PERMANENT);
  ASSERT_FALSE(written.hasError()) << written.getError().getText().cStr();
  EXPECT_EQ(written.getStat().getSize(), 4u);
  EXPECT_EQ(written.getStat().getType(), wire::FileType::REGULAR);
  EXPECT_EQ(written.getStat().getMode(), 0644u);
  auto request = files_.readRequest();
  request.setPath(path("f"));
  request.setOffset(1);
  request.setBytesMax(100);
  auto read = ask(request);
  EXPECT_EQ(textOf(read.getChunk().getData()), "ext");
  EXPECT_EQ(read.getChunk().getCrc32c(), support::crc32c(bytesOf("ext")));
  EXPECT_EQ(read.getVersion().getInode(), written.getStat().getInode());
}

TEST_F(FileServiceTest, AnswersFailuresAsData) {
  auto request = files_.statRequest();
  request.setPath(path("absent"));
  auto absent = ask(request);
  EXPECT_EQ(kindOf(absent), Kind::NOT_FOUND);
  EXPECT_EQ(absent.getError().getErrno(), ENOENT);
  EXPECT_THAT(absent.getError().getText().cStr(),
              HasSubstr("stat \"" + directory_.path() + "/absent\""));
  request = files_.statRequest();
  EXPECT_EQ(kindOf(ask(request)), Kind::INVALID);
  auto write = files_.writeRequest();
  write.setPath(path("f"));
  write.initData((1 << 20) + 1);
  EXPECT_EQ(kindOf(ask(write)), Kind::INVALID);
  auto owner = files_.setOwnerRequest();
  owner.setPath(path(""));
  owner.setUser("no-such-user");
  EXPECT_EQ(kindOf(ask(owner)), Kind::NOT_FOUND);
}

TEST_F(FileServiceTest, GoesOnWithAnUploadOfTheSameSession) {
  support::Id id = support::Id::random();
  EXPECT_EQ(begin(id, "a/f", 8).getReceivedTo(), 0u);
  EXPECT_EQ(send(id, 0, "0123").getReceivedTo(), 4u);
  // Another connection of the session gets the same capability.
  files_ = filesOf(service_);
  EXPECT_EQ(begin(id, "a/f", 8).getReceivedTo(), 4u);
  EXPECT_EQ(kindOf(begin(id, "a/f", 9)), Kind::CONFLICT);
  EXPECT_EQ(kindOf(begin(id, "a/g", 8)), Kind::CONFLICT);
  EXPECT_EQ(kindOf(send(id, 4, "4567", 1)), Kind::CORRUPT);
  EXPECT_EQ(kindOf(send(id, 5, "567")), Kind::CORRUPT);
  EXPECT_EQ(send(id, 4, "4567").getReceivedTo(), 8u);
  EXPECT_EQ(finish(id, "01234567").getStat().getSize(), 8u);
  EXPECT_EQ(finish(id, "01234567").getStat().getSize(), 8u);
  EXPECT_EQ(begin(id, "a/f", 8).getReceivedTo(), 8u);
  EXPECT_EQ(content("a/f"), "01234567");
}

TEST_F(FileServiceTest, ConcurrentChunksAreWrittenInOrder) {
  // While a long one is written, all threads of the worker have time to take one behind it.
  std::vector<std::string> pieces;
  std::vector<uint64_t> expected;
  std::string text;
  for (size_t i = 0; i < 400; ++i) {
    pieces.emplace_back(i % 10 == 0 ? 300'000 : 10, static_cast<char>('a' + i % 26));
    text += pieces.back();
    expected.push_back(text.size());
  }
  support::Id id = support::Id::random();
  begin(id, "f", text.size());
  EXPECT_EQ(sendAtOnce(id, pieces), expected);
  EXPECT_EQ(kindOf(finish(id, text)), Kind::UNSPECIFIED);
  EXPECT_EQ(content("f"), text);
}

TEST_F(FileServiceTest, DiscardsAnUploadWithAnotherDigest) {
  put(directory_ / "f", "old");
  support::Id id = support::Id::random();
  begin(id, "f", 3);
  send(id, 0, "new");
  EXPECT_EQ(kindOf(finish(id, "other")), Kind::CORRUPT);
  EXPECT_EQ(content("f"), "old");
  EXPECT_THAT(directory_.names(), ElementsAre("f"));
}

TEST_F(FileServiceTest, LimitsOpenUploads) {
  std::vector<support::Id> ids(64);
  for (auto& id : ids) {
    id = support::Id::random();
    ASSERT_FALSE(begin(id, "f", 1).hasError());
  }
  EXPECT_EQ(kindOf(begin(support::Id::random(), "f", 1)), Kind::OVERLOADED);
  for (int i = 0; i < 2; ++i) {
    auto request = files_.abandonUploadRequest();
    request.setUploadId(ids[0].data());
    EXPECT_EQ(kindOf(ask(request)), Kind::UNSPECIFIED);
  }
  EXPECT_FALSE(begin(support::Id::random(), "f", 1).hasError());
  EXPECT_THAT(endSession(), IsEmpty());
  EXPECT_THAT(directory_.names(), IsEmpty());
}

TEST_F(FileServiceTest, EndOfTheSessionRemovesUnfinishedUploads) {
  support::Id done = support::Id::random();
  begin(done, "done", 1);
  send(done, 0, "x");
  finish(done, "x");
  begin(support::Id::random(), "p/f", 5);
  EXPECT_THAT(endSession(), IsEmpty());
  EXPECT_THAT(directory_.names(), ElementsAre("done"));
  EXPECT_EQ(kindOf(begin(support::Id::random(), "f", 1)), Kind::EXPIRED);
  EXPECT_EQ(kindOf(write("f", "x", wire::Lifetime::PERMANENT)), Kind::EXPIRED);
}

TEST_F(FileServiceTest, EndOfTheSessionBringsBackOldFiles) {
  put(directory_ / "f", "old");
  EXPECT_FALSE(write("f", "new", wire::Lifetime::SESSION).hasError());
  EXPECT_FALSE(write("f", "newer", wire::Lifetime::SESSION).hasError());
  EXPECT_FALSE(write("a/b", "new", wire::Lifetime::SESSION, true).hasError());
  EXPECT_FALSE(write("stays", "new", wire::Lifetime::PERMANENT).hasError());
  support::Id id = support::Id::random();
  begin(id, "c/d/upload", 1, wire::Lifetime::SESSION);
  send(id, 0, "x");
  EXPECT_FALSE(finish(id, "x").hasError());
  auto make = files_.makeDirectoryRequest();
  make.setPath(path("tree/of"));
  make.setMode(0755);
  make.setParents(true);
  make.setLifetime(wire::Lifetime::SESSION);
  EXPECT_TRUE(ask(make).getCreated());
  put(directory_ / "tree/of/more", "not ours");
  EXPECT_EQ(content("f"), "newer");
  EXPECT_THAT(endSession(), IsEmpty());
  EXPECT_EQ(content("f"), "old");
  EXPECT_THAT(directory_.names(), ElementsAre("f", "stays"));
}

TEST_F(FileServiceTest, AWriteThatFailsLeavesNothingToBringBack) {
  put(directory_ / "f", "old");
  auto request = files_.writeRequest();
  request.setPath(path("f"));
  request.getOptions().setLifetime(wire::Lifetime::SESSION);
  request.getOptions().setUser("no-such-user");
  EXPECT_EQ(kindOf(ask(request)), Kind::NOT_FOUND);
  EXPECT_THAT(directory_.names(), ElementsAre("f"));
  put(directory_ / "f", "by somebody else");
  EXPECT_THAT(endSession(), IsEmpty());
  EXPECT_EQ(content("f"), "by somebody else");
}

TEST_F(FileServiceTest, NamesFilesThatItCouldNotBringBack) {
  put(directory_ / "f", "old");
  write("f", "new", wire::Lifetime::SESSION);
  std::filesystem::remove(directory_.path() + "/f");
  std::filesystem::create_directory(directory_.path() + "/f");
  auto leftovers = endSession();
  ASSERT_EQ(leftovers.size(), 1u);
  EXPECT_THAT(leftovers[0], HasSubstr("a directory is there now"));
}

TEST_F(FileServiceTest, WalksAndWritesTreesForTheSession) {
  auto make = files_.makeDirectoryRequest();
  make.setPath(path("from/d"));
  make.setMode(0750);
  make.setParents(true);
  make.setLifetime(wire::Lifetime::PERMANENT);
  ask(make);
  write("from/d/f", "text", wire::Lifetime::PERMANENT);
  auto walk = files_.walkRequest();
  walk.setRoot(path("from"));
  walk.setInlineBytesMax(100);
  auto walked = ask(walk);
  ASSERT_EQ(walked.getEntries().size(), 2u);
  auto plant = files_.writeTreeRequest();
  plant.setRoot(path("to"));
  plant.setEntries(walked.getEntries());
  plant.getOptions().setParents(true);
  plant.getOptions().setLifetime(wire::Lifetime::SESSION);
  auto planted = ask(plant);
  EXPECT_EQ(kindOf(planted), Kind::UNSPECIFIED) << planted.getError().getText().cStr();
  EXPECT_EQ(content("to/d/f"), "text");
  EXPECT_THAT(endSession(), IsEmpty());
  EXPECT_THAT(directory_.names(), ElementsAre("from"));
}

TEST_F(FileServiceTest, ObserverSeesAsMuchAsAnyUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root's eyes can be narrowed";
  put(directory_ / "open", "text");
  put(directory_ / "closed", "secret");
  ::chmod((directory_ / "closed").cStr(), 0640);
  auto observer = newSession(io_.provider->getTimer(), wire::Role::OBSERVER);
  auto view = offered<wire::FileView>(service_, *observer);
  for (int i = 0; i < 8; ++i) {
    auto request = view.readRequest();
    request.setBytesMax(100);
    request.setPath(path("open"));
    EXPECT_EQ(textOf(ask(request).getChunk().getData()), "text");
    request = view.readRequest();
    request.setBytesMax(100);
    request.setPath(path("closed"));
    EXPECT_EQ(kindOf(ask(request)), Kind::DENIED);
    request = files_.readRequest();
    request.setBytesMax(100);
    request.setPath(path("closed"));
    EXPECT_EQ(textOf(ask(request).getChunk().getData()), "secret")
        << "the thread has its own eyes back";
    auto walk = view.walkRequest();
    walk.setRoot(path(""));
    auto walked = ask(walk);
    EXPECT_EQ(walked.getEntries().size(), 2u) << walked.getError().getText().cStr();
  }
}

// The keeper's death is played by dropping everything without ending the session.
TEST_F(FileServiceTest, NextKeeperFinishesTheUndoOfAKilledOne) {
  kj::String state = directory_ / "state";
  std::filesystem::create_directory(state.cStr());
  put(directory_ / "f", "old");
  place_.host.stateDirectory = state;
  {
    FileService service(place_.host);
    files_ = filesOf(service);
    EXPECT_FALSE(write("f", "new", wire::Lifetime::SESSION).hasError());
    EXPECT_FALSE(write("g", "new", wire::Lifetime::SESSION).hasError());
    EXPECT_FALSE(begin(support::Id::random(), "upload", 9).hasError());
    files_ = nullptr;
  }
  files_ = filesOf(service_);
  EXPECT_EQ(content("f"), "new");
  FileService next(place_.host);
  next.recovered().wait(io_.waitScope);
  EXPECT_EQ(content("f"), "old");
  EXPECT_THAT(directory_.names(), ElementsAre("f", "state"));
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path() + "/state/restores"));
}

TEST_F(FileServiceTest, AnEndedSessionLeavesNothingForTheNextKeeper) {
  place_.host.stateDirectory = directory_.path().c_str();
  FileService service(place_.host);
  files_ = filesOf(service);
  EXPECT_FALSE(write("f", "new", wire::Lifetime::SESSION).hasError());
  support::Id id = support::Id::random();
  begin(id, "g", 1);
  EXPECT_FALSE(std::filesystem::is_empty(directory_.path() + "/restores"));
  EXPECT_EQ(kindOf(finish(id, "x")), Kind::CORRUPT);
  EXPECT_THAT(endSession(), IsEmpty());
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path() + "/restores"));
  EXPECT_THAT(directory_.names(), ElementsAre("restores"));
}

TEST_F(FileServiceTest, ForgetsASessionThatIsOver) {
  write("f", "x", wire::Lifetime::SESSION);
  endSession();
  session_ = kj::refcounted<Session>(sessionOptions(), systemClock(), io_.provider->getTimer());
  files_ = filesOf(service_);
  EXPECT_FALSE(write("f", "y", wire::Lifetime::SESSION).hasError());
  EXPECT_THAT(endSession(), IsEmpty());
  EXPECT_THAT(directory_.names(), IsEmpty());
}

}  // namespace
}  // namespace nodeagent
