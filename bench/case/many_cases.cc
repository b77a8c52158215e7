// A test program with 5 000 tests of 100 suites, for the time that listing them takes:
//
//   time muster list --bin-dir bin --count
//
// They are registered by a loop, since 5 000 classes would cost the compiler minutes.
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <muster/muster.h>

namespace {

constexpr int kSuites = 100;
constexpr int kTestsOfEach = 50;

template <int kNumber>
class ManyTest : public muster::ClusterTest {
 public:
  static muster::Needs needs() { return {.nodes = {{"server", 1 + kNumber % 4}}}; }
  static muster::About about() {
    return {.labels = {"label" + std::to_string(kNumber % 7)}, .owner = "bench"};
  }

 private:
  void TestBody() override {}
};

// A suite of the loop has another name than its fixture. The lines, each of one test, tell whose it
// is.
template <int kNumber>
bool registerSuite() {
  for (int i = 0; i < kTestsOfEach; ++i) {
    std::string suite = "Many" + std::to_string(kNumber) + "Test";
    std::string name = "Case" + std::to_string(i);
    testing::RegisterTest(suite.c_str(), name.c_str(), nullptr, nullptr, __FILE__,
                          kNumber * kTestsOfEach + i + 1,
                          []() -> ManyTest<kNumber>* { return new ManyTest<kNumber>; });
  }
  return true;
}

template <int... kNumbers>
bool registerAll(std::integer_sequence<int, kNumbers...>) {
  return (registerSuite<kNumbers>() && ...);
}

[[maybe_unused]] const bool kRegistered = registerAll(std::make_integer_sequence<int, kSuites>());

}  // namespace
