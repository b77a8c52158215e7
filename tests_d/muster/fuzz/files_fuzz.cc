// Fuzzes sequences of calls of the file service in a directory of its own.
//
// The calls have hostile paths, chunks of uploads in any order, and lapses of the session. Uploads
// are compared with a model, refusals must be typed, and no part file may outlive the session.
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <set>

#include <capnp/dynamic.h>
#include <kj/async-io.h>
#include <kj/debug.h>

#include "nodeagent/file/file_service.h"
#include "nodeagent/file/path.h"
#include "nodeagent/session/service_testing.h"
#include "schema/support/base/crc32c.h"
#include "schema/support/base/sha256.h"
#include "schema/support/rpc/frame.h"
#include "tests_d/muster/fuzz/fill.h"
#include "tests_d/muster/fuzz/target.h"

namespace {

namespace fs = std::filesystem;
using fuzz::Input;
using Kind = wire::Error::Kind;

const char* const kNames[] = {"a",      "b",  "d",    "d/e",   "d/e/f",    "link",
                              "link/g", "a/", "d//e", "d/./e", "\xff\xfe", "new\nline"};

// Threads are started once, not for each input.
class SharedPlatform final : public nodeagent::Platform {
 public:
  const nodeagent::Clock& clock() override { return nodeagent::systemClock(); }
  nodeagent::Spawner& spawner() override { return nodeagent::systemSpawner(); }
  kj::Own<nodeagent::ProcessSets> makeProcessSets(kj::StringPtr) override {
    KJ_FAIL_REQUIRE("files have no processes");
  }
  kj::Own<nodeagent::ScratchDisk> openScratchDisk(kj::StringPtr) override {
    KJ_FAIL_REQUIRE("files have no scratch disk");
  }
  kj::Own<nodeagent::Worker> makeWorker(size_t) override {
    return {&worker_, kj::NullDisposer::instance};
  }

 private:
  nodeagent::Worker worker_{2};
};

struct Shared {
  kj::AsyncIoContext io = kj::setupAsyncIo();
  kj::Own<nodeagent::AuditLog> audit = nodeagent::discardAuditLog();
  SharedPlatform platform;
  nodeagent::ServiceHost host{
      io.unixEventPort, io.provider->getTimer(), platform, *audit, "n1", "boot-1", "", ""};
};

Shared& shared() {
  thread_local Shared instance;
  return instance;
}

struct Model {
  std::string path;
  std::string bytes;
  uint64_t size = 0;
};

class Play {
 public:
  explicit Play(Input& input) : input_(input) {
    char pattern[] = "/tmp/muster-fuzz-XXXXXX";
    KJ_ASSERT(mkdtemp(pattern) != nullptr);
    root_ = pattern;
    nodeagent::Session::Options options;
    options.id = support::Id::random();
    options.identity = kj::str("operator:fuzz");
    options.leaseNs = 60'000'000'000;
    session_ = kj::refcounted<nodeagent::Session>(kj::mv(options), nodeagent::systemClock(),
                                                  shared().io.provider->getTimer());
  }
  ~Play() { fs::remove_all(root_); }

  void run() {
    {
      nodeagent::FileService service(shared().host);
      files_ = nodeagent::offered<wire::Files>(service, *session_);
      for (unsigned i = 0; i < 24 && !input_.empty(); ++i) step();
      session_->end(nodeagent::EndReason::kClosed).wait(scope());
      files_ = nullptr;
    }
    for (auto& entry : fs::recursive_directory_iterator(root_)) {
      std::string name = entry.path().filename();
      KJ_ASSERT(name.rfind(".muster-", 0) != 0, "left behind", entry.path().c_str());
    }
  }

 private:
  kj::WaitScope& scope() { return shared().io.waitScope; }

  // Chooses a path from a list instead of making one of the input, so that it stays in our
  // directory.
  std::string path() { return root_ + "/" + kNames[input_.below(std::size(kNames))]; }

  static capnp::Data::Reader data(const std::string& text) {
    return kj::arrayPtr(reinterpret_cast<const kj::byte*>(text.data()), text.size());
  }

