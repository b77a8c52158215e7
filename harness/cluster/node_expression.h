// Sets of node names as people write them: "server[1-3],client1", "n[01-10/3]", "rack[1-2]n[1-40]".
//
// The language is that of ClusterShell's nodeset. Operators have no precedence and work from left
// to right:
//   a,b  or  a b   union          a!b   difference      a&b   intersection      a^b   symmetric
//   difference
// "@word" is a group, such as a role, and "@*" everything; what a group holds, the caller knows.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace harness {

// What is wrong with a set, and where.
class NodeExpressionError : public std::invalid_argument {
 public:
  NodeExpressionError(size_t position, const std::string& reason)
      : std::invalid_argument(reason), position_(position) {}

  size_t position() const { return position_; }  // Bytes before the culprit.

 private:
  size_t position_;
};

// The names in a group, without its "@"; nullopt if there is no such group.
using NodeGroups = std::function<std::optional<std::vector<std::string>>(const std::string& group)>;

constexpr size_t kNodeExpressionNamesMax = 10000;

// All names, each once, in the order in which the text mentions them. Throws NodeExpressionError.
// Without `groups` there are none.
std::vector<std::string> expandNodeExpression(std::string_view text, const NodeGroups& groups = {});

// The short form of these names: "server[1-3],client1". expandNodeExpression of it gives the same
// names.
std::string foldNodeNames(const std::vector<std::string>& names);

}  // namespace harness
