// Fuzzes sequences of connections, hellos, calls and lapses of time by peers of different identity
// and role.
//
// The peers use capabilities instead of bytes. A model of the owners of sessions says which answers
// are right.
#include <map>
#include <vector>

#include <capnp/dynamic.h>
#include <kj/debug.h>

#include "nodeagent/session/service_testing.h"
#include "schema/facts.capnp.h"
#include "schema/file.capnp.h"
#include "schema/job.capnp.h"
#include "schema/service.capnp.h"
#include "tests_d/muster/fuzz/fill.h"
#include "tests_d/muster/fuzz/node.h"
#include "tests_d/muster/fuzz/target.h"

namespace {

using capnp::DynamicCapability;
using fuzz::Input;
using Kind = wire::Error::Kind;

struct Person {
  kj::StringPtr name;
  wire::Role role;
};

const Person kPeople[] = {{"operator:ci", wire::Role::OPERATOR},
                          {"operator:eve", wire::Role::OPERATOR},
                          {"observer:bob", wire::Role::OBSERVER},
                          {"admin:root", wire::Role::ADMIN},
                          {"nobody", wire::Role::UNSPECIFIED}};

class Play {
 public:
  explicit Play(Input& input) : input_(input) {}

  void run() {
    for (unsigned i = 0; i < 40 && !input_.empty(); ++i) step();
    gates_.clear();
    capabilities_.clear();
    node_.advance(25 * kj::HOURS);
    KJ_ASSERT(node_.sessions.count() == 0, "a session outlived its lease");
    node_.expectHealthy();
  }

 private:
  struct Entrance {
    const Person* person;
    wire::Gate::Client gate;
  };

  struct Asked {
    std::string id;
    uint16_t major;
    wire::Attach attach;
  };

  void step() {
    switch (input_.below(6)) {
      case 0: {
        const Person& person = kPeople[input_.below(std::size(kPeople))];
        gates_.push_back({&person, node_.gate(person.name, person.role)});
        if (gates_.size() > 8) gates_.erase(gates_.begin());
        return;
      }
      case 1:
      case 2:
        if (!gates_.empty()) hello(gates_[input_.below(static_cast<uint32_t>(gates_.size()))]);
        return;
      case 3:
        if (!capabilities_.empty()) callAnything();
        return;
      case 4:
        node_.advance(input_.byte() * kj::SECONDS);
        return;
      default:
        if (!capabilities_.empty()) capabilities_.erase(capabilities_.begin());
    }
  }

  void hello(Entrance& entrance) {
    auto request = entrance.gate.helloRequest();
    auto greeting = request.initGreeting();
    uint8_t mode = input_.byte();
    if (mode % 4 == 0) {
      fuzz::FillOptions options;
      fuzz::fill(capnp::DynamicStruct::Builder(greeting), input_, options);
    }
    if (mode % 8 != 0) greeting.setProtocolMajor(wire::PROTOCOL_MAJOR);
    kj::byte id[16] = {};
    id[0] = input_.byte() % 4;
    if (mode % 16 != 0) greeting.setSessionId(kj::arrayPtr(id, sizeof id));
    greeting.setAttach(input_.byte() % 4 == 0 ? wire::Attach::ATTACH_ONLY
                                              : wire::Attach::CREATE_OR_ATTACH);
    Asked asked{
        std::string(greeting.getSessionId().asChars().begin(), greeting.getSessionId().size()),
        greeting.getProtocolMajor(), greeting.getAttach()};
    size_t greetingsBefore = node_.greetings;
    auto response = request.send().wait(node_.waitScope);
    if (response.hasError()) {
      KJ_ASSERT(!response.hasSession() && node_.greetings == greetingsBefore);
      KJ_ASSERT(response.getError().getKind() != Kind::INTERNAL);
      return;
    }
    admitted(entrance, asked, response);
  }

  void admitted(Entrance& entrance, const Asked& asked,
                capnp::Response<wire::Gate::HelloResults>& response) {
    auto welcome = response.getWelcome();
    KJ_ASSERT(asked.id.size() == 16 && asked.major == wire::PROTOCOL_MAJOR);
    const std::string& key = asked.id;
    kj::StringPtr name = entrance.person->name;
    if (welcome.getAttached()) {
      KJ_ASSERT(owners_.count(key) == 1 && owners_[key] == name.cStr(),
                "a session was given to another identity");
    } else {
      KJ_ASSERT(asked.attach == wire::Attach::CREATE_OR_ATTACH);
    }
    owners_[key] = name.cStr();
    auto grants = welcome.getGrants();
    wire::Role role = entrance.person->role;
    bool acts = role == wire::Role::OPERATOR || role == wire::Role::ADMIN;
    KJ_ASSERT(welcome.getRole() == role && welcome.getIdentity() == name);
    KJ_ASSERT(holds<wire::Jobs>(grants) == acts && holds<wire::Files>(grants) == acts &&
              holds<wire::Services>(grants) == acts);
    bool sees = role != wire::Role::UNSPECIFIED;
    KJ_ASSERT(holds<wire::FactsView>(grants) == sees && holds<wire::FileView>(grants) == sees);
    keep(response.getSession());
    if (acts) {
      keep(nodeagent::granted<wire::Jobs>(grants));
      keep(nodeagent::granted<wire::Files>(grants));
    }
    if (sees) keep(nodeagent::granted<wire::FileView>(grants));
  }

  template <typename Interface>
  static bool holds(wire::Grants::Reader grants) {
    return nodeagent::findGranted<Interface>(grants) != nullptr;
  }

  template <typename Client>
  void keep(Client client) {
    capabilities_.push_back(kj::mv(client));
    if (capabilities_.size() > 16) capabilities_.erase(capabilities_.begin());
  }

  void callAnything() {
    auto& capability = capabilities_[input_.below(static_cast<uint32_t>(capabilities_.size()))];
    auto methods = capability.getSchema().getMethods();
    auto method = methods[input_.below(methods.size())];
    auto request = capability.newRequest(method);
    fuzz::FillOptions options;
    fuzz::fill(request, input_, options);
    auto refused =
        kj::runCatchingExceptions([&]() { fuzz::readAll(request.send().wait(node_.waitScope)); });
    KJ_IF_MAYBE (exception, refused) {
      KJ_ASSERT(exception->getType() == kj::Exception::Type::UNIMPLEMENTED, *exception);
    }
  }

  Input& input_;
  fuzz::Node node_;
  std::vector<Entrance> gates_;
  std::vector<DynamicCapability::Client> capabilities_;
  std::map<std::string, std::string> owners_;  // The owner of each session id that the node told.
};

}  // namespace

MUSTER_FUZZ_TARGET(session) {
  Play(input).run();
}
