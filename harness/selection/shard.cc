#include <charconv>

#include "harness/selection/selectors.h"

namespace harness::selection {
namespace {

std::optional<int> numberOf(std::string_view text) {
  int number = 0;
  auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || stop != text.data() + text.size() || text.empty())
    return std::nullopt;
  return number;
}

// FNV-1a with 64 bits, and a last step that lets all bits take part in the remainder. It is the
// same on every machine, which std::hash need not be.
uint64_t hashOf(const std::string& text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (unsigned char c : text) hash = (hash ^ c) * 0x100000001b3;
  hash ^= hash >> 33;
  return (hash * 0xff51afd7ed558ccd) >> 16;
}

}  // namespace

std::optional<Shard> shardFrom(const std::string& text) {
  size_t slash = text.find('/');
  if (slash == std::string::npos) return std::nullopt;
  auto number = numberOf(std::string_view(text).substr(0, slash));
  auto count = numberOf(std::string_view(text).substr(slash + 1));
  if (!number || !count || *number < 1 || *number > *count) return std::nullopt;
  return Shard{*number, *count};
}

bool isInShard(const std::string& id, const Shard& shard) {
  return hashOf(id) % static_cast<uint64_t>(shard.count) == static_cast<uint64_t>(shard.number - 1);
}

}  // namespace harness::selection
