// Fuzzes a real gate behind a guarded connection with hostile RPC messages in well-formed frames.
//
// Among them are calls on exports that were never given, answers to questions that were never
// asked, releases, disembargoes, and capabilities in wrong places. The connection may end, but the
// node must go on.
#include <capnp/message.h>
#include <capnp/rpc.capnp.h>
#include <capnp/serialize.h>
#include <kj/async-io.h>
#include <kj/debug.h>

#include "schema/facts.capnp.h"
#include "schema/file.capnp.h"
#include "schema/job.capnp.h"
#include "schema/service.capnp.h"
#include "schema/support/rpc/rpc_connection.h"
#include "tests_d/muster/fuzz/fill.h"
#include "tests_d/muster/fuzz/node.h"
#include "tests_d/muster/fuzz/target.h"

namespace {

using capnp::DynamicStruct;
using fuzz::Input;

// Fills parameters of one of our methods, so that calls reach it.
void fillParams(capnp::AnyPointer::Builder builder, Input& input) {
  static const capnp::StructSchema kTypes[] = {
      capnp::Schema::from<wire::Gate::HelloParams>(), capnp::Schema::from<wire::Jobs::RunParams>(),
      capnp::Schema::from<wire::FileView::StatParams>(),
      capnp::Schema::from<wire::Files::WriteTreeParams>(),
      capnp::Schema::from<wire::Jobs::AcknowledgeParams>()};
  fuzz::FillOptions options;
  auto type = kTypes[input.below(std::size(kTypes))];
  fuzz::fill(builder.initAs<DynamicStruct>(type), input, options);
}

// Makes a message that a client may send at that point, with the right ids.
void wellKnown(capnp::rpc::Message::Builder message, uint8_t which, Input& input) {
  if (which == 0) return message.initBootstrap().setQuestionId(0);
  if (which == 1) return message.initFinish().setQuestionId(input.below(4));
  auto call = message.initCall();
  call.setQuestionId(input.below(4));
  if (which == 2) {
    call.initTarget().initPromisedAnswer().setQuestionId(0);
    call.setInterfaceId(capnp::typeId<wire::Gate>());
    auto params = call.initParams().initContent().initAs<wire::Gate::HelloParams>();
    auto greeting = params.initGreeting();
    greeting.setProtocolMajor(wire::PROTOCOL_MAJOR);
    greeting.initSessionId(16);
  } else {
    // The target is the capability in a pointer of an earlier answer, the session or a grant.
    auto answer = call.initTarget().initPromisedAnswer();
    answer.setQuestionId(input.below(4));
    auto transform = answer.initTransform(1 + which % 3);
    for (auto op : transform) op.setGetPointerField(static_cast<uint16_t>(input.below(8)));
    static const uint64_t kInterfaces[] = {
        capnp::typeId<wire::Session>(), capnp::typeId<wire::Jobs>(),
        capnp::typeId<wire::FileView>(), capnp::typeId<wire::Files>()};
    call.setInterfaceId(kInterfaces[input.below(4)]);
    call.setMethodId(static_cast<uint16_t>(input.below(8)));
    fillParams(call.initParams().initContent(), input);
  }
}

kj::Array<capnp::word> makeMessage(Input& input) {
  capnp::MallocMessageBuilder builder;
  uint8_t which = input.byte();
  if (which % 16 < 8) {
    wellKnown(builder.initRoot<capnp::rpc::Message>(), which % 8, input);
  } else {
    fuzz::FillOptions options;
    options.smallIds = true;
    options.anyPointer = kj::Function<void(capnp::AnyPointer::Builder, Input&)>(fillParams);
    auto root = builder.initRoot<DynamicStruct>(capnp::Schema::from<capnp::rpc::Message>());
    fuzz::fill(root, input, options);
  }
  auto words = capnp::messageToFlatArray(builder);
  // Sometimes a pointer is damaged.
  if (which >= 240 && words.size() > 1) {
    size_t at = 8 + input.below(words.asBytes().size() - 8);
    words.asBytes()[at] ^= input.byte();
  }
  return words;
}

kj::Promise<void> drain(kj::AsyncInputStream& in, kj::ArrayPtr<kj::byte> into) {
  return in.tryRead(into.begin(), 1, into.size()).then([&in, into](size_t count) {
    return count == 0 ? kj::Promise<void>(kj::READY_NOW) : drain(in, into);
  });
}

}  // namespace

MUSTER_FUZZ_TARGET(rpc) {
  fuzz::Node node;
  {
    auto pipe = kj::newTwoWayPipe();
    auto peer = kj::mv(pipe.ends[0]);
    support::GuardOptions options;
    options.questionsMax = 16;
    options.queueMessagesMax = 32;
    support::RpcConnection connection(kj::mv(pipe.ends[1]), node.timer,
                                      node.gate("operator:ci", wire::Role::OPERATOR), options);
    kj::byte answers[4096];
    kj::Maybe<kj::Promise<void>> reading;
    if (input.byte() % 4 != 0) {
      reading = drain(*peer, answers).eagerlyEvaluate([](kj::Exception&&) {});
    }
    auto gone = connection.onDisconnect();
    for (unsigned i = 0; i < 64 && !input.empty() && !gone.poll(node.waitScope); ++i) {
      auto words = makeMessage(input);
      auto bytes = words.asBytes();
      auto writing = peer->write(bytes.begin(), bytes.size())
                         .catch_([](kj::Exception&&) {})
                         .eagerlyEvaluate(nullptr);
      // A message that is not taken at once never will be, because the node does not read a peer
      // that does not read its answers.
      if (!writing.poll(node.waitScope)) break;
      KJ_ASSERT(connection.queueCount() <= options.queueMessagesMax + options.questionsMax,
                "the queue towards the peer grows");
    }
  }
  node.advance(25 * kj::HOURS);
  KJ_ASSERT(node.sessions.count() == 0, "a session outlived its lease");
  node.expectHealthy();
}
