// Sets of node names as people write them: "server[1-3],client1", "n[01-10/3]", "rack[1-2]n[1-40]".
//
// The language is that of ClusterShell's nodeset. Operators have no precedence and work from left
// to right:
//   a,b  or  a b   union          a!b   difference      a&b   intersection      a^b   symmetric
//   difference
// "@word" is a group, such as a role, and "@*" everything; the caller knows the members.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace harness {

// An error in a set, with its place.
class NodeExpressionError : public std::invalid_argument {
 public:
  NodeExpressionError(size_t position, const std::string& reason)
      : std::invalid_argument(reason), position_(position) {}

  // Returns the number of bytes before the culprit.
  size_t position() const { return position_; }

 private:
  size_t position_;
};

// Returns the names in a group, which is given without its "@". nullopt: there is no such group.
using NodeGroups = std::function<std::optional<std::vector<std::string>>(const std::string& group)>;

constexpr size_t kNodeExpressionNamesMax = 10000;

// Returns all names, each once, in the order in which the text mentions them. Throws
// NodeExpressionError. Without `groups` there are no groups.
std::vector<std::string> expandNodeExpression(std::string_view text, const NodeGroups& groups = {});

// Returns the short form of these names, such as "server[1-3],client1". expandNodeExpression gives
// the names back.
std::string foldNodeNames(const std::vector<std::string>& names);

}  // namespace harness
