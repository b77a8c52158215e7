// Compares the interfaces that the agent's services offer to each role with those of the schema. An
// interface that is new in the schema fails this test until a service offers it.
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include <capnp/any.h>
#include <capnp/message.h>
#include <capnp/schema-loader.h>
#include <gmock/gmock.h>
#include <kj/debug.h>

#include "nodeagent/facts/facts_service.h"
#include "nodeagent/keeper/service_set.h"
#include "nodeagent/keeper/services.h"
#include "nodeagent/session/service_testing.h"
#include "schema/enrol.capnp.h"
#include "schema/facts.capnp.h"
#include "schema/file.capnp.h"
#include "schema/job.capnp.h"
#include "schema/service.capnp.h"

namespace nodeagent {
namespace {

using testing::ContainerEq;
using wire::Role;

constexpr Role kRoles[] = {Role::UNSPECIFIED, Role::OBSERVER, Role::OPERATOR, Role::ADMIN};

Role roleOf(const std::string& word) {
  auto roles = capnp::Schema::from<Role>();
  return static_cast<Role>(roles.getEnumerantByName(word.c_str()).getOrdinal());
}

// Reads the interfaces of the services' schemas with their least roles. It reads the text, because
// the compiled schemas have no list.
std::map<std::string, Role> schemaInterfaces() {
  std::map<std::string, Role> found;
  // The interfaces by which a peer gets in belong to no service.
  const std::set<std::string> entrances = {"agent.capnp", "enrol.capnp"};
  const std::regex interface("\ninterface (\\w+)([^{]*)\\{");
  const std::regex least("\\$Common\\.least\\((\\w+)\\)");
  for (auto& file : std::filesystem::directory_iterator(MUSTER_SCHEMA_DIR)) {
    std::string name = file.path().filename();
    if (file.path().extension() != ".capnp" || entrances.count(name) > 0) continue;
    std::stringstream text;
    text << std::ifstream(file.path()).rdbuf();
    std::string all = text.str();
    for (std::sregex_iterator each(all.begin(), all.end(), interface), end; each != end; ++each) {
      std::smatch role;
      std::string rest = (*each)[2];
      bool has = std::regex_search(rest, role, least);
      found[(*each)[1]] = has ? roleOf(role[1]) : Role::UNSPECIFIED;
    }
  }
  return found;
}

class RoleMatrixTest : public testing::Test {
 protected:
  RoleMatrixTest() {
    char path[] = "/tmp/role-matrix-XXXXXX";
    directory_ = mkdtemp(path);
    place_.host.stateDirectory = directory_.c_str();
    auto services = makeServices(place_.host);
    for (auto& service : services) {
      for (auto& offer : service->offers()) {
        std::string name = offer.interface.getShortDisplayName().cStr();
        least_[name] = offer.least;
        names_[offer.interfaceId()] = name;
      }
    }
    set_ = kj::heap<ServiceSet>(kj::mv(services));
  }
  ~RoleMatrixTest() noexcept override {
    set_ = nullptr;
    std::filesystem::remove_all(directory_);
  }

  wire::Grants::Builder grantsOf(Role role) {
    message_ = kj::heap<capnp::MallocMessageBuilder>();
    auto grants = message_->initRoot<wire::Grants>();
    set_->grant(*session_, role, grants);
    return grants;
  }

  std::set<std::string> heldBy(Role role) {
    std::set<std::string> held;
    for (auto grant : grantsOf(role).asReader().getMore()) {
      held.insert(names_.at(grant.getInterfaceId()));
    }
    return held;
  }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  std::string directory_;
  TestHost place_{io_};
  kj::Own<Session> session_ = newSession(io_.provider->getTimer());
  kj::Own<ServiceSet> set_;
  // Holds the least role of each interface as it is offered.
  std::map<std::string, Role> least_;
  std::map<uint64_t, std::string> names_;
  kj::Own<capnp::MallocMessageBuilder> message_;
};

TEST_F(RoleMatrixTest, EveryInterfaceOfTheSchemaIsOfferedWithItsLeastRole) {
  EXPECT_THAT(least_, ContainerEq(schemaInterfaces()));
}

TEST_F(RoleMatrixTest, EveryRoleHoldsExactlyItsInterfaces) {
  const auto interfaces = schemaInterfaces();
  for (Role role : kRoles) {
    std::set<std::string> wanted;
    for (const auto& [name, least] : interfaces) {
      if (role >= least) wanted.insert(name);
    }
    EXPECT_EQ(wanted.empty(), role == Role::UNSPECIFIED);
    EXPECT_THAT(heldBy(role), ContainerEq(wanted)) << "role " << static_cast<int>(role);
  }
  EXPECT_THAT(heldBy(static_cast<Role>(99)), testing::IsEmpty());
}

// Such a controller knows the seven pointers of Grants by their numbers, but not the list.
TEST_F(RoleMatrixTest, AControllerOfProtocolOneZeroFindsWhatItIsGranted) {
  const char* const kFields[] = {"Jobs",     "JobView",     "Files",    "FileView",
                                 "Services", "ServiceView", "FactsView"};
  for (Role role : kRoles) {
    auto held = heldBy(role);
    capnp::AnyStruct::Reader grants = grantsOf(role).asReader();
    for (unsigned i = 0; i < std::size(kFields); ++i) {
      EXPECT_EQ(grants.getPointerSection()[i].isNull(), held.count(kFields[i]) == 0)
          << kFields[i] << " for role " << static_cast<int>(role);
    }
  }
  capnp::AnyStruct::Reader grants = grantsOf(Role::OPERATOR).asReader();
  auto facts = grants.getPointerSection()[6].getAs<wire::FactsView>();
  auto read = facts.readRequest().send().wait(io_.waitScope);
  EXPECT_GT(read.getFacts().getHostname().size(), 0u);
  auto follow = grants.getPointerSection()[0].getAs<wire::Jobs>().followRequest();
  follow.setNumber(1);
  auto answer = follow.send().wait(io_.waitScope);
  EXPECT_EQ(answer.getError().getKind(), wire::Error::Kind::NOT_FOUND);
}

TEST_F(RoleMatrixTest, NoInterfaceIsOfferedTwice) {
  EXPECT_ANY_THROW(ServiceSet(kj::arr(makeFacts(place_.host), makeFacts(place_.host))));
}

TEST(LeastRoleTest, AnInterfaceWithoutALeastRoleIsRefused) {
  EXPECT_EQ(leastRoleOf(capnp::Schema::from<wire::Jobs>()), Role::OPERATOR);
  EXPECT_ANY_THROW(leastRoleOf(capnp::Schema::from<wire::Enrolment>()));
}

// Otherwise a role that holds the interface could call methods that its base reserves.
TEST(LeastRoleTest, AnInterfaceOfALesserRoleThanItsBaseIsRefused) {
  capnp::MallocMessageBuilder message;
  message.setRoot(capnp::Schema::from<wire::ServiceView>().getProto());
  auto base = message.getRoot<capnp::schema::Node>();
  base.getAnnotations()[0].getValue().setEnum(static_cast<uint16_t>(Role::ADMIN));
  capnp::SchemaLoader loader;
  loader.load(base.asReader());
  auto derived = loader.load(capnp::Schema::from<wire::Services>().getProto()).asInterface();
  EXPECT_ANY_THROW(leastRoleOf(derived));
}

}  // namespace
}  // namespace nodeagent
