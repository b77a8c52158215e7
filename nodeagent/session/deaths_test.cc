#include "nodeagent/session/deaths.h"

#include <signal.h>

#include <gmock/gmock.h>

namespace nodeagent {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

Death deathOf(const support::Id& session, const std::string& program) {
  Death death;
  death.session = session;
  death.program = program;
  return death;
}

TEST(DeathsTest, EachIsToldOnceToItsSession) {
  Deaths deaths;
  support::Id ours = support::Id::random();
  support::Id theirs = support::Id::random();
  deaths.add(deathOf(ours, "kvd"));
  deaths.add(deathOf(theirs, "other"));
  std::vector<Death> first = deaths.since(0, ours);
  ASSERT_THAT(first, SizeIs(1));
  EXPECT_EQ(first[0].program, "kvd");
  EXPECT_THAT(deaths.since(deaths.position(), ours), IsEmpty());
}

TEST(DeathsTest, DeathWithoutACommandIsToldToAll) {
  Deaths deaths;
  Death death;
  death.kind = Death::Kind::kKernel;
  deaths.add(death);
  EXPECT_THAT(deaths.since(0, support::Id::random()), SizeIs(1));
}

TEST(DeathsTest, OldestGoes) {
  Deaths deaths;
  support::Id session = support::Id::random();
  for (size_t i = 0; i <= Deaths::kKeptMax; ++i) deaths.add(deathOf(session, std::to_string(i)));
  std::vector<Death> all = deaths.since(0, session);
  ASSERT_THAT(all, SizeIs(Deaths::kKeptMax));
  EXPECT_EQ(all.front().program, "1");
}

TEST(DeathsTest, TextIsBounded) {
  Deaths deaths;
  Death death;
  death.text.assign(1 << 20, 'x');
  deaths.add(death);
  EXPECT_THAT(deaths.since(0, support::Id::random())[0].text, SizeIs(Deaths::kTextBytesMax));
}

TEST(DeathsTest, PlacesAreAbsoluteAndEachIsNotedOnce) {
  Deaths deaths;
  deaths.noteDirectory("/a");
  deaths.noteDirectory("/b");
  deaths.noteDirectory("/a");
  deaths.noteDirectory("relative");
  EXPECT_THAT(deaths.directories(), ElementsAre("/b", "/a"));
}

TEST(DeathsTest, SignalToAServiceIsProvoked) {
  Deaths deaths;
  deaths.provoke("kvd", SIGABRT);
  EXPECT_TRUE(deaths.isProvoked("kvd", SIGABRT));
  EXPECT_FALSE(deaths.isProvoked("kvd", SIGSEGV));
  EXPECT_FALSE(deaths.isProvoked("other", SIGABRT));
  deaths.provoke(42, SIGSEGV);
  EXPECT_TRUE(deaths.isProvoked(42, SIGSEGV));
  EXPECT_FALSE(deaths.isProvoked(43, SIGSEGV));
}

TEST(DeathsTest, SignalsThatAskForAnEndAreNoCrash) {
  for (int signal : {SIGHUP, SIGINT, SIGTERM, SIGKILL, SIGPIPE, SIGALRM}) {
    EXPECT_FALSE(isCrashSignal(signal)) << signal;
  }
  for (int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGQUIT, SIGSYS, SIGTRAP}) {
    EXPECT_TRUE(isCrashSignal(signal)) << signal;
  }
}

}  // namespace
}  // namespace nodeagent
