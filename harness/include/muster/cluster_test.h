// The fixture of every test that uses nodes.
//
//   #include <muster/muster.h>
//
//   class ReplicaTest : public muster::ClusterTest {
//    public:
//     static muster::Needs needs() { return {.nodes = {{"server", 3}, {"client", 1}}}; }
//   };
//
//   TEST_F(ReplicaTest, EveryServerAnswers) {
//     EXPECT_THAT(servers().run({"true"}), muster::OnEachNode(muster::Succeeded()));
//   }
//
// The nodes are connected before the fixture's SetUp. Commands, and what they left running, end
// with the test that began them, and so do changes that are undone at UndoAt::kTestEnd. What
// SetUpTestSuite began ends with the suite. Anything else that a test leaves (files, services) the
// next test finds, and --check-nodes makes the test fail for much of it.
//
// Things to get right:
//   * If the needs are not met, the test is skipped with the reason. If the nodes should be there
//     and too few of them answer, it fails with a text that begins with "infrastructure: ", and the
//     program's exit status is 2 unless some test failed for another reason. In either case nothing
//     of the fixture is constructed.
//   * A node that does not answer, and that the needs are met without, is left out of the test's
//     cluster, which standard error says once. Write tests for the number of nodes that is there.
//   * Do not write a main: link the CMake target muster::main (muster_component does so).
//   * The suite must have the name of its fixture, so that its needs are known before it runs. For
//     TEST_P, an alias does not do: derive a class for each suite name.
//   * A test has ten minutes unless its about() or --muster-test-time says otherwise. Calls on
//   nodes end then; the
//     test's own loops do not, and a test that passes later fails.
//   * A death test runs its statement in another process, which has no nodes: a call on one there
//     is NodeError kInvalid or kUnsupported, and the death test fails. In gtest's style
//     "threadsafe", the default, the other process makes the fixture anew. A fixture whose set-up
//     uses nodes takes GTEST_FLAG_SET(death_test_style, "fast") before its death tests.
//   * A child process that a test forks ends by _exit(), and has no nodes either.
#pragma once

#include <concepts>
#include <optional>
#include <typeinfo>

#include <gtest/gtest.h>

#include <muster/about.h>
#include <muster/cluster.h>
#include <muster/deadline.h>
#include <muster/log_rules.h>
#include <muster/metric_rules.h>
#include <muster/needs.h>

namespace muster {

// Serves TEST_P as well: derive the fixture from this and from testing::WithParamInterface.
class ClusterTest : public testing::Test {
 public:
  // Says what the suite needs. Hide it in the fixture with a public static function of this
  // signature. The default is one server.
  static Needs needs() { return {.nodes = {{"server", 1}}}; }

  // Says which logs of the nodes the suite watches, and what in them makes a test fail
  // (log_rules.h). Hide it in the same way. The default is none.
  static Logs logs() { return {}; }

  // Says which processes of the nodes the suite records, and by how much each may grow in a test
  // (metric_rules.h). Hide it in the same way. The default is none.
  static MetricRules metrics() { return {}; }

  // Says by which words the suite is chosen, and when it runs (about.h). Hide it in the same way.
  // The default is nothing.
  static About about() { return {}; }

  // Return the cluster, its servers and its clients. They are valid in tests and, being static, in
  // SetUpTestSuite and TearDownTestSuite; there they throw NodeError kInfrastructure if there is no
  // cluster, and end a SetUpTestSuite whose needs are not met, so that its tests are skipped.
  // servers() and clients() may be empty. The cluster lives until the program ends, so nodes may be
  // kept between tests.
  static Cluster& cluster();
  static NodeSet servers();
  static NodeSet clients();

  // Returns the machine on which the tests run, as a node: named "controller", in no set, with the
  // rights of the program's user. What is begun on it is undone like that on any other. Its agent
  // is started by the first call, and waited for by the first call on the node.
  //
  //   local().copyTo("/tmp/key", servers()[0], "/root/key");
  //
  // NodeError kInfrastructure if the agent cannot be started.
  static Node& local();

  // What runs and is set up on the nodes now may stay there, such as daemons that all suites
  // share and the first test needs: --check-nodes compares with this state from now on.
  static void acceptNodeChanges();

 protected:
  // Opens the test's DeadlineScope. Skips or fails the test as said above, by an exception that
  // gtest knows as one without news; with --gtest_catch_exceptions=0 it returns instead, and gtest
  // leaves out SetUp and the body.
  ClusterTest();
  ~ClusterTest() override;

 private:
  std::optional<DeadlineScope> deadline_;
};

namespace internal {

// What a fixture says of its suite by functions.
struct SuiteDeclarations {
  Needs (*needs)();
  Logs (*logs)();
  MetricRules (*metrics)();
  About (*about)();
};

// Called when gtest registers a test at `file` and `line`, with the fixture's type.
void declareSuite(const std::type_info& fixture, const SuiteDeclarations& declarations,
                  const char* file, int line);

// Called between SetUp, the body, and TearDown of a test.
void beginBody();
void endBody();

// Is what gtest makes of a test, with the body told from SetUp and TearDown.
template <typename T>
class WithBody : public T {
 protected:
  void SetUp() override {
    T::SetUp();
    beginBody();
  }
  void TearDown() override {
    endBody();
    T::TearDown();
  }
};

// Tells whether a derived class may call both, which it may not where a fixture has private ones.
template <typename T>
struct OpenToDerived : T {
  static constexpr bool kValue = requires(OpenToDerived & test) {
    test.T::SetUp();
    test.T::TearDown();
  };
};

template <typename T>
testing::Test* newTest() {
  if constexpr (OpenToDerived<T>::kValue) {
    return new WithBody<T>;
  } else {
    return new T;
  }
}

}  // namespace internal
}  // namespace muster

namespace testing::internal {

// gtest asks this for the suite's set-up when it registers a suite, which is the one place where
// the fixture's type is known before any test runs. It answers as the original does.
template <typename T>
requires std::derived_from<T, muster::ClusterTest>
struct SuiteApiResolver<T> : T {
  static SetUpTearDownSuiteFuncType GetSetUpCaseOrSuite(const char* file, int line) {
    muster::internal::declareSuite(typeid(T), {&T::needs, &T::logs, &T::metrics, &T::about}, file,
                                   line);
    SetUpTearDownSuiteFuncType older = GetNotDefaultOrNull(&T::SetUpTestCase, &Test::SetUpTestCase);
    return older ? older : &T::SetUpTestSuite;
  }
  static SetUpTearDownSuiteFuncType GetTearDownCaseOrSuite(const char*, int) {
    SetUpTearDownSuiteFuncType older =
        GetNotDefaultOrNull(&T::TearDownTestCase, &Test::TearDownTestCase);
    return older ? older : &T::TearDownTestSuite;
  }
};

// gtest makes the object of each test by one of these two. They answer as the originals do, with
// the body told from SetUp and TearDown.
template <typename T>
requires std::derived_from<T, muster::ClusterTest>
class TestFactoryImpl<T> : public TestFactoryBase {
 public:
  Test* CreateTest() override { return muster::internal::newTest<T>(); }
};

template <typename T>
requires std::derived_from<T, muster::ClusterTest>
class ParameterizedTestFactory<T> : public TestFactoryBase {
 public:
  explicit ParameterizedTestFactory(typename T::ParamType parameter) : parameter_(parameter) {}
  Test* CreateTest() override {
    T::SetParam(&parameter_);
    return muster::internal::newTest<T>();
  }

 private:
  const typename T::ParamType parameter_;
};

}  // namespace testing::internal
