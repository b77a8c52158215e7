// Finds crashes in the journal of systemd: services whose process ended by a signal, and cores that
// systemd-coredump took.
#pragma once

#include <stdint.h>

#include <string>
#include <string_view>
#include <vector>

#include "nodeagent/diagnosis/found_crash.h"

namespace nodeagent::diagnosis {

// Reads the output of `journalctl --output=export`. Entries up to `sinceRealtimeNs` are left out.
std::vector<FoundCrash> parseJournalCrashes(std::string_view text, int64_t sinceRealtimeNs);

// Asks the journal, for five seconds at most. Empty where there is none.
std::vector<FoundCrash> journalCrashes(int64_t sinceRealtimeNs);

}  // namespace nodeagent::diagnosis
