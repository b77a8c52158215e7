// States which names and data an event, a barrier or a report may have, for both sides. Each
// function returns what is wrong with a value, in the form "WHERE: VALUE, what would be right", or
// an empty text.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace support {

// Data in the order in which it was given, each name once.
using SyncData = std::vector<std::pair<std::string, std::string>>;

constexpr size_t kSyncNameBytesMax = 64;
constexpr size_t kSyncItemsMax = 64;
constexpr size_t kSyncDataBytesMax = 8 * 1024;
constexpr size_t kSyncMessageBytesMax = 4 * 1024;
constexpr uint32_t kBarrierCountMax = 10'000;

// Judges the name of an event or a barrier, which `what` says: [A-Za-z0-9._:/-]{1,64}.
std::string whyNoSyncName(std::string_view what, std::string_view name);

// Judges names ([A-Za-z0-9._-]{1,64}), values (neither NUL nor newline), and their number and size.
std::string whyNoSyncData(const SyncData& data);

// Judges a number of participants: from 1 to kBarrierCountMax.
std::string whyNoBarrierCount(int64_t count);

}  // namespace support
