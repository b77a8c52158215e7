// Which role may call what: every method of every capability, taken from the schema. A method that
// is new there fails this test until somebody has decided who may call it.
#include <map>
#include <set>
#include <string>

#include <capnp/dynamic.h>
#include <capnp/message.h>
#include <capnp/schema.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/async-io.h>

#include "nodeagent/keeper/gate.h"

namespace nodeagent {
namespace {

using wire::Role;

// The least role that may call it. FileView's methods are also Files', ServiceView's also
// Services'.
const std::map<std::string, Role>& expectations() {
  static const std::map<std::string, Role> kLeast = {
      {"jobView.list", Role::OBSERVER},
      {"jobView.follow", Role::OBSERVER},
      {"fileView.stat", Role::OBSERVER},
      {"fileView.list", Role::OBSERVER},
      {"fileView.read", Role::OBSERVER},
      {"fileView.digest", Role::OBSERVER},
      {"fileView.readLink", Role::OBSERVER},
      {"fileView.attributes", Role::OBSERVER},
      {"fileView.space", Role::OBSERVER},
      {"fileView.walk", Role::OBSERVER},
      {"serviceView.status", Role::OBSERVER},
      {"facts.read", Role::OBSERVER},
      {"jobs.run", Role::OPERATOR},
      {"jobs.follow", Role::OPERATOR},
      {"jobs.writeInput", Role::OPERATOR},
      {"jobs.signal", Role::OPERATOR},
      {"jobs.cancel", Role::OPERATOR},
      {"jobs.cancelOf", Role::OPERATOR},  // Of others' jobs: admin, decided by the method.
      {"jobs.adopt", Role::OPERATOR},
      {"jobs.resize", Role::OPERATOR},
      {"jobs.acknowledge", Role::OPERATOR},
      {"files.stat", Role::OPERATOR},
      {"files.list", Role::OPERATOR},
      {"files.read", Role::OPERATOR},
      {"files.digest", Role::OPERATOR},
      {"files.readLink", Role::OPERATOR},
      {"files.attributes", Role::OPERATOR},
      {"files.space", Role::OPERATOR},
      {"files.walk", Role::OPERATOR},
      {"files.write", Role::OPERATOR},
      {"files.append", Role::OPERATOR},
      {"files.beginUpload", Role::OPERATOR},
      {"files.writeUpload", Role::OPERATOR},
      {"files.finishUpload", Role::OPERATOR},
      {"files.abandonUpload", Role::OPERATOR},
      {"files.makeDirectory", Role::OPERATOR},
      {"files.remove", Role::OPERATOR},
      {"files.rename", Role::OPERATOR},
      {"files.setMode", Role::OPERATOR},
      {"files.setOwner", Role::OPERATOR},
      {"files.link", Role::OPERATOR},
      {"files.setAttribute", Role::OPERATOR},
      {"files.removeAttribute", Role::OPERATOR},
      {"files.setTimes", Role::OPERATOR},
      {"files.writeTree", Role::OPERATOR},
      {"services.status", Role::OPERATOR},
      {"services.act", Role::OPERATOR},
  };
  return kLeast;
}

// A capability of this interface that serves nothing.
template <typename Interface>
RoomFactory<typename Interface::Client> offered() {
  class Nothing final : public Interface::Server {};
  return kj::Function<typename Interface::Client(Session&)>(
      [](Session&) -> typename Interface::Client { return kj::heap<Nothing>(); });
}

void addMethods(const std::string& name, capnp::InterfaceSchema interface,
                std::set<std::string>& methods) {
  for (auto method : interface.getMethods()) {
    methods.insert(name + "." + method.getProto().getName().cStr());
  }
  for (auto parent : interface.getSuperclasses()) addMethods(name, parent, methods);
}

class RoleMatrixTest : public testing::Test {
 protected:
  RoleMatrixTest() {
    rooms_.jobs = offered<wire::Jobs>();
    rooms_.jobView = offered<wire::JobView>();
    rooms_.files = offered<wire::Files>();
    rooms_.fileView = offered<wire::FileView>();
    rooms_.services = offered<wire::Services>();
    rooms_.serviceView = offered<wire::ServiceView>();
    rooms_.facts = offered<wire::FactsView>();
  }
  ~RoleMatrixTest() noexcept override {}

  // What a role holds, method by method.
  std::set<std::string> heldBy(Role role) {
    capnp::MallocMessageBuilder message;
    auto grants = message.initRoot<wire::Grants>();
    grant(rooms_, *session_, role, grants);
    std::set<std::string> methods;
    capnp::DynamicStruct::Reader reader = grants.asReader();
    for (auto field : capnp::Schema::from<wire::Grants>().getFields()) {
      if (!reader.has(field)) continue;
      addMethods(field.getProto().getName().cStr(), field.getType().asInterface(), methods);
    }
    return methods;
  }

  kj::EventLoop loop_;
  kj::WaitScope waitScope_{loop_};
  kj::TimerImpl timer_{kj::origin<kj::TimePoint>()};
  ManualClock clock_;
  kj::Own<Session> session_ = kj::refcounted<Session>(Session::Options(), clock_, timer_);
  Rooms rooms_;
};

TEST_F(RoleMatrixTest, EveryRoleHoldsExactlyTheMethodsThatAreItsOwn) {
  for (Role role : {Role::UNSPECIFIED, Role::OBSERVER, Role::OPERATOR, Role::ADMIN}) {
    std::set<std::string> wanted;
    for (const auto& [method, least] : expectations()) {
      if (role >= least) wanted.insert(method);
    }
    EXPECT_THAT(heldBy(role), testing::ContainerEq(wanted)) << "role " << static_cast<int>(role);
  }
}

TEST_F(RoleMatrixTest, EveryMethodOfTheSchemaHasAnEntry) {
  std::set<std::string> all, entries;
  for (auto field : capnp::Schema::from<wire::Grants>().getFields()) {
    addMethods(field.getProto().getName().cStr(), field.getType().asInterface(), all);
  }
  for (const auto& entry : expectations()) entries.insert(entry.first);
  EXPECT_THAT(all, testing::ContainerEq(entries));
}

}  // namespace
}  // namespace nodeagent
