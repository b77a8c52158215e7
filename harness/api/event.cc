#include <algorithm>
#include <ostream>
#include <utility>

#include <muster/deadline.h>
#include <muster/event.h>

#include "harness/api/call_site.h"
#include "harness/rpc/sync/sync.h"
#include "harness/values/failure_text.h"

namespace muster {

Event::Event(harness::rpc::Sync& sync, std::string name) : sync_(&sync), name_(std::move(name)) {}

Notification Event::wait(Where where) {
  return wait(std::chrono::nanoseconds::max(), where);
}

Notification Event::wait(std::chrono::nanoseconds within, Where where) {
  return harness::atWithin(where, within, [&] {
    SteadyTime until = harness::waitEnd(within);
    harness::SyncEvent event =
        sync_->wait(name_, until, std::min(harness::waitTime(within), DeadlineScope::remaining()));
    return Notification{event.name, event.from.node, event.command,
                        EventData(event.data.begin(), event.data.end())};
  });
}

void PrintTo(const Notification& notification, std::ostream* out) {
  *out << "event " << harness::inQuotes(notification.name) << " of "
       << (notification.node.empty() ? "the test" : "node " + notification.node);
  for (const auto& [name, value] : notification.data) {
    *out << " " << name << "=" << harness::inQuotes(value);
  }
}

void PrintTo(const Event& event, std::ostream* out) {
  *out << "event " << harness::inQuotes(event.name());
}

}  // namespace muster
