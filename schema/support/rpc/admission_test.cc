// Tries on a clock of its own which connections may begin, and which have to wait.
#include "schema/support/rpc/admission.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace support {
namespace {

using testing::HasSubstr;

sockaddr_storage address(const std::string& text) {
  sockaddr_storage result{};
  auto& v4 = reinterpret_cast<sockaddr_in&>(result);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(result);
  if (text == "unix") {
    result.ss_family = AF_UNIX;
  } else if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    result.ss_family = AF_INET;
  } else {
    EXPECT_EQ(inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr), 1) << text;
    result.ss_family = AF_INET6;
  }
  return result;
}

// The n-th of many IPv4 addresses.
sockaddr_storage many(size_t n) {
  return address("10.1." + std::to_string(n / 250) + "." + std::to_string(n % 250));
}

class AdmissionTest : public testing::Test {
 protected:
  ~AdmissionTest() noexcept override {}

  std::string refusal(const sockaddr_storage& from) {
    KJ_IF_MAYBE (reason, admission_.refusal(from, now_)) {
      return reason->cStr();
    }
    return "";
  }
  // Enters a connection if it may begin, as the front does.
  bool comes(const sockaddr_storage& from) {
    if (!refusal(from).empty()) return false;
    admission_.enter(sourceOf(from));
    return true;
  }

  AdmissionLimits limits_;
  uint32_t dice_ = 99;  // Nobody is dropped at random.
  std::string why_;
  kj::TimePoint now_ = kj::origin<kj::TimePoint>() + 1 * kj::HOURS;
  Admission admission_{limits_, addressRanges("10.9.0.0/16,fd09::/16", &why_).value(),
                       [this]() { return dice_; }};
};

TEST_F(AdmissionTest, NinthStrangerFromOneAddressIsRefused) {
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(comes(address("10.0.0.1"))) << i;
  EXPECT_THAT(refusal(address("10.0.0.1")), HasSubstr("from one address"));
  EXPECT_TRUE(comes(address("10.0.0.2")));
  admission_.leave("10.0.0.1");
  EXPECT_TRUE(comes(address("10.0.0.1")));
  EXPECT_FALSE(comes(address("::ffff:10.0.0.1")));
}

TEST_F(AdmissionTest, ThirtyThirdStrangerIsRefused) {
  for (size_t i = 0; i < 32; ++i) EXPECT_TRUE(comes(many(i))) << i;
  EXPECT_EQ(refusal(many(32)), "too many connections that have not said hello");
  EXPECT_TRUE(comes(address("unix")));  // Whoever sits on the machine gets in.
  admission_.leave(sourceOf(many(3)));
  EXPECT_TRUE(comes(many(32)));
  EXPECT_FALSE(comes(many(33)));
}

TEST_F(AdmissionTest, RandomRefusalsGrowFromSixteenStrangersOn) {
  dice_ = 0;
  for (size_t i = 0; i < 16; ++i) EXPECT_TRUE(comes(many(i))) << i;
  EXPECT_THAT(refusal(many(16)), HasSubstr("at random"));
  dice_ = 30;
  EXPECT_TRUE(comes(many(16)));
  EXPECT_FALSE(comes(many(17)));
  dice_ = 99;
  for (size_t i = 17; i < 31; ++i) EXPECT_TRUE(comes(many(i))) << i;
  dice_ = 94;
  EXPECT_FALSE(comes(many(31)));
  EXPECT_TRUE(comes(address("unix")));
}

TEST_F(AdmissionTest, KnownSourceHasAReserve) {
  admission_.proved("10.0.0.1", now_);
  for (size_t i = 0; i < 32; ++i) EXPECT_TRUE(comes(many(i))) << i;
  dice_ = 0;
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(comes(address("10.0.0.1"))) << i;
  EXPECT_FALSE(comes(many(32)));
  admission_.penalize(address("10.0.0.1"), now_);
  EXPECT_THAT(refusal(address("10.0.0.1")), HasSubstr("penalized"));
  now_ = now_ + limits_.knownFor;
  EXPECT_FALSE(comes(address("10.0.0.1")));
}

