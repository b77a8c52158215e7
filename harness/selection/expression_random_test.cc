// Random expressions, against an evaluator that is as plain as can be: it makes the text and the
// meaning at the same time, so that it needs no parser.
#include <functional>
#include <random>

#include <gtest/gtest.h>

#include "harness/selection/expression.h"
#include "harness/selection/listed_testing.h"

namespace harness::selection {
namespace {

constexpr uint64_t kSeed = 20261201;
constexpr int kExpressions = 3000;

using Meaning = std::function<bool(const ListedTest&)>;

struct Made {
  std::string text;
  Meaning means;
  // How tightly its last sign binds: 0 is |, 1 is &, 2 is a predicate or !.
  int strength;
};

class Maker {
 public:
  explicit Maker(uint64_t seed) : random_(seed) {}

  Made make(int depth) {
    switch (depth == 0 ? 0 : pick(4)) {
      case 0:
        return predicate();
      case 1: {
        Made inner = make(depth - 1);
        return {blank() + "!" + blank() + bracketed(inner, 2),
                [means = inner.means](const ListedTest& test) { return !means(test); }, 2};
      }
      case 2:
        return joined(make(depth - 1), make(depth - 1), "&", 1);
      default:
        return joined(make(depth - 1), make(depth - 1), "|", 0);
    }
  }

  // Returns a test that has some of the few words that the predicates ask for.
  ListedTest test() {
    ListedTest test = listed(word(), "Suite" + word() + "." + word());
    for (int i = pick(3); i > 0; --i) test.labels.push_back(word());
    if (pick(2) == 0) test.owner = word();
    if (pick(2) == 0) test = needing(std::move(test), word(), pick(4));
    test.isDisruptive = pick(2) == 0;
    return test;
  }

 private:
  int pick(int below) { return static_cast<int>(random_() % static_cast<uint64_t>(below)); }
  std::string word() { return std::string(1, static_cast<char>('a' + pick(3))); }
  std::string blank() { return std::string(static_cast<size_t>(pick(3)), ' '); }

  // Puts brackets where the text would mean something else without, and sometimes elsewhere.
  std::string bracketed(const Made& made, int strength) {
    bool isNeeded = made.strength < strength;
    return isNeeded || pick(5) == 0 ? "(" + made.text + blank() + ")" : made.text;
  }

  Made joined(const Made& left, const Made& right, const std::string& sign, int strength) {
    bool isAnd = strength == 1;
    return {bracketed(left, strength) + blank() + sign + blank() + bracketed(right, strength),
            [isAnd, one = left.means, other = right.means](const ListedTest& test) {
              return isAnd ? one(test) && other(test) : one(test) || other(test);
            },
            strength};
  }

  Made predicate() {
    std::string value = word();
    switch (pick(6)) {
      case 0:
        return {"label(" + value + ")",
                [value](const ListedTest& test) {
                  for (const std::string& label : test.labels) {
                    if (label == value) return true;
                  }
                  return false;
                },
                2};
      case 1:
        return {"component(" + blank() + value + ")",
                [value](const ListedTest& test) { return test.component == value; }, 2};
      case 2:
        return {"suite(=*" + value + ")",
                [value](const ListedTest& test) { return test.suite == "Suite" + value; }, 2};
      case 3:
        return {"owner(~^" + value + "$)",
                [value](const ListedTest& test) { return test.owner == value; }, 2};
      case 4:
        return needs(value);
      default:
        return {"disruptive", [](const ListedTest& test) { return test.isDisruptive; }, 2};
    }
  }

  Made needs(const std::string& role) {
    int count = pick(4);
    bool isLess = pick(2) == 0;
    return {"needs(" + role + (isLess ? " < " : ">=") + std::to_string(count) + ")",
            [=](const ListedTest& test) {
              int has = 0;
              if (test.needs && test.needs->nodes.count(role) != 0)
                has = test.needs->nodes.at(role);
              return isLess ? has < count : has >= count;
            },
            2};
  }

  std::mt19937_64 random_;
};

TEST(RandomExpressionTest, MeansWhatThePlainEvaluatorSays) {
  Maker maker(kSeed);
  int fitting = 0;
  for (int i = 0; i < kExpressions; ++i) {
    Made made = maker.make(i % 6);
    Expression expression = Expression::parse(made.text);
    for (int k = 0; k < 10; ++k) {
      ListedTest test = maker.test();
      bool isMeant = made.means(test);
      ASSERT_EQ(expression.matches(test, {}), isMeant) << made.text << " of " << test.id();
      fitting += isMeant ? 1 : 0;
    }
  }
  // Expressions that are all true or all false would compare nothing.
  EXPECT_GT(fitting, kExpressions * 2);
  EXPECT_LT(fitting, kExpressions * 8);
}

}  // namespace
}  // namespace harness::selection
