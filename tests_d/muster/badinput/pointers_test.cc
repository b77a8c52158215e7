// Groups A and B of the catalogue of bad input, without the cases in frame_test.cc.
//
// These are frames of other encodings and sizes, and pointers that lead out of a message, into
// circles, or to far more bytes than were sent.
#include <string.h>

#include <functional>
#include <vector>

#include <capnp/dynamic.h>
#include <capnp/rpc.capnp.h>
#include <gtest/gtest.h>
#include <kj/async-io.h>

#include "nodeagent/exec/job_spec.h"
#include "schema/support/base/log.h"
#include "schema/support/base/wire_error.h"
#include "schema/support/rpc/guarded_stream.h"
#include "tests_d/muster/fuzz/fill.h"

namespace {

using Words = std::vector<uint64_t>;
using Segments = std::vector<Words>;

enum Element { kVoid = 0, kBit = 1, kByte = 2, kFourBytes = 4, kPointer = 6, kComposite = 7 };

uint64_t structAt(int32_t offset, uint16_t dataWords, uint16_t pointers) {
  return (static_cast<uint32_t>(offset) << 2) | (uint64_t{dataWords} << 32) |
         (uint64_t{pointers} << 48);
}
uint64_t listAt(int32_t offset, Element element, uint32_t count) {
  return (static_cast<uint32_t>(offset) << 2 | 1u) | (uint64_t{element} << 32) |
         (uint64_t{count} << 35);
}
uint64_t farTo(uint32_t segment, uint32_t position, bool twice = false) {
  return 2u | (twice ? 4u : 0u) | (position << 3) | (uint64_t{segment} << 32);
}
constexpr uint64_t kCapability = 3;

// Returns a JobSpec of two pointers, `argv` and `environment`, without data. The words `rest`
// follow.
Segments specOf(uint64_t argv, uint64_t environment = 0, Words rest = {}) {
  Words words = {structAt(0, 0, 2), argv, environment};
  words.insert(words.end(), rest.begin(), rest.end());
  return {words};
}

// Returns a Message.unimplemented that contains another one, nested `levels` deep.
Segments nested(size_t levels) {
  Words words = {structAt(0, 1, 1)};
  for (size_t i = 1; i < levels; ++i) {
    words.push_back(0);  // The union's tag: unimplemented.
    words.push_back(structAt(0, 1, 1));
  }
  words.push_back(0);
  words.push_back(0);
  return {words};
}

// Returns a list of `times` pointers to the same `bytes` bytes.
Segments shared(uint32_t times, uint32_t bytes) {
  Words words = {structAt(0, 0, 1), listAt(0, kPointer, times)};
  for (uint32_t i = 0; i < times; ++i)
    words.push_back(listAt(static_cast<int32_t>(times - i - 1), kByte, bytes));
  words.resize(words.size() + bytes / 8, 0x7878787878787878);
  return {words};
}

struct PointerCase {
  const char* name;
  bool refused;  // A case that is not refused reads as something harmless, such as a default.
  Segments segments;
  bool asMessage = false;  // The case is read as Message of the RPC protocol, not as JobSpec.
};

void PrintTo(const PointerCase& row, std::ostream* out) {
  *out << row.name;
}

const PointerCase kPointerCases[] = {
    {"NullRoot", false, {{0}}},
    {"RootIsAList", true, {{listAt(0, kByte, 8), 0}}},
    {"RootIsACapability", true, {{kCapability}}},
    {"FarPointerToItself", true, {{farTo(0, 0)}}},
    {"FarPointersInACircle", true, {{farTo(1, 0)}, {farTo(0, 0)}}},
    {"FarPointerOutOfItsSegment", true, {{farTo(0, 5000)}}},
    {"FarPointerToNoSegment", true, {{farTo(63, 0)}}},
    {"FarPointerToAFarPointer", true, {{farTo(1, 0)}, {farTo(1, 1), structAt(0, 0, 0)}}},
    {"DoubleFarPointerToNoLandingPad", true, {{farTo(1, 0, true)}, {0, 0}}},
    {"DoubleFarPointerAtTheEnd", true, {{farTo(1, 0, true)}, {farTo(0, 0)}}},
    {"DoubleFarPointerWithAnOffsetTag",
     false,
     {{farTo(1, 0, true)}, {farTo(2, 0), structAt(9999, 1, 0)}, {0}}},
    {"StructBeyondItsSegment", true, {{structAt(0, 9, 9), 0}}},
    {"StructBeforeItsSegment", true, {{structAt(-5, 1, 0), 0}}},
    {"ListBeyondItsSegment", true, specOf(listAt(1, kPointer, 9999))},
    {"ListOfAllOnesBytes", true, specOf(listAt(1, kByte, 0x1fffffff))},
    {"ArgumentsOfTheWrongElementSize", true, specOf(listAt(1, kFourBytes, 2), 0, {0})},
    {"ArgumentsOfBits", true, specOf(listAt(1, kBit, 7), 0, {0})},
    {"ArgumentsAreAStruct", true, specOf(structAt(1, 1, 0), 0, {0})},
    {"ArgumentIsACapability", true, specOf(listAt(1, kPointer, 1), 0, {kCapability})},
    {"HalfABillionVoidVariables", true, specOf(0, listAt(0, kVoid, 0x1fffffff))},
    {"CompositeListWithoutATag", true, specOf(0, listAt(0, kComposite, 0))},
    {"CompositeListWithAListAsTag", true,
     specOf(0, listAt(0, kComposite, 1), {listAt(0, kByte, 1), 0})},
    {"CompositeListOfMoreThanItsWords", true,
     specOf(0, listAt(0, kComposite, 1), {structAt(1000, 1, 0), 0})},
    {"CompositeListOfNegativeCount", true,
     specOf(0, listAt(0, kComposite, 1), {structAt(-1, 1, 0), 0})},
    {"CompositeListWhoseSizeOverflows", true,
     specOf(0, listAt(0, kComposite, 1), {structAt(0x1fffffff, 0xffff, 0xffff), 0})},
    {"CompositeListOfEmptyElements", true,
     specOf(0, listAt(0, kComposite, 0), {structAt(0x1fffffff, 0, 0)})},
    {"EmptyArguments", false, specOf(listAt(0, kPointer, 0))},
    {"ArgumentsThatOverlap", false,
     specOf(listAt(1, kPointer, 2), 0,
            {listAt(1, kByte, 8), listAt(0, kByte, 8), 0x7878787878787878})},
    {"ArgumentWithoutItsEnd", false,
     specOf(listAt(1, kPointer, 1), 0, {listAt(0, kByte, 3), ~0ull})},
    {"SharedSubTreesWithinTheLimit", false, shared(100, 4096)},
    {"SharedSubTreesAmplified", true, shared(3000, 4096)},
    {"NestedLessThanTheLimit", false, nested(30), true},
    {"NestedBeyondTheLimit", true, nested(34), true},
    {"NestedTenThousandTimes", true, nested(10'000), true},
};

std::string frameOf(const Segments& segments) {
  std::string frame;
  auto add = [&frame](uint32_t value) { frame.append(reinterpret_cast<char*>(&value), 4); };
  add(static_cast<uint32_t>(segments.size() - 1));
  for (const Words& words : segments) add(static_cast<uint32_t>(words.size()));
  if (segments.size() % 2 == 0) add(0);
  for (const Words& words : segments)
    frame.append(reinterpret_cast<const char*>(words.data()), words.size() * 8);
  return frame;
}

class PointerTest : public testing::TestWithParam<PointerCase> {
 protected:
  ~PointerTest() noexcept override {}

  // Receives the message as one of an admitted peer.
  kj::Own<capnp::MessageReader> receive(const std::string& frame) {
    support::FrameLimits limits;
    limits.bytesMax = support::kFrameBytesMax;
    auto pipe = kj::newOneWayPipe();
    support::FrameReader reader(*pipe.in, timer_, limits);
    auto writing = pipe.out->write(frame.data(), frame.size()).eagerlyEvaluate(nullptr);
    auto whole = reader.read().wait(scope_);
    return support::Frame::intoReader(kj::mv(KJ_ASSERT_NONNULL(whole)), support::readerOptions());
  }

  kj::EventLoop loop_;
  kj::WaitScope scope_{loop_};
  kj::TimerImpl timer_{kj::origin<kj::TimePoint>()};
  support::CapturedLog log_;
};

TEST_P(PointerTest, IsRefusedOrHarmless) {
  auto message = receive(frameOf(GetParam().segments));
  auto refused = kj::runCatchingExceptions([&]() {
    if (GetParam().asMessage) {
      fuzz::readAll(capnp::DynamicStruct::Reader(message->getRoot<capnp::rpc::Message>()));
    } else {
      fuzz::readAll(capnp::DynamicStruct::Reader(message->getRoot<wire::JobSpec>()));
    }
  });
  EXPECT_EQ(refused != nullptr, GetParam().refused);
}

INSTANTIATE_TEST_SUITE_P(GroupB, PointerTest, testing::ValuesIn(kPointerCases),
                         [](const auto& row) { return std::string(row.param.name); });

struct TextCase {
  const char* name;
  std::string user;
  bool refused;
};

// Text may be other bytes than UTF-8, but no NUL may hide a part of it from the kernel.
TEST(TextTest, NulIsRefusedAndOtherBytesStay) {
  const TextCase cases[] = {{"nul inside", std::string("ro\0ot", 5), true},
                            {"nul first", std::string("\0", 1), true},
                            {"overlong slash", "\xc0\xaf", false},
                            {"lone continuation", "\x80", false},
                            {"surrogate", "\xed\xa0\x80", false},
                            {"beyond unicode", "\xf5\x80\x80\x80", false},
                            {"empty", "", false}};
  for (const TextCase& row : cases) {
    capnp::MallocMessageBuilder message;
    auto spec = message.initRoot<wire::JobSpec>();
    spec.initArgv(1).set(0, kj::StringPtr("true").asBytes());
    spec.setDeadlineNs(1);
    spec.setUser(capnp::Text::Reader(row.user.c_str(), row.user.size()));
    auto refused = kj::runCatchingExceptions([&]() {
      EXPECT_EQ(std::string(nodeagent::exec::readJobSpec(spec).user.cStr()), row.user) << row.name;
    });
    EXPECT_EQ(refused != nullptr, row.refused) << row.name;
    KJ_IF_MAYBE (exception, refused) {
      EXPECT_EQ(support::toFailure(*exception, "test").kind, wire::Error::Kind::INVALID)
          << row.name;
    }
  }
}

}  // namespace
