#include "schema/support/base/sync_words.h"

#include <algorithm>
#include <set>

#include "schema/support/base/text.h"

namespace support {
namespace {

constexpr size_t kShownBytes = 80;

std::string shown(std::string_view text) {
  std::string begin = escaped(beginningOf(text, kShownBytes));
  return "\"" + begin + (text.size() > kShownBytes ? "...\"" : "\"");
}

bool isWord(std::string_view text, std::string_view more) {
  auto allowed = [more](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           more.find(c) != std::string_view::npos;
  };
  return !text.empty() && text.size() <= kSyncNameBytesMax &&
         std::all_of(text.begin(), text.end(), allowed);
}

}  // namespace

std::string whyNoSyncName(std::string_view what, std::string_view name) {
  if (isWord(name, "._:/-")) return "";
  return std::string(what) + ": " + shown(name) + " is not of the form [A-Za-z0-9._:/-]{1,64}";
}

std::string whyNoSyncData(const SyncData& data) {
  if (data.size() > kSyncItemsMax) {
    return "data: " + std::to_string(data.size()) + " items, at most " +
           std::to_string(kSyncItemsMax);
  }
  size_t bytes = 0;
  std::set<std::string_view> names;
  for (const auto& [name, value] : data) {
    if (!isWord(name, "._-")) {
      return "data: the name " + shown(name) + " is not of the form [A-Za-z0-9._-]{1,64}";
    }
    if (!names.insert(name).second) return "data: " + shown(name) + " is given twice";
    if (value.find_first_of(std::string_view("\0\n", 2)) != std::string::npos) {
      return "data: the value of " + shown(name) + " has a newline or NUL; a value is one line";
    }
    bytes += value.size();
  }
  if (bytes <= kSyncDataBytesMax) return "";
  return "data: " + std::to_string(bytes) + " bytes, at most " + std::to_string(kSyncDataBytesMax) +
         "; send the path of a file instead";
}

std::string whyNoBarrierCount(int64_t count) {
  if (count >= 1 && count <= int64_t{kBarrierCountMax}) return "";
  return "count: " + std::to_string(count) + ", must be from 1 to " +
         std::to_string(kBarrierCountMax);
}

}  // namespace support
