#include "harness/run/normalised_text.h"

#include <gtest/gtest.h>

namespace harness::run {
namespace {

std::string normalised(std::string_view text) {
  return normalisedText(text, 1024);
}

TEST(NormalisedTextTest, TimesAreReplaced) {
  const std::pair<const char*, const char*> kTexts[] = {
      {"at 2026-12-01T02:45:01.123Z on", "at <time> on"},
      {"[2026/12/01 02:45:01,250 +0100] up", "[<time>] up"},
      {"Dec  1 02:45:01 kvd[4711]: gone", "<time> kvd[<n>]: gone"},
      {"Mon, Dec 1, 02:45:01 up", "<time> up"},
      {"02:45:01.5 up, 12:34:56:78", "<time> up, <time>:<n>"},
      {"Mon is no time, Dec 1 neither", "Mon is no time, Dec <n> neither"},
  };
  for (const auto& [text, expected] : kTexts) EXPECT_EQ(normalised(text), expected);
}

TEST(NormalisedTextTest, AddressesAreReplaced) {
  const std::pair<const char*, const char*> kTexts[] = {
      {"connect to 10.7.0.12:7400 refused", "connect to <address> refused"},
      {"route 10.7.0.0/16: none", "route <address>: none"},
      {"[fe80::1]:80 and fe80::5054:ff:fe12:3456", "<address> and <address>"},
      {"fe80::1%eth0: up", "<address>: up"},
      {"1:2:3:4:5:6:7:8 is one, 1:2:3 is none", "<address> is one, <n>:<n>:<n> is none"},
      {"52:54:00:12:34:56 left", "<address> left"},
      {"version 1.2.3.4.5", "version <n>"},
      {"std::string of add: 5", "std::string of add: <n>"},
  };
  for (const auto& [text, expected] : kTexts) EXPECT_EQ(normalised(text), expected);
}

TEST(NormalisedTextTest, IdsAndNumbersAreReplaced) {
  const std::pair<const char*, const char*> kTexts[] = {
      {"id 550e8400-e29b-41d4-a716-446655440000.", "id <uuid>."},
      {"object at 0x7ffd3a10 freed", "object at <pointer> freed"},
      {"open /tmp/muster-x81k/log: denied", "open /tmp/<temporary>/log: denied"},
      {"/var/tmp/a and /dev/shm/", "/var/tmp/<temporary> and /dev/shm/"},
      {"commit 3fa91c20d1b2 is bad", "commit <hex> is bad"},
      {"entry 9999999, entry 10000000", "entry <n>, entry <n>"},
      {"waited 12.5 s, -3e-5 of 250ms", "waited <n> s, -<n> of <n>ms"},
  };
  for (const auto& [text, expected] : kTexts) EXPECT_EQ(normalised(text), expected);
}

TEST(NormalisedTextTest, NamesStay) {
  for (const char* text : {"server1 on x86_64 said defaced", "libkv.so.6", "no number", "",
                           "deadbeef", "_1 a1b2c3d4z"}) {
    EXPECT_EQ(normalised(text), text);
  }
}

TEST(NormalisedTextTest, IsBoundedAndTakesAnyBytes) {
  EXPECT_EQ(normalisedText(std::string(1 << 20, 'x'), 100).size(), 100u);
  EXPECT_EQ(normalised(std::string_view("\xff\xfe broken 12 \0 bytes", 21)),
            std::string_view("\xff\xfe broken <n> \0 bytes", 22));
}

// A number that has become longer must not move the end of the text.
TEST(NormalisedTextTest, TextsThatDifferInTheirNumbersAreCutAlike) {
  std::string one;
  std::string other;
  for (int i = 0; i < 100; ++i) {
    one += "key 1 is lost ";
    other += "key 1000000 is lost ";
  }
  EXPECT_EQ(normalisedText(one, 200), normalisedText(other, 200));
}

}  // namespace
}  // namespace harness::run
