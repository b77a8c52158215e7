// Tries every way of being the wrong peer of a real agent. Each is told the reason, has no effect,
// and does not keep the agent from serving the next peer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodeagent/agent_test/agent_fixture.h"
#include "schema/job.capnp.h"

namespace nodeagent {
namespace {

using Kind = wire::Error::Kind;
using support::Authority;
using support::Purpose;
using support::Remedy;
using support::Validity;
using testing::HasSubstr;

struct WrongCertificate {
  const char* what;
  support::KeyPair pair;
  Remedy remedy;
  // The agent's log must contain this.
  const char* log;
};

std::vector<WrongCertificate> wrongCertificates() {
  const Validity usual, over{2 * 24 * 3600, -3600}, later{-3600, 7200};
  const Authority foreign = Authority::make("foreign");
  const Authority namesake = Authority::make("test cluster");
  auto named = [&](const std::string& name) {
    return authority().issue(name, {}, Purpose::kClient, usual);
  };
  auto node = authority().issueNode("n1");
  const char* role = "is not ROLE:NAME";
  const char* refused = "certificate refused";
  std::string withNul("operator:ci\0x", 13);
  return {
      {"foreign authority", foreign.issueClient("operator:ci"), Remedy::kFixIdentity, refused},
      {"same name, other key", namesake.issueClient("operator:ci"), Remedy::kFixIdentity, refused},
      {"a node's", node, Remedy::kFixIdentity, "unsuitable certificate purpose"},
      {"the authority's own", authority().pair(), Remedy::kFixIdentity, refused},
      {"for servers, with a role", authority().issue("admin:x", {}, Purpose::kServer, usual),
       Remedy::kFixIdentity, "unsuitable certificate purpose"},
      {"expired", authority().issueClient("operator:ci", over), Remedy::kFixClock, "has expired"},
      {"not yet valid", authority().issueClient("operator:ci", later), Remedy::kFixIdentity,
       "not yet valid"},
      {"no name", named(""), Remedy::kRetry, role},
      {"no role", named("ci"), Remedy::kRetry, role},
      {"unknown role", named("root:ci"), Remedy::kRetry, role},
      {"empty name", named("operator:"), Remedy::kRetry, role},
      {"role in capitals", named("Operator:ci"), Remedy::kRetry, role},
      {"two roles", named("observer:admin:ci"), Remedy::kRetry, role},
      {"line break", named("operator:a\nb"), Remedy::kRetry, role},
      {"NUL", named(withNul), Remedy::kRetry, role},
      {"not ASCII", named("operator:\xc3\xa4"), Remedy::kRetry, role},
      {"64 bytes", named("operator:" + std::string(54, 'x') + "!"), Remedy::kRetry, role},
  };
}

class RefusedPeersTest : public AgentTest {
 protected:
  // Returns the failure that the client meets, or null if it is let in.
  kj::Maybe<kj::Exception> attempt(const support::KeyPair& pair) {
    support::TlsClient tls({authority().certificate(), pair});
    return kj::runCatchingExceptions([&]() {
      auto connection = connect(1, tls);
      hello(*connection);
    });
  }
};

TEST_F(RefusedPeersTest, EveryWrongCertificateIsRefusedAndNothingRuns) {
  startFront();
  for (const WrongCertificate& wrong : wrongCertificates()) {
    support::CapturedLog log;
    KJ_IF_MAYBE (exception, attempt(wrong.pair)) {
      EXPECT_EQ(support::classify(*exception), wrong.remedy)
          << wrong.what << ": " << exception->getDescription().cStr();
    } else {
      ADD_FAILURE() << wrong.what << ": it was let in";
    }
    EXPECT_THAT(log.text(), HasSubstr(wrong.log)) << wrong.what;
    EXPECT_EQ(sessions_.count(), 0u) << wrong.what;
  }
  EXPECT_TRUE(attempt(authority().issueClient("operator:ci")) == nullptr);
  EXPECT_EQ(sessions_.count(), 1u);
}

TEST_F(RefusedPeersTest, OnlyHelloExistsBeforeHello) {
  startFront();
  auto connection = connect();
  auto run = connection->bootstrap().castAs<wire::Jobs>().runRequest();
  KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() { run.send().wait(io_.waitScope); })) {
    EXPECT_EQ(exception->getType(), kj::Exception::Type::UNIMPLEMENTED);
  } else {
    ADD_FAILURE() << "it was served";
  }
  EXPECT_FALSE(hello(*connection).hasError());
}

TEST_F(RefusedPeersTest, SessionOfAnotherIdentityIsDenied) {
  startFront();
  support::TlsClient mine({authority().certificate(), authority().issueClient("operator:ci")});
  support::TlsClient other({authority().certificate(), authority().issueClient("operator:eve")});
  support::TlsClient demoted({authority().certificate(), authority().issueClient("observer:ci")});
  auto first = connect(1, mine);
  EXPECT_FALSE(hello(*first).hasError());
  for (support::TlsClient* tls : {&other, &demoted}) {
    auto thief = connect(1, *tls);
    auto answer = hello(*thief);
    EXPECT_EQ(answer.getError().getKind(), Kind::DENIED);
    EXPECT_FALSE(answer.hasSession());
  }
}

TEST_F(RefusedPeersTest, WrongGreetingsAreRefusedByKind) {
  startFront();
  using Change = kj::Function<void(wire::Greeting::Builder)>;
  struct Wrong {
    const char* what;
    Change change;
    Kind kind;
  };
  auto id = [](size_t size) {
    return Change([size](auto greeting) { greeting.initSessionId(static_cast<unsigned>(size)); });
  };
  Wrong all[] = {
      {"older", [](auto greeting) { greeting.setProtocolMajor(0); }, Kind::VERSION_MISMATCH},
      {"newer", [](auto greeting) { greeting.setProtocolMajor(65535); }, Kind::VERSION_MISMATCH},
      {"node", [](auto greeting) { greeting.setNodeName("n2"); }, Kind::WRONG_NODE},
      {"no id", id(0), Kind::INVALID},
      {"short id", id(15), Kind::INVALID},
      {"long id", id(17), Kind::INVALID},
      {"silence", [](auto greeting) { greeting.setSilenceMaxNs(-1); }, Kind::INVALID},
      {"unknown",
       [](auto greeting) {
         greeting.setSessionId(support::Id::random().data());
         greeting.setAttach(wire::Attach::ATTACH_ONLY);
       },
       Kind::EXPIRED},
  };
  for (Wrong& wrong : all) {
    auto connection = connect();
    auto request = connection->bootstrap().castAs<wire::Gate>().helloRequest();
    auto greeting = request.initGreeting();
    greeting.setProtocolMajor(wire::PROTOCOL_MAJOR);
    greeting.setSessionId(sessionId_.data());
    wrong.change(greeting);
    auto answer = request.send().wait(io_.waitScope);
    EXPECT_EQ(answer.getError().getKind(), wrong.kind) << wrong.what;
    EXPECT_FALSE(answer.hasSession()) << wrong.what;
    EXPECT_EQ(sessions_.count(), 0u) << wrong.what;
  }
  auto connection = connect();
  EXPECT_FALSE(hello(*connection).hasError());
  EXPECT_EQ(hello(*connection).getError().getKind(), Kind::CONFLICT);
}

}  // namespace
}  // namespace nodeagent
