// Decides which lines of a log are asked for, by regular expressions (RE2). It refuses those that
// would match everything by mistake.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace re2 {
class RE2;
}

namespace nodeagent::logs {

// Immutable, so that threads may share it.
class LineFilter {
 public:
  static constexpr size_t kPatternsMax = 64;
  static constexpr size_t kPatternBytesMax = 4096;

  // Without patterns, every line matches. Fails with kind invalid for a pattern that does not
  // compile or matches the empty string, and names it.
  explicit LineFilter(const std::vector<std::string>& patterns);
  ~LineFilter();

  bool matchesAll() const { return !line_; }

  bool matches(std::string_view line) const;

  // Tells whether one of the whole lines of `block` may match. It costs less than to ask for each.
  bool mayMatchIn(std::string_view block) const;

 private:
  // Null: every line matches.
  std::unique_ptr<re2::RE2> line_;
  // Null: there is no such expression.
  std::unique_ptr<re2::RE2> block_;
};

}  // namespace nodeagent::logs
