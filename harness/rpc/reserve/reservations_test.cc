#include "harness/rpc/reserve/reservations.h"

#include <gmock/gmock.h>

#include "harness/rpc/fake/fake_agent_fixture.h"

namespace harness {
namespace {

using muster::NodeError;

class ReservationsTest : public OnFakeAgent {};

// The fake agent has no reservations, as one of an earlier version.
TEST_F(ReservationsTest, OlderAgentIsNamedAsTheReason) {
  agent_.change([](FakeAgent::Script& script) { script.role = wire::Role::OPERATOR; });
  ControllerNode& node = controller_.connect(agent_.description());
  NodeError status = errorOf([&] { rpc::Reservations(node).status(in(std::chrono::seconds(5))); });
  EXPECT_EQ(status.kind(), NodeError::Kind::kUnsupported);
  EXPECT_THAT(status.detail(), testing::HasSubstr("the agent has no ReservationView"));
  ReservationRequest request;
  request.id = rpc::newReservationId();
  NodeError reserve =
      errorOf([&] { rpc::ReservedNodes nodes({&node}, request, {}, [](auto&&...) {}); });
  EXPECT_EQ(reserve.kind(), NodeError::Kind::kUnsupported);
  EXPECT_THAT(reserve.detail(), testing::HasSubstr("upgrade it"));
}

TEST_F(ReservationsTest, EndsAreToldInWords) {
  ReservationEnd end;
  end.how = ReservationEnd::How::kRevoked;
  end.by = "root@build7";
  EXPECT_EQ(toString(end), "was revoked by root@build7");
  end.reason = "the rack moves";
  EXPECT_EQ(toString(end), "was revoked by root@build7: the rack moves");
  end.how = ReservationEnd::How::kExpired;
  EXPECT_EQ(toString(end), "has expired");
}

}  // namespace
}  // namespace harness
