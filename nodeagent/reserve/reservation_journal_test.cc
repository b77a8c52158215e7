#include "nodeagent/reserve/reservation_journal.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "schema/support/base/log.h"

namespace nodeagent::reserve {
namespace {

namespace fs = std::filesystem;

class ReservationJournalTest : public testing::Test {
 protected:
  ReservationJournalTest() {
    char path[] = "/tmp/reservation-journal-XXXXXX";
    directory_ = mkdtemp(path);
    journal_ = kj::atomicRefcounted<ReservationJournal>(kj::str(directory_.c_str(), "/r"));
  }
  ~ReservationJournalTest() noexcept override { fs::remove_all(directory_); }

  static Reservation sample() {
    Reservation sample;
    sample.id = support::Id::random();
    sample.identity = kj::str("operator:ci");
    sample.user = kj::str("alice@build7");
    sample.reason = kj::str("look at bug 12");
    sample.sinceRealtimeNs = 1'700'000'000'000'000'000;
    sample.lengthNs = kLengthDefaultNs;
    return sample;
  }

  void write(const Reservation& reservation) {
    journal_->write(reservation.id,
                    ReservationJournal::linesOf(reservation, reservation.sinceRealtimeNs,
                                                reservation.lengthNs));
  }

  std::string pathOf(const Reservation& of) const { return directory_ + "/r/" + of.id.text(); }

  std::string directory_;
  kj::Own<const ReservationJournal> journal_;
  support::CapturedLog log_;
};

TEST_F(ReservationJournalTest, WhatIsWrittenIsReadAgain) {
  Reservation written = sample();
  write(written);
  auto read = journal_->read();
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read[0].id, written.id);
  EXPECT_EQ(read[0].user, written.user);
  EXPECT_EQ(read[0].identity, written.identity);
  EXPECT_EQ(read[0].reason, written.reason);
  EXPECT_EQ(read[0].sinceRealtimeNs, written.sinceRealtimeNs);
  EXPECT_EQ(read[0].lengthNs, written.lengthNs);
  EXPECT_EQ(read[0].coverage, Coverage::PERSON);
  EXPECT_TRUE(read[0].isStanding());
  journal_->drop(written.id);
  EXPECT_EQ(journal_->read().size(), 0u);
}

// Each length at which a power cut may have left a file, but for the whole.
TEST_F(ReservationJournalTest, CutFilesAreNoReservationsAndAreRemoved) {
  Reservation written = sample();
  write(written);
  std::stringstream whole;
  whole << std::ifstream(pathOf(written)).rdbuf();
  for (size_t length = 0; length < whole.str().size(); ++length) {
    std::ofstream(pathOf(written)) << whole.str().substr(0, length);
    ASSERT_EQ(journal_->read().size(), 0u) << length;
    ASSERT_FALSE(fs::exists(pathOf(written))) << length;
  }
}

TEST_F(ReservationJournalTest, OneThatIsTooLongIsNone) {
  Reservation written = sample();
  written.lengthNs = kLengthMaxNs + 1;
  write(written);
  EXPECT_EQ(journal_->read().size(), 0u);
}

}  // namespace
}  // namespace nodeagent::reserve
