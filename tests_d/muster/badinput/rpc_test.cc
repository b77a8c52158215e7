// Group C of the catalogue of bad input: well-formed messages that make no sense at that point of
// the RPC protocol.
//
// They are sent to a real gate. The connection may end, but nothing is executed, and the next
// controller is served.
#include <functional>
#include <vector>

#include <capnp/message.h>
#include <capnp/rpc.capnp.h>
#include <capnp/serialize.h>
#include <gtest/gtest.h>
#include <kj/async-io.h>

#include "schema/support/base/log.h"
#include "schema/support/rpc/frame.h"
#include "schema/support/rpc/rpc_connection.h"
#include "tests_d/muster/fuzz/node.h"

namespace {

using Message = capnp::rpc::Message;
using Fill = std::function<void(Message::Builder)>;

// A connection to the node whose messages a test writes word by word.
class Peer {
 public:
  explicit Peer(fuzz::Node& node) : node_(node) {
    auto pipe = kj::newTwoWayPipe();
    end_ = kj::mv(pipe.ends[0]);
    server_ = kj::heap<support::RpcConnection>(kj::mv(pipe.ends[1]), node.timer,
                                               node.gate("operator:ci", wire::Role::OPERATOR),
                                               support::GuardOptions());
    gone_ = server_->onDisconnect();
    support::FrameLimits limits;
    limits.bytesMax = support::kFrameBytesMax;
    reader_ = kj::heap<support::FrameReader>(*end_, node.timer, limits);
    reading_ = readOn().eagerlyEvaluate([](kj::Exception&&) {});
  }

  void send(const Fill& fill) {
    capnp::MallocMessageBuilder builder;
    fill(builder.initRoot<Message>());
    auto words = capnp::messageToFlatArray(builder);
    auto bytes = words.asBytes();
    auto writing = end_->write(bytes.begin(), bytes.size()).catch_([](kj::Exception&&) {});
    writing.poll(node_.waitScope);
    node_.waitScope.poll();
  }

  void bootstrap(uint32_t question = 0) {
    send([question](auto message) { message.initBootstrap().setQuestionId(question); });
  }

  void call(uint32_t question, const std::function<void(capnp::rpc::Call::Builder)>& change) {
    send([&](Message::Builder message) {
      auto call = message.initCall();
      call.setQuestionId(question);
      call.initTarget().initPromisedAnswer().setQuestionId(0);
      call.setInterfaceId(capnp::typeId<wire::Gate>());
      call.initParams().getContent().initAs<wire::Gate::HelloParams>();
      change(call);
    });
  }

  void halfClose() {
    end_->shutdownWrite();
    node_.waitScope.poll();
  }

  bool gone() { return gone_.poll(node_.waitScope); }

  // Counts the replies of one type.
  size_t count(Message::Which which) {
    size_t found = 0;
    for (auto& reply : replies_) found += reply->getRoot<Message>().which() == which;
    return found;
  }

  // Counts the replies that are a return with an exception.
  size_t exceptions() {
    size_t found = 0;
    for (auto& reply : replies_) {
      auto root = reply->getRoot<Message>();
      found += root.isReturn() && root.getReturn().isException();
    }
    return found;
  }

 private:
  kj::Promise<void> readOn() {
    return reader_->read().then([this](kj::Maybe<support::Frame>&& frame) -> kj::Promise<void> {
      KJ_IF_MAYBE (whole, frame) {
        replies_.push_back(support::Frame::intoReader(kj::mv(*whole), support::readerOptions()));
        return readOn();
      }
      return kj::READY_NOW;
    });
  }