  template <typename Request>
  auto ask(Request&& request) {
    auto response = request.send().wait(scope());
    if (response.hasError()) {
      KJ_ASSERT(response.getError().getKind() != Kind::INTERNAL, response.getError().getText());
      KJ_ASSERT(response.getError().getText().size() > 0);
    }
    return response;
  }

  void step() {
    switch (input_.below(12)) {
      case 0:
        return begin();
      case 1:
      case 2:
      case 3:
        return chunk();
      case 4:
        return finish();
      case 5:
        return write();
      case 6:
        return append();
      case 7:
        return tree();
      case 8:
        return link();
      case 9:
        return badPath();
      default:
        return look();
    }
  }

  support::Id id() {
    kj::byte bytes[16] = {};
    bytes[0] = input_.byte() % 3;
    return support::Id::from(kj::arrayPtr(bytes, sizeof bytes));
  }

  void begin() {
    auto request = files_.beginUploadRequest();
    support::Id upload = id();
    std::string where = path();
    uint64_t size = input_.byte() % 8 == 0 ? input_.number() % (1 << 20) : input_.byte();
    request.setUploadId(upload.data());
    request.setPath(data(where));
    request.setSize(size);
    request.getOptions().setParents(true);
    if (input_.byte() % 2) request.getOptions().setLifetime(wire::Lifetime::SESSION);
    auto response = ask(request);
    if (response.hasError()) return;
    auto finished = finished_.find(upload);
    if (finished != finished_.end()) {
      KJ_ASSERT(response.getReceivedTo() == finished->second, "a finished upload goes on");
      return;
    }
    Model& model = uploads_[upload];
    if (model.size == 0 && model.bytes.empty()) model = {where, "", size};
    KJ_ASSERT(response.getReceivedTo() == model.bytes.size(), "an upload goes on elsewhere");
  }

  void chunk() {
    auto request = files_.writeUploadRequest();
    support::Id upload = id();
    auto bytes = input_.bytes();
    auto known = uploads_.find(upload);
    uint64_t here = known == uploads_.end() ? 0 : known->second.bytes.size();
    uint64_t offset = input_.byte() % 2 ? here : input_.number();
    bool damaged = input_.byte() % 8 == 0;
    request.setUploadId(upload.data());
    request.initChunk().setOffset(offset);
    request.getChunk().setData(bytes);
    request.getChunk().setCrc32c(support::crc32c(bytes) ^ (damaged ? 1 : 0));
    auto response = ask(request);
    if (response.hasError()) return;
    KJ_ASSERT(!damaged, "a damaged chunk was taken");
    if (known == uploads_.end()) {
      // This is a late copy of a chunk that was sent again.
      auto finished = finished_.find(upload);
      KJ_ASSERT(finished != finished_.end(), "a chunk of no upload was taken");
      KJ_ASSERT(response.getReceivedTo() == finished->second, "a finished upload took more");
      return;
    }
    std::string& held = known->second.bytes;
    if (offset <= held.size() && offset + bytes.size() > held.size()) {
      held.append(bytes.asChars().begin() + (held.size() - offset), bytes.asChars().end());
    }
    KJ_ASSERT(response.getReceivedTo() == held.size(), response.getReceivedTo(), held.size());
    KJ_ASSERT(held.size() <= known->second.size, "more than the upload's size was taken");
  }

  void finish() {
    support::Id upload = id();
    auto known = uploads_.find(upload);
    if (input_.byte() % 4 == 0) {
      auto request = files_.abandonUploadRequest();
      request.setUploadId(upload.data());
      if (!ask(request).hasError()) uploads_.erase(upload);
      return;
    }
    auto request = files_.finishUploadRequest();
    request.setUploadId(upload.data());
    std::string held = known == uploads_.end() ? "" : known->second.bytes;
    auto digest = support::Sha256::of(data(held));
    bool damaged = input_.byte() % 4 == 0;
    if (damaged) digest[0] ^= 1;
    request.setSha256(kj::arrayPtr(digest.data(), digest.size()));
    auto response = ask(request);
    if (response.hasError()) {
      if (response.getError().getKind() == Kind::CORRUPT) uploads_.erase(upload);
      return;
    }
    KJ_ASSERT(!damaged || known == uploads_.end(), "an upload with another digest was finished");
    if (known != uploads_.end()) {
      KJ_ASSERT(response.getStat().getSize() == known->second.size);
      finished_[upload] = known->second.size;
      uploads_.erase(known);
    }
  }

