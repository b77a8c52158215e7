#include "tests_d/muster/versions/contract_rules.h"

#include <capnp/schema-parser.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/filesystem.h>

namespace versions {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Parses the body of an interface Service; the annotation has the id of the real one.
class Contract {
 public:
  explicit Contract(const std::string& body) {
    std::string text =
        "@0xba0cbc9d74b7b66c;\n"
        "annotation since @0xd03292dc61cacb3d (field, enumerant, param) :UInt16;\n"
        "interface Service {\n" +
        body + "}\n";
    auto path = kj::Path({"service.capnp"});
    directory_->openFile(path, kj::WriteMode::CREATE)->writeAll(text.c_str());
    schema_ = parser_.parseFromDirectory(*directory_, kj::mv(path), nullptr)
                  .getNested("Service")
                  .asInterface();
  }

  capnp::InterfaceSchema schema() const { return schema_; }

 private:
  kj::Own<kj::Directory> directory_ = kj::newInMemoryDirectory(kj::nullClock());
  capnp::SchemaParser parser_;
  capnp::InterfaceSchema schema_;
};

std::vector<std::string> faults(const std::string& before, const std::string& now) {
  Contract earlier(before);
  Contract later(now);
  return changesThatBreak(earlier.schema(), later.schema(), 1, 2);
}

TEST(ContractRulesTest, NamesMayChange) {
  EXPECT_THAT(faults("do @0 (a :Text);", "run @0 (b :Text);"), IsEmpty());
}

TEST(ContractRulesTest, NewPartsOfARequestSayWhenTheyCame) {
  EXPECT_THAT(faults("do @0 (a :Text);", "do @0 (a :Text, b :Bool);"),
              ElementsAre("do$Params.b is new in a request and has no $Common.since"));
  EXPECT_THAT(faults("do @0 (a :Text);", "do @0 (a :Text, b :Bool $since(2));"), IsEmpty());
  EXPECT_THAT(faults("do @0 (a :E); enum E { x @0; }", "do @0 (a :E); enum E { x @0; y @1; }"),
              ElementsAre("E.y is new in a request and has no $Common.since"));
}

TEST(ContractRulesTest, FirstMemberOfANewUnionIsItsAbsence) {
  EXPECT_THAT(faults("do @0 (a :S); struct S { a @0 :Text; }",
                     "do @0 (a :S); struct S { a @0 :Text; b :union { c @1 :Void; d @2 :Bool; "
                     "e @3 :Bool $since(2); } }"),
              ElementsAre("S.b.d is new in a request and has no $Common.since"));
}

TEST(ContractRulesTest, NumberOfANewPartIsOneThatThisProtocolBrings) {
  for (const char* since : {"1", "3"}) {
    EXPECT_EQ(
        faults("do @0 (a :Text);", std::string("do @0 (a :Text, b :Bool $since(") + since + "));")
            .size(),
        1u)
        << since;
  }
}

TEST(ContractRulesTest, NewPartsOfAnAnswerAreFree) {
  EXPECT_THAT(faults("do @0 () -> (a :Text);", "do @0 () -> (a :Text, b :Bool);"), IsEmpty());
}

TEST(ContractRulesTest, NothingIsLostOrMoved) {
  EXPECT_THAT(faults("do @0 (a :Text, b :Text);", "do @0 (a :Text);"),
              ElementsAre("do$Params lost field @1"));
  EXPECT_THAT(faults("do @0 (a :S); struct S { a @0 :Text; b @1 :Data; }",
                     "do @0 (a :S); struct S { b @0 :Data; a @1 :Text; }"),
              ElementsAre("S.b changed its type", "S.a changed its type"));
  EXPECT_THAT(faults("do @0 (a :Text); end @1 ();", "do @0 (a :Text);"),
              ElementsAre("Service lost a method"));
}

}  // namespace
}  // namespace versions
