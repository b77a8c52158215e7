#include "harness/rpc/older_agent.h"

#include <capnp/dynamic.h>
#include <capnp/schema-parser.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/async.h>
#include <kj/filesystem.h>

#include "harness/rpc/failure.h"

namespace harness {
namespace {

using testing::HasSubstr;

// A service whose requests grew twice. The annotation has the id of the real one.
constexpr kj::StringPtr kSchema = R"(@0xba0cbc9d74b7b66c;
annotation since @0xd03292dc61cacb3d (field, enumerant, param) :UInt16;
interface Base { ping @0 (loud :Bool $since(2)); }
interface Service extends(Base) {
  start @0 (options :Options, more :List(Options)) -> (answer :Text);
  struct Options {
    name @0 :Text;
    limit @1 :UInt32 $since(2);
    order @2 :Order;
    union {
      plain @3 :Void;
      nested @4 :Options $since(3);
    }
    time :union {
      now @5 :Void;
      later @6 :Void $since(2);
      atNs @7 :Int64 $since(2);
    }
    enum Order { first @0; last @1 $since(2); }
  }
}
)"_kj;

// Counts the calls that arrive.
class CountingServer final : public capnp::DynamicCapability::Server {
 public:
  CountingServer(capnp::InterfaceSchema service, unsigned& calls)
      : Server(service), calls_(calls) {}

  kj::Promise<void> call(capnp::InterfaceSchema::Method,
                         capnp::CallContext<capnp::DynamicStruct, capnp::DynamicStruct>) override {
    ++calls_;
    return kj::READY_NOW;
  }

 private:
  unsigned& calls_;
};

class OlderAgentTest : public testing::Test {
 protected:
  OlderAgentTest() {
    auto path = kj::Path({"service.capnp"});
    directory_->openFile(path, kj::WriteMode::CREATE)->writeAll(kSchema);
    service_ = parser_.parseFromDirectory(*directory_, kj::mv(path), nullptr)
                   .getNested("Service")
                   .asInterface();
  }
  ~OlderAgentTest() noexcept override = default;

  // Sends a call whose request `fill` completes to an agent of `minor`. Returns the text of the
  // refusal; empty if the call arrived.
  std::string send(uint16_t minor, kj::StringPtr method,
                   kj::Function<void(capnp::DynamicStruct::Builder)> fill) {
    unsigned before = calls_;
    capnp::DynamicCapability::Client server = kj::heap<CountingServer>(service_, calls_);
    auto client =
        refuseNewerFields(server, service_, minor).castAs<capnp::DynamicCapability>(service_);
    std::string refusal;
    KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() {
                   auto request = client.newRequest(method);
                   fill(request);
                   request.send().wait(scope_);
                 })) {
      EXPECT_EQ(kindOf(*exception), muster::NodeError::Kind::kUnsupported);
      refusal = textOf(*exception).cStr();
    }
    EXPECT_EQ(calls_, before + (refusal.empty() ? 1 : 0));
    return refusal;
  }

  kj::EventLoop loop_;
  kj::WaitScope scope_{loop_};
  kj::Own<kj::Directory> directory_ = kj::newInMemoryDirectory(kj::nullClock());
  capnp::SchemaParser parser_;
  capnp::InterfaceSchema service_;
  unsigned calls_ = 0;
};

void fillLimit(capnp::DynamicStruct::Builder request) {
  request.init("options").as<capnp::DynamicStruct>().set("limit", 7);
}

TEST_F(OlderAgentTest, NewerFieldIsNotSent) {
  EXPECT_EQ(send(1, "start", fillLimit),
            "Service.start: options.limit came with protocol 1.2, and this agent speaks 1.1; "
            "upgrade it");
  EXPECT_EQ(send(2, "start", fillLimit), "");
}

TEST_F(OlderAgentTest, RequestWithoutNewsIsSent) {
  EXPECT_EQ(send(0, "start",
                 [](auto request) {
                   auto options = request.init("options").template as<capnp::DynamicStruct>();
                   options.set("name", "x");
                   options.set("order", "first");
                   options.set("limit", 0);
                 }),
            "");
}

TEST_F(OlderAgentTest, NewerValueIsNotSent) {
  EXPECT_THAT(send(1, "start",
                   [](auto request) {
                     request.init("options").template as<capnp::DynamicStruct>().set("order",
                                                                                     "last");
                   }),
              HasSubstr("options.order = last came with protocol 1.2"));
}

TEST_F(OlderAgentTest, ListsUnionsAndBasesAreSearched) {
  EXPECT_THAT(send(1, "start",
                   [](auto request) {
                     auto list = request.init("more", 2).template as<capnp::DynamicList>();
                     list[1].template as<capnp::DynamicStruct>().set("limit", 1);
                   }),
              HasSubstr("more.limit came"));
  EXPECT_THAT(send(2, "start",
                   [](auto request) {
                     request.init("options").template as<capnp::DynamicStruct>().init("nested");
                   }),
              HasSubstr("options.nested came with protocol 1.3"));
  for (const char* member : {"later", "atNs"}) {
    EXPECT_THAT(send(1, "start",
                     [member](auto request) {
                       auto options = request.init("options").template as<capnp::DynamicStruct>();
                       auto time = options.init("time").template as<capnp::DynamicStruct>();
                       time.clear(member);
                     }),
                HasSubstr(std::string("options.time.") + member + " came with protocol 1.2"));
  }
  EXPECT_THAT(send(1, "ping", [](auto request) { request.set("loud", true); }),
              HasSubstr("Base.ping: loud came"));
}

}  // namespace
}  // namespace harness