  void write() {
    auto request = files_.writeRequest();
    request.setPath(data(path()));
    request.setData(input_.bytes());
    auto options = request.getOptions();
    uint8_t mode = input_.byte();
    options.setMode(mode % 16 == 0 ? static_cast<uint32_t>(input_.number()) : 0644);
    options.setParents(mode % 2);
    options.setReplace(static_cast<wire::Replace>(mode % 3));
    options.setLifetime(static_cast<wire::Lifetime>(mode % 5));
    if (mode % 7 == 0) options.setUser(input_.text());
    ask(request);
  }

  void append() {
    auto request = files_.appendRequest();
    request.setPath(data(path()));
    auto bytes = input_.bytes(64);
    request.initChunk().setOffset(input_.byte() % 2 ? 0 : input_.number());
    request.getChunk().setData(bytes);
    request.getChunk().setCrc32c(support::crc32c(bytes));
    ask(request);
  }

  void tree() {
    auto request = files_.writeTreeRequest();
    request.setRoot(data(root_ + "/d"));
    auto entries = request.initEntries(1 + input_.below(3));
    for (auto entry : entries) {
      static const char* const kPaths[] = {"x", "x/y", "y", "../out", "/out", "", ".", "x//y"};
      std::string name = kPaths[input_.below(std::size(kPaths))];
      entry.setPath(data(name));
      entry.initStat().setType(static_cast<wire::FileType>(input_.byte() % 9));
      entry.getStat().setMode(input_.byte() % 8 == 0 ? 07777 : 0644);
      entry.setTarget(data("x"));
      entry.setContent(input_.bytes(32));
      entry.setContentInline(input_.byte() % 2);
    }
    ask(request);
    KJ_ASSERT(!fs::exists(root_ + "/out"), "a tree led out of its root");
  }

  void link() {
    auto request = files_.linkRequest();
    request.setPath(data(path()));
    // Targets are relative and lead downwards, so that no link leaves our directory.
    bool hard = input_.byte() % 4 == 0;
    std::string target = hard ? path() : kNames[input_.below(6)];
    request.setTarget(data(target));
    request.setType(hard ? wire::LinkType::HARD : wire::LinkType::SYMBOLIC);
    request.setReplace(static_cast<wire::Replace>(input_.byte() % 2));
    ask(request);
  }

  // Makes a call that changes nothing, with a path as the input gives it.
  void badPath() {
    auto bytes = input_.bytes();
    KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() {
                   kj::String checked = nodeagent::file::absolutePath(bytes);
                   KJ_ASSERT(checked.startsWith("/") && checked.size() <= 4095);
                   nodeagent::file::quoted(checked);
                 })) {
      fuzz::expectTyped(*exception);
    }
    KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() {
                   kj::String checked = nodeagent::file::relativePath(bytes);
                   std::string whole = "/" + std::string(checked.cStr()) + "/";
                   KJ_ASSERT(whole.find("/../") == std::string::npos &&
                             whole.find("//") == std::string::npos);
                 })) {
      fuzz::expectTyped(*exception);
    }
  }

  void look() {
    if (input_.byte() % 2) {
      auto request = files_.removeRequest();
      request.setPath(data(path()));
      request.setRecursive(input_.byte() % 2);
      ask(request);
      return;
    }
    auto request = files_.readRequest();
    std::string where = path();
    struct stat status;
    if (::stat(where.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) return;
    request.setPath(data(where));
    request.setOffset(input_.number());
    request.setBytesMax(static_cast<uint32_t>(input_.number()));
    auto response = ask(request);
    if (!response.hasError()) {
      auto part = response.getChunk();
      KJ_ASSERT(part.getCrc32c() == support::crc32c(part.getData()));
      KJ_ASSERT(part.getData().size() <= support::kChunkBytesMax);
    }
  }

  Input& input_;
  std::string root_;
  kj::Own<nodeagent::Session> session_;
  wire::Files::Client files_ = nullptr;
  std::map<support::Id, Model> uploads_;
  std::map<support::Id, uint64_t> finished_;  // The sizes of finished uploads.
};

}  // namespace

MUSTER_FUZZ_TARGET(files) {
  Play(input).run();
}