  fuzz::Node& node_;
  kj::Own<kj::AsyncIoStream> end_;
  kj::Own<support::RpcConnection> server_;
  kj::Promise<void> gone_ = nullptr;
  kj::Own<support::FrameReader> reader_;
  std::vector<kj::Own<capnp::MessageReader>> replies_;
  kj::Promise<void> reading_ = nullptr;
};

enum class Becomes {
  kEnded,          // The connection is closed.
  kException,      // One call is answered with an exception; the connection goes on.
  kUnimplemented,  // The message comes back as one that is not understood.
  kIgnored         // Nothing happens.
};

struct RpcCase {
  const char* name;
  Becomes becomes;
  std::function<void(Peer&)> play;
};

void PrintTo(const RpcCase& row, std::ostream* out) {
  *out << row.name;
}

Fill finish(uint32_t question) {
  return [question](auto message) { message.initFinish().setQuestionId(question); };
}

Fill release(uint32_t id, uint32_t count) {
  return [id, count](auto message) {
    message.initRelease().setId(id);
    message.getRelease().setReferenceCount(count);
  };
}

// Makes a call of an export. The answer to the bootstrap has exported the gate as number 0.
Fill callOfExport(uint32_t id) {
  return [id](auto message) {
    message.initCall().setQuestionId(1);
    message.getCall().initTarget().setImportedCap(id);
    message.getCall().setInterfaceId(capnp::typeId<wire::Gate>());
  };
}

void paramsWithCaps(Peer& peer, uint32_t count,
                    const std::function<void(capnp::rpc::CapDescriptor::Builder)>& fill) {
  peer.bootstrap();
  peer.call(1, [&](capnp::rpc::Call::Builder call) {
    auto table = call.getParams().initCapTable(count);
    for (auto entry : table) fill(entry);
  });
}

const RpcCase kRpcCases[] = {
    {"CallBeforeBootstrap", Becomes::kEnded, [](Peer& p) { p.send(callOfExport(0)); }},
    {"CallOfUnknownExport", Becomes::kEnded,
     [](Peer& p) {
       p.bootstrap();
       p.send(callOfExport(99));
     }},
    {"CallOfReleasedExport", Becomes::kEnded,
     [](Peer& p) {
       p.bootstrap();
       p.send([](auto m) { m.initFinish().setQuestionId(0); });
       p.send(release(0, 1));
       p.send(callOfExport(0));
     }},
    {"FifthBootstrap", Becomes::kEnded,
     [](Peer& p) {
       for (uint32_t i = 0; i < 5; ++i) p.bootstrap(i);
     }},
    {"BootstrapOfAnObjectId", Becomes::kException,
     [](Peer& p) {
       p.send([](auto m) {
         m.initBootstrap().getDeprecatedObjectId().template initAs<capnp::Text>(3);
       });
     }},
    {"SameQuestionTwice", Becomes::kEnded,
     [](Peer& p) {
       p.bootstrap();
       p.bootstrap();
     }},
    {"FinishOfUnknownQuestion", Becomes::kEnded, [](Peer& p) { p.send(finish(7)); }},
    {"FinishTwice", Becomes::kEnded,
     [](Peer& p) {
       p.bootstrap();
       p.send(finish(0));
       p.send(finish(0));
     }},
    {"ReturnToNoQuestion", Becomes::kEnded,
     [](Peer& p) { p.send([](auto m) { m.initReturn().setAnswerId(3); }); }},
    {"ReturnCanceledToNoQuestion", Becomes::kEnded,
     [](Peer& p) { p.send([](auto m) { m.initReturn().setCanceled(); }); }},
    {"ReturnFromOtherQuestion", Becomes::kEnded,
     [](Peer& p) { p.send([](auto m) { m.initReturn().setTakeFromOtherQuestion(5); }); }},
    {"ReleaseOfUnknownExport", Becomes::kEnded, [](Peer& p) { p.send(release(5, 1)); }},
    {"ReleaseOfMoreThanWasGiven", Becomes::kEnded,
     [](Peer& p) {
       p.bootstrap();
       p.send(release(0, 2));
     }},
    {"ReleaseOfAllOnes", Becomes::kEnded,
     [](Peer& p) {
       p.bootstrap();
       p.send(release(0, 0xffffffff));
     }},
    {"ResolveOfNoPromise", Becomes::kEnded,
     [](Peer& p) { p.send([](auto m) { m.initResolve().setPromiseId(4); }); }},
    {"DisembargoOfUnknownExport", Becomes::kEnded,
     [](Peer& p) {
       p.send([](auto m) {
         auto disembargo = m.initDisembargo();
         disembargo.initTarget().setImportedCap(44);
         disembargo.getContext().setSenderLoopback(1);
       });
     }},
    {"DisembargoOfNoPromise", Becomes::kEnded,
     [](Peer& p) {
       p.bootstrap();
       p.send([](auto m) {
         auto disembargo = m.initDisembargo();
         disembargo.initTarget().setImportedCap(0);
         disembargo.getContext().setSenderLoopback(1);
       });
     }},
    {"DisembargoThatNobodyAskedFor", Becomes::kEnded,
     [](Peer& p) {
       p.send([](auto m) { m.initDisembargo().getContext().setReceiverLoopback(9); });
     }},
    {"DisembargoOfAThirdParty", Becomes::kEnded,
     [](Peer& p) { p.send([](auto m) { m.initDisembargo().getContext().setProvide(1); }); }},
    {"WrongInterface", Becomes::kException,
     [](Peer& p) {
       p.bootstrap();
       p.call(1, [](auto call) { call.setInterfaceId(0x1234); });
     }},
    {"MethodBeyondTheInterface", Becomes::kException,
     [](Peer& p) {
       p.bootstrap();
       p.call(1, [](auto call) { call.setMethodId(65535); });
     }},
    {"ResultsToAThirdParty", Becomes::kEnded,
     [](Peer& p) {
       p.bootstrap();
       p.call(1, [](auto call) { call.getSendResultsTo().initThirdParty(); });
     }},
    {"CallOnAnAnswerThatFailed", Becomes::kException,
     [](Peer& p) {
       p.bootstrap();
       p.call(1, [](auto call) { call.setInterfaceId(0x1234); });
       p.send(finish(0));
       p.call(2, [](auto call) { call.getTarget().getPromisedAnswer().setQuestionId(1); });
     }},
    {"CallOnAnUnknownAnswer", Becomes::kEnded,
     [](Peer& p) {
       p.call(2, [](auto call) { call.getTarget().getPromisedAnswer().setQuestionId(55); });
     }},
    {"TransformOfAThousandSteps", Becomes::kException,
     [](Peer& p) {
       p.bootstrap();
       p.call(1, [](auto call) {
         for (auto op : call.getTarget().getPromisedAnswer().initTransform(1000))
           op.setGetPointerField(0);
       });
     }},
    {"Provide", Becomes::kUnimplemented,
     [](Peer& p) { p.send([](auto m) { m.initProvide().setQuestionId(1); }); }},
    {"Accept", Becomes::kUnimplemented,
     [](Peer& p) { p.send([](auto m) { m.initAccept().setQuestionId(1); }); }},
    {"Join", Becomes::kUnimplemented,
     [](Peer& p) { p.send([](auto m) { m.initJoin().setQuestionId(1); }); }},
    {"UnimplementedOfWhatWasNeverSent", Becomes::kEnded,
     [](Peer& p) {
       p.send([](auto m) { m.initUnimplemented().initBootstrap().setQuestionId(3); });
     }},
    {"AbortWithALongText", Becomes::kEnded,
     [](Peer& p) {
       p.send([](auto m) { m.initAbort().setReason(kj::str(kj::repeat('x', 50'000))); });
     }},
    {"AbortBeyondTheStrangersFrame", Becomes::kEnded,
     [](Peer& p) {
       p.send([](auto m) { m.initAbort().setReason(kj::str(kj::repeat('x', 1 << 20))); });
     }},
    {"CapabilityThatWeNeverGave", Becomes::kIgnored,
     [](Peer& p) { paramsWithCaps(p, 1, [](auto cap) { cap.setReceiverHosted(77); }); }},
    {"CapabilityOfAThirdParty", Becomes::kIgnored,
     [](Peer& p) {
       paramsWithCaps(p, 1, [](auto cap) { cap.initThirdPartyHosted().setVineId(5); });
     }},
    {"ThreeThousandCapabilities", Becomes::kIgnored,
     [](Peer& p) {
       uint32_t id = 0;
       paramsWithCaps(p, 3000, [&id](auto cap) { cap.setSenderHosted(id++); });
     }},
    {"HalfClosedBehindTheCall", Becomes::kEnded,
     [](Peer& p) {
       p.bootstrap();
       p.call(1, [](auto) {});
       p.halfClose();
     }},
};

class RpcBadInputTest : public testing::TestWithParam<RpcCase> {
 protected:
  ~RpcBadInputTest() noexcept override {}
  support::CapturedLog log_;
  fuzz::Node node_;
};

TEST_P(RpcBadInputTest, EndsAsExpectedAndTheNextControllerIsServed) {
  {
    Peer peer(node_);
    GetParam().play(peer);
    Becomes becomes = GetParam().becomes;
    EXPECT_EQ(peer.gone(), becomes == Becomes::kEnded);
    EXPECT_EQ(peer.exceptions() > 0, becomes == Becomes::kException);
    if (becomes != Becomes::kEnded) {
      EXPECT_EQ(peer.count(Message::UNIMPLEMENTED), becomes == Becomes::kUnimplemented ? 1u : 0u);
    }
  }
  EXPECT_EQ(node_.sessions.count(), 0u);
  EXPECT_EQ(node_.asked, 0u) << "a service was called";
  node_.expectHealthy();
}

INSTANTIATE_TEST_SUITE_P(GroupC, RpcBadInputTest, testing::ValuesIn(kRpcCases),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(RpcBadInputTest, AThousandBadConnectionsLeaveNothing) {
  support::CapturedLog log;
  fuzz::Node node;
  for (int i = 0; i < 1000; ++i) {
    Peer peer(node);
    peer.bootstrap();
    peer.send(finish(static_cast<uint32_t>(i)));
  }
  EXPECT_EQ(node.sessions.count(), 0u);
  node.expectHealthy();
}

}  // namespace
