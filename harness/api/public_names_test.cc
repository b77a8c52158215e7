// Names that a test declares itself must not collide with Muster's under `using namespace muster`.
#include <gtest/gtest.h>

#include <muster/muster.h>

using namespace muster;

// In the global namespace, where a collision would make the name ambiguous.
struct Cpu {};
struct NumaNode {};
struct Memory {};
struct Disk {};
struct Mount {};
struct Interface {};
struct InterfaceAddress {};
struct Errors {};
struct Undo {};
struct Existing {};
struct Overflow {};
struct Lifetime {};
struct Links {};
struct Flow {};
struct LinkFaults {};
struct Job {};
struct Files {};
struct Services {};
struct Error {};
struct Options {};
struct Connection {};
struct Controller {};
struct Session {};

namespace {

template <typename... Own>
constexpr size_t countOf() {
  return sizeof...(Own);
}

TEST(PublicNamesTest, NamesThatATestNeedsItselfAreFree) {
  EXPECT_EQ((countOf<Cpu, NumaNode, Memory, Disk, Mount, Interface, InterfaceAddress, Errors, Undo,
                     Existing, Overflow, Lifetime, Links, Flow, LinkFaults, Job, Files, Services,
                     Error, Options, Connection, Controller, Session>()),
            23u);
}

// As tests write them that say `using namespace muster` and nothing more.
TEST(PublicNamesTest, MatchersOfGmockAreFoundForThoseOfMuster) {
  Result result;
  result.outcome = Outcome::exited(0);
  EXPECT_THAT(result, AllOf(Succeeded(), Not(ExitedWith(1))));
  EXPECT_THAT(result, AllOf(StdoutIs(""), Not(Prints("x"))));
  EXPECT_THAT(Results({{"n1", result, {}}}), AllOf(Not(OnEachNode(Lost())), Each(Succeeded())));
  EXPECT_THAT([&] { return result; }, AnyOf(Not(Eventually(Not(Succeeded()), 0s)), FailsWith({})));
  [[maybe_unused]] testing::Matcher<const Node&> runs = AllOf(Runs({"true"}), Not(Runs({"false"})));
}

}  // namespace
