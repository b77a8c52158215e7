// Says what a test suite or a test is about, so that tests can be chosen, ordered and reported by
// it: labels, owner, requirements, time limit, and what comes before it.
//
//   class KvTest : public muster::ClusterTest {
//    public:
//     static muster::About about() { return {.labels = {"kv"}, .owner = "storage"}; }
//   };
//
//   TEST_F(KvTest, HealsAfterPowerCut) { … }
//   MUSTER_ABOUT(KvTest, HealsAfterPowerCut, .labels = {"slow"}, .requirements = {"REQ-7"});
//
// It does not say what a suite needs of a cluster (needs.h), and it skips no test.
//
// Things to get right:
//   * about() belongs to suites whose fixture derives from ClusterTest. MUSTER_ABOUT belongs to one
//     test of any suite: TEST, TEST_F, TEST_P and typed tests. It stands anywhere in the program,
//     best behind the test.
//   * A test has the labels, requirements and `after` of its suite and its own. Its owner and its
//     time limit are its own, else those of the suite. It is disruptive if either says so.
//   * A wrong value is an error with its place when the tests are listed, and before the first
//     test runs: an empty word, white space in a word, a negative time, an unknown test.
//
// docs/reference/selection.md says how tests are chosen.
#pragma once

#include <chrono>
#include <iosfwd>
#include <string>
#include <vector>

namespace muster {

struct About {
  // Are words by which tests are chosen, such as "slow": `muster run --label slow`.
  std::vector<std::string> labels = {};

  // Names the person or the team that cares for the test: one word. Empty: nobody is named.
  std::string owner = {};

  // Are the ids of the requirements that the test checks, such as "REQ-7".
  std::vector<std::string> requirements = {};

  // Is what the test may take, instead of the default of --muster-test-time. A time that somebody
  // gives by that flag or by MUSTER_TEST_TIME outweighs it. 0: the default.
  std::chrono::nanoseconds timeLimit{0};

  // Names what runs before, if it runs at all: a suite or SUITE.TEST of this program, or
  // COMPONENT/SUITE and COMPONENT/SUITE.TEST of another one. It selects nothing.
  std::vector<std::string> after = {};

  // The test leaves nodes such that others should not have them: it runs behind the others of its
  // component.
  bool disruptive = false;
};

// Prints it for gtest.
void PrintTo(const About& about, std::ostream* out);

namespace internal {

// Takes down what one test is about. Its objects are made before main.
struct TestAbout {
  TestAbout(const char* suite, const char* test, About about, const char* file, int line);
};

}  // namespace internal
}  // namespace muster

// Says what one test of a suite is about. The members of About follow, in their order.
#define MUSTER_ABOUT(suite, test, ...)                                      \
  static const ::muster::internal::TestAbout muster_about_##suite##_##test( \
      #suite, #test, ::muster::About{__VA_ARGS__}, __FILE__, __LINE__)
