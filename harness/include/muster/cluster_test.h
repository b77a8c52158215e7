// The fixture of every test that uses nodes.
//
//   class ReplicaTest : public muster::ClusterTest {
//    public:
//     static muster::Needs needs() { return {.nodes = {{"server", 3}, {"client", 1}}}; }
//   };
//
//   TEST_F(ReplicaTest, SurvivesALostServer) { … servers()[2] … }
//
// The nodes are connected before the fixture's SetUp. Their needs not met: the test is skipped,
// with the reason. A node that should be there and does not answer: the test fails with a text that
// begins with "infrastructure: ", and the program's exit status is 2.
#pragma once

#include <concepts>
#include <typeinfo>

#include <gtest/gtest.h>

#include <muster/cluster.h>
#include <muster/needs.h>

namespace muster {

// Also for TEST_P: derive the fixture from this and from testing::WithParamInterface.
class ClusterTest : public testing::Test {
 public:
  // What the suite needs. Hide it in the fixture with a static function of the same signature.
  // Without: one server.
  static Needs needs() { return {.nodes = {{"server", 1}}}; }

  // The cluster, its servers and its clients. Valid in tests and, as statics, in SetUpTestSuite and
  // TearDownTestSuite; there they throw NodeError kInfrastructure if there is no cluster.
  static Cluster& cluster();
  static NodeSet servers();
  static NodeSet clients();

 protected:
  // Opens the test's DeadlineScope; skips or fails the test as said above, before its SetUp.
  ClusterTest();
  ~ClusterTest() override;

 private:
  DeadlineScope deadline_;
};

namespace internal {

// Called when gtest registers a test at `file` and `line`: what its suite needs, by the fixture's
// type.
void declareNeeds(const std::type_info& fixture, Needs (*needs)(), const char* file, int line);

}  // namespace internal
}  // namespace muster

namespace testing::internal {

// gtest asks this for the suite's set-up when it registers a suite, which is the one place where
// the fixture's type is known before any test runs. It answers as the original does.
template <typename T>
requires std::derived_from<T, muster::ClusterTest>
struct SuiteApiResolver<T> : T {
  static SetUpTearDownSuiteFuncType GetSetUpCaseOrSuite(const char* file, int line) {
    muster::internal::declareNeeds(typeid(T), &T::needs, file, line);
    SetUpTearDownSuiteFuncType older = GetNotDefaultOrNull(&T::SetUpTestCase, &Test::SetUpTestCase);
    return older ? older : &T::SetUpTestSuite;
  }
  static SetUpTearDownSuiteFuncType GetTearDownCaseOrSuite(const char*, int) {
    SetUpTearDownSuiteFuncType older =
        GetNotDefaultOrNull(&T::TearDownTestCase, &Test::TearDownTestCase);
    return older ? older : &T::TearDownTestSuite;
  }
};

}  // namespace testing::internal
