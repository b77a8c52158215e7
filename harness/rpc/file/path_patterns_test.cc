// Tries that patterns are expanded as a shell expands them.
#include "harness/rpc/file/path_patterns.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> expanded(const std::string& pattern) {
  static const std::map<std::string, std::vector<std::string>> kTree = {
      {"/", {"var", "etc"}},
      {"/var", {"log", "lib"}},
      {"/var/log", {"b.log", "a.log", ".hidden.log", "a.log.1", "s*r"}},
      {"/var/lib", {"a.log"}},
  };
  return expandPattern(pattern, [](const std::string& directory) {
    auto found = kTree.find(directory);
    return found == kTree.end() ? std::vector<std::string>{} : found->second;
  });
}

TEST(PathPatternsTest, PatternMatchesNamesInOrder) {
  EXPECT_THAT(expanded("/var/log/*.log"), ElementsAre("/var/log/a.log", "/var/log/b.log"));
  EXPECT_THAT(expanded("//var/l[oi]*/a.log"), ElementsAre("/var/lib/a.log", "/var/log/a.log"));
  EXPECT_THAT(expanded("/var/log/?.log"), ElementsAre("/var/log/a.log", "/var/log/b.log"));
  EXPECT_THAT(expanded("/var/log/.*.log"), ElementsAre("/var/log/.hidden.log"));
  EXPECT_THAT(expanded("/*/log/s\\*r"), ElementsAre("/var/log/s*r"));
}

TEST(PathPatternsTest, PatternThatMatchesNothingGivesNothing) {
  EXPECT_THAT(expanded("/var/log/*.txt"), IsEmpty());
  EXPECT_THAT(expanded("/none/*"), IsEmpty());
  EXPECT_THAT(expanded("/var/*/none"), IsEmpty());
  EXPECT_THAT(expanded("/var/log/a.log/*"), IsEmpty());
}

}  // namespace
}  // namespace harness