TEST_F(AdmissionTest, IdleStrangersOfAKnownSourceGiveWay) {
  auto from = address("10.0.0.1");
  admission_.proved("10.0.0.1", now_);
  for (int i = 0; i < 8; ++i) {
    EXPECT_FALSE(admission_.mustDisplace("10.0.0.1", now_)) << i;
    EXPECT_TRUE(comes(from)) << i;
  }
  EXPECT_EQ(refusal(from), "");
  EXPECT_TRUE(admission_.mustDisplace("10.0.0.1", now_));
  admission_.leave("10.0.0.1");
  EXPECT_FALSE(admission_.mustDisplace("10.0.0.1", now_));
  EXPECT_FALSE(admission_.mustDisplace("10.0.0.2", now_));
}

TEST_F(AdmissionTest, PenaltiesDoubleUpToTenMinutesAndAreForgotten) {
  auto from = address("10.0.0.1");
  for (int seconds : {5, 10, 20, 40, 80, 160, 320, 600, 600}) {
    admission_.penalize(from, now_);
    now_ = now_ + seconds * kj::SECONDS - 1 * kj::MILLISECONDS;
    EXPECT_THAT(refusal(from), HasSubstr("penalized")) << seconds;
    EXPECT_EQ(refusal(address("10.0.0.2")), "");
    now_ = now_ + 1 * kj::MILLISECONDS;
    EXPECT_EQ(refusal(from), "") << seconds;
  }
  now_ = now_ + 600 * kj::SECONDS;
  admission_.penalize(from, now_);
  now_ = now_ + 5 * kj::SECONDS;
  EXPECT_EQ(refusal(from), "");
}

TEST_F(AdmissionTest, NeighboursInOneIpv6NetworkShareAPenalty) {
  admission_.penalize(address("fd01::1"), now_);
  EXPECT_NE(refusal(address("fd01::2:3")), "");
  EXPECT_EQ(refusal(address("fd01:0:0:1::1")), "");
}

TEST_F(AdmissionTest, ExemptAndLocalAddressesAreNeverPenalized) {
  for (const char* from : {"10.9.1.2", "::ffff:10.9.1.2", "fd09::1", "unix"}) {
    admission_.penalize(address(from), now_);
    EXPECT_EQ(refusal(address(from)), "") << from;
  }
  EXPECT_EQ(admission_.penaltyCount(), 0u);
}

TEST_F(AdmissionTest, RemembersABoundedNumberOfSources) {
  for (size_t i = 0; i < 5000; ++i) admission_.penalize(many(i), now_);
  EXPECT_EQ(admission_.penaltyCount(), limits_.penaltiesMax);
  EXPECT_NE(refusal(many(4999)), "");
  now_ = now_ + 5 * kj::SECONDS;
  admission_.penalize(many(6000), now_);
  EXPECT_EQ(admission_.penaltyCount(), 1u);
}

TEST(AddressRangeTest, ReadsAddressesAndNetworksAndNothingElse) {
  std::string why;
  EXPECT_TRUE(AddressRange::fromText("10.1.2.0/23", &why)->covers(address("10.1.3.9")));
  EXPECT_FALSE(AddressRange::fromText("10.1.2.0/23", &why)->covers(address("10.1.4.0")));
  EXPECT_TRUE(AddressRange::fromText("::1", &why)->covers(address("::1")));
  EXPECT_TRUE(AddressRange::fromText("0.0.0.0/0", &why)->covers(address("1.2.3.4")));
  EXPECT_FALSE(AddressRange::fromText("0.0.0.0/0", &why)->covers(address("fd00::1")));
  for (const char* wrong : {"", "host", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8x", "::/129", "/8",
                            "10.0.0/8", "10.0.0.0/-1"}) {
    why.clear();
    EXPECT_FALSE(AddressRange::fromText(wrong, &why)) << wrong;
    EXPECT_NE(why, "");
  }
  EXPECT_FALSE(addressRanges("10.0.0.1,,10.0.0.2", &why));
}

}  // namespace
}  // namespace support
