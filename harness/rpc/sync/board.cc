#include "harness/rpc/sync/board.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "harness/values/failure_text.h"

namespace harness {
namespace {

constexpr size_t kGivenMax = 4096;
constexpr size_t kNamedMax = 16;
constexpr size_t kLastBytesShown = 400;

size_t bytesOf(const std::string& name, const SyncData& data) {
  size_t bytes = sizeof(SyncEvent) + name.size();
  for (const auto& [key, value] : data) bytes += key.size() + value.size() + 64;
  return bytes;
}

std::string listed(const std::vector<std::string>& items) {
  std::vector<std::string> shown(items.begin(), items.begin() + std::min(items.size(), kNamedMax));
  if (items.size() > kNamedMax) {
    shown.push_back("and " + std::to_string(items.size() - kNamedMax) + " more");
  }
  return joined(shown, ", ");
}

// Returns the last line of a stream's last bytes, with its name; empty if there is none.
std::string lastLine(const std::string& stream, std::string bytes) {
  while (!bytes.empty() && bytes.back() == '\n') bytes.pop_back();
  size_t newline = bytes.rfind('\n');
  if (newline != std::string::npos) bytes.erase(0, newline + 1);
  if (bytes.empty()) return "";
  return "; last line of " + stream + ": " + inQuotes(bytes, kLastBytesShown);
}

}  // namespace

std::string toString(SyncReport::Result result) {
  static const char* const kWords[] = {"data", "pass", "fail", "skip"};
  return kWords[static_cast<size_t>(result)];
}

std::string SyncBoard::who(const SyncCommand& command, const std::string& text) {
  if (command.node.empty()) return "the test";
  return "node " + command.node + ": " +
         (text.empty() ? "command " + std::to_string(command.number) : inQuotes(text));
}

void SyncBoard::notify(const SyncCommand& from, const std::string& command, const std::string& name,
                       const SyncData& data) {
  size_t bytes = bytesOf(name, data);
  if (events_.size() >= limits_.events || eventBytes_ + bytes > limits_.eventBytes) {
    overflow_ = "event " + inQuotes(name) + " of " + who(from, command) + " was lost: there are " +
                std::to_string(events_.size()) + " events, the limit is " +
                std::to_string(limits_.events) + " or " + std::to_string(limits_.eventBytes) +
                " bytes in one test";
    return;
  }
  eventBytes_ += bytes;
  events_.push_back({++lastOrder_, name, from, command, data, isInTest_});
  const SyncEvent& event = events_.back();
  for (auto each = waiting_.begin(); each != waiting_.end();) {
    const Waiting& candidate = each->second;
    if (candidate.name != name || lastHad(candidate.consumer, name) == event.order) {
      ++each;
      continue;
    }
    auto [waiter, waits] = std::move(*each);
    each = waiting_.erase(each);
    give(waiter, waits.consumer, event, waits.reply);
  }
}

uint64_t SyncBoard::lastHad(const SyncCommand& consumer, const std::string& name) const {
  auto had = had_.find({consumer, name});
  return had == had_.end() ? 0 : had->second;
}

const SyncEvent* SyncBoard::nextFor(const SyncCommand& consumer, const std::string& name) const {
  auto isBefore = [](uint64_t order, const SyncEvent& event) { return order < event.order; };
  auto newer = std::upper_bound(events_.begin(), events_.end(), lastHad(consumer, name), isBefore);
  auto found = std::find_if(newer, events_.end(),
                            [&](const SyncEvent& event) { return event.name == name; });
  return found == events_.end() ? nullptr : &*found;
}

void SyncBoard::give(const Waiter& waiter, const SyncCommand& consumer, const SyncEvent& event,
                     const Reply& reply) {
  uint64_t& had = had_[{consumer, event.name}];
  given_.push_back({waiter, consumer, event.name, had});
  if (given_.size() > kGivenMax) given_.pop_front();
  had = event.order;
  reply({SyncAnswer::Kind::kEvent, event, ""});
}

void SyncBoard::wait(const Waiter& waiter, const SyncCommand& consumer, const std::string& command,
                     const std::string& name, Reply reply) {
  if (const SyncEvent* event = nextFor(consumer, name)) {
    return give(waiter, consumer, *event, reply);
  }
  waiting_[waiter] = {consumer, command, name, std::move(reply)};
}

// Returns for how many commands the barrier is; 0 if nobody said so.
uint32_t SyncBoard::countOf(const Barrier& barrier) {
  if (barrier.declared) return barrier.declared->count;
  for (const Arrival& arrival : barrier.arrived) {
    if (arrival.count > 0) return arrival.count;
  }
  return 0;
}

bool SyncBoard::isMember(const Barrier& barrier, const SyncCommand& command) {
  if (!barrier.declared) return false;
  const SyncMembers& members = barrier.declared->members;
  return std::any_of(members.commands.begin(), members.commands.end(),
                     [&](const auto& member) { return member.first == command; });
}

// Says why an arrival does not fit; empty if it does.
std::string SyncBoard::refusal(const std::string& name, const Barrier& barrier,
                               const Arrival& arrival) const {
  std::string operation = "barrier " + inQuotes(name) + ": ";
  if (!barrier.broken.empty()) return barrier.broken;
  uint32_t count = countOf(barrier);
  if (arrival.count > 0 && count > 0 && arrival.count != count) {
    return operation + "it is for " + std::to_string(count) + " commands, and " +
           who(arrival.from, arrival.command) + " wants " + std::to_string(arrival.count) +
           "; give all the same number";
  }
  if (!barrier.declared) return "";
  const SyncMembers& members = barrier.declared->members;
  bool isOfNode = std::find(members.nodes.begin(), members.nodes.end(), arrival.from.node) !=
                  members.nodes.end();
  if (!members.nodes.empty() && !isOfNode) {
    return operation + "the test has declared it for commands of the nodes " +
           listed(members.nodes) + ", and this is node " + arrival.from.node;
  }
  if (!members.commands.empty() && !isMember(barrier, arrival.from)) {
    return operation + "the test has declared it for other commands than " +
           who(arrival.from, arrival.command);
  }
  return "";
}

void SyncBoard::arrive(const Waiter& waiter, const SyncCommand& from, const std::string& command,
                       const std::string& name, uint32_t count, Reply reply) {
  Barrier& barrier = barriers_[name];
  Arrival arrival{waiter, from, command, count, std::move(reply)};
  std::string why = refusal(name, barrier, arrival);
  if (!why.empty()) return arrival.reply({SyncAnswer::Kind::kFailed, {}, why});
  barrier.arrived.push_back(std::move(arrival));
  settle(name);
}

// Returns the arrivals that make the barrier complete, by their places; none if it is not.
std::vector<size_t> SyncBoard::complete(const Barrier& barrier) {
  uint32_t count = countOf(barrier);
  if (count == 0 || barrier.arrived.size() < count) return {};
  if (barrier.declared && !barrier.declared->test) return {};
  bool byNode = barrier.declared && !barrier.declared->members.nodes.empty();
  bool byCommand = barrier.declared && !barrier.declared->members.commands.empty();
  std::set<SyncCommand> seen;
  std::vector<size_t> places;
  for (size_t i = 0; i < barrier.arrived.size() && places.size() < count; ++i) {
    SyncCommand participant = barrier.arrived[i].from;
    if (byNode) participant.number = 0;
    bool isFirst = seen.insert(participant).second;
    if (isFirst || !(byNode || byCommand)) places.push_back(i);
  }
  if (places.size() < count) return {};
  return places;
}

// Releases complete rounds. The replies are made when the board is as it shall be.
void SyncBoard::settle(const std::string& name) {
  Barrier& barrier = barriers_[name];
  std::vector<size_t> places = complete(barrier);
  if (places.empty()) return;
  std::vector<Reply> replies;
  for (auto place = places.rbegin(); place != places.rend(); ++place) {
    replies.push_back(std::move(barrier.arrived[*place].reply));
    barrier.arrived.erase(barrier.arrived.begin() + static_cast<std::ptrdiff_t>(*place));
  }
  if (barrier.declared) replies.push_back(std::exchange(barrier.declared->test, nullptr));
  if (!barrier.declared && barrier.arrived.empty()) barriers_.erase(name);
  for (const Reply& reply : replies) reply({SyncAnswer::Kind::kDone, {}, ""});
}

void SyncBoard::breakBarrier(const std::string& name, const std::string& reason) {
  Barrier& barrier = barriers_[name];
  barrier.broken = "barrier " + inQuotes(name) + ": " + reason;
  auto arrived = std::exchange(barrier.arrived, {});
  Reply test = barrier.declared ? std::exchange(barrier.declared->test, nullptr) : nullptr;
  for (const Arrival& arrival : arrived) {
    arrival.reply({SyncAnswer::Kind::kFailed, {}, barrier.broken});
  }
  if (test) test({SyncAnswer::Kind::kFailed, {}, barrier.broken});
}

void SyncBoard::withdraw(const Waiter& waiter, Leaving leaving) {
  waiting_.erase(waiter);
  auto given = std::find_if(given_.begin(), given_.end(),
                            [&](const Given& each) { return each.waiter == waiter; });
  if (given != given_.end()) {
    uint64_t& had = had_[{given->consumer, given->name}];
    had = std::min(had, given->before);
    given_.erase(given);
  }
  for (auto& [name, barrier] : barriers_) {
    auto arrival = std::find_if(barrier.arrived.begin(), barrier.arrived.end(),
                                [&](const Arrival& each) { return each.waiter == waiter; });
    if (arrival == barrier.arrived.end()) continue;
    std::string participant = who(arrival->from, arrival->command);
    uint32_t count = countOf(barrier);
    barrier.arrived.erase(arrival);
    if (leaving == Leaving::kProcessEnded) {
      breakBarrier(name, participant + ": the process that waited there has ended, and the " +
                             "command goes on; " + stateOf(barrier, count));
    } else if (!barrier.declared && barrier.arrived.empty() && barrier.broken.empty()) {
      barriers_.erase(name);
    }
    return;
  }
}

void SyncBoard::end(const SyncCommand& command, const End& end) {
  for (auto& [name, barrier] : barriers_) {
    if (!barrier.broken.empty()) continue;
    auto isOfIt = [&](const Arrival& each) { return each.from == command; };
    auto arrival = std::find_if(barrier.arrived.begin(), barrier.arrived.end(), isOfIt);
    bool waited = arrival != barrier.arrived.end();
    if (!waited && !isMember(barrier, command)) continue;
    std::string text = waited ? arrival->command : "";
    if (!waited) {
      for (const auto& [member, its] : barrier.declared->members.commands) {
        if (member == command) text = its;
      }
    }
    uint32_t count = countOf(barrier);
    std::string reason = who(command, text) + " " + end.how +
                         (waited ? " while it waited there" : " before it came") +
                         lastLine("standard error", end.errors) +
                         lastLine("standard output", end.output);
    // The others are told who else was there.
    std::erase_if(barrier.arrived, [&](Arrival& each) {
      if (!isOfIt(each)) return false;
      each.reply({SyncAnswer::Kind::kFailed, {}, "barrier " + inQuotes(name) + ": " + reason});
      return true;
    });
    breakBarrier(name, reason + "\n  " + stateOf(barrier, count));
  }
}

void SyncBoard::lose(const std::string& node, const std::string& reason) {
  std::erase_if(waiting_, [&](const auto& each) { return each.first.node == node; });
  std::set<SyncCommand> lost;
  for (const auto& [name, barrier] : barriers_) {
    for (const Arrival& arrival : barrier.arrived) {
      if (arrival.from.node == node) lost.insert(arrival.from);
    }
    if (!barrier.declared) continue;
    for (const auto& [member, text] : barrier.declared->members.commands) {
      if (member.node == node) lost.insert(member);
    }
  }
  for (const SyncCommand& command : lost) end(command, {"was " + reason + ",", "", ""});
}

void SyncBoard::report(SyncReport report) {
  if (reports_.size() < limits_.reports) {
    reports_.push_back(std::move(report));
  } else {
    overflow_ = "a report of " + who(report.from, report.command) + " was lost: there are " +
                std::to_string(reports_.size()) + ", which is the limit in one test";
  }
}

std::vector<SyncReport> SyncBoard::takeReports() {
  return std::exchange(reports_, {});
}

std::string SyncBoard::takeOverflow() {
  return std::exchange(overflow_, "");
}

std::string SyncBoard::declare(const std::string& name, uint32_t count,
                               const SyncMembers& members) {
  Barrier& barrier = barriers_[name];
  if (barrier.declared) return "the test has a barrier of this name already";
  barrier.declared = Declaration{count, members, nullptr};
  barrier.broken.clear();
  // Commands that came before are judged by what is known now.
  for (Arrival& arrival : std::exchange(barrier.arrived, {})) {
    std::string why = refusal(name, barrier, arrival);
    if (why.empty()) {
      barrier.arrived.push_back(std::move(arrival));
    } else {
      arrival.reply({SyncAnswer::Kind::kFailed, {}, why});
    }
  }
  return "";
}

void SyncBoard::undeclare(const std::string& name, const std::string& reason) {
  auto found = barriers_.find(name);
  if (found == barriers_.end() || !found->second.declared) return;
  auto barrier = barriers_.extract(found);
  for (const Arrival& arrival : barrier.mapped().arrived) {
    arrival.reply({SyncAnswer::Kind::kFailed, {}, "barrier " + inQuotes(name) + ": " + reason});
  }
}

void SyncBoard::arriveTest(const std::string& name, Reply reply) {
  Barrier& barrier = barriers_[name];
  if (!barrier.broken.empty()) return reply({SyncAnswer::Kind::kFailed, {}, barrier.broken});
  if (!barrier.declared) {
    return reply({SyncAnswer::Kind::kFailed, {}, "barrier " + inQuotes(name) + ": was ended"});
  }
  barrier.declared->test = std::move(reply);
  settle(name);
}

void SyncBoard::withdrawTest(const std::string& name) {
  auto found = barriers_.find(name);
  if (found != barriers_.end() && found->second.declared) found->second.declared->test = nullptr;
}

std::string SyncBoard::stateOf(const Barrier& barrier, uint32_t count) {
  std::vector<std::string> there;
  std::set<std::string> nodes;
  std::set<SyncCommand> commands;
  for (const Arrival& arrival : barrier.arrived) {
    there.push_back(who(arrival.from, arrival.command));
    nodes.insert(arrival.from.node);
    commands.insert(arrival.from);
  }
  std::string text = there.empty() ? "nobody waits there" : "waiting there: " + listed(there);
  std::vector<std::string> missing;
  if (barrier.declared) {
    for (const std::string& node : barrier.declared->members.nodes) {
      if (!nodes.contains(node)) missing.push_back("a command of node " + node);
    }
    for (const auto& [member, its] : barrier.declared->members.commands) {
      if (!commands.contains(member)) missing.push_back(who(member, its));
    }
  }
  if (!missing.empty()) return text + "; missing: " + listed(missing);
  if (count == 0) return text + "; nobody has said for how many commands it is";
  return text + "; " + std::to_string(there.size()) + " of " + std::to_string(count) + " came";
}

std::string SyncBoard::describe(const std::string& name) const {
  auto found = barriers_.find(name);
  return found == barriers_.end() ? "nobody waits there"
                                  : stateOf(found->second, countOf(found->second));
}

std::string SyncBoard::describeEvents() const {
  std::map<std::string, size_t> counts;
  for (const SyncEvent& event : events_) ++counts[event.name];
  std::vector<std::string> names;
  for (const auto& [name, count] : counts) {
    names.push_back(inQuotes(name) + (count > 1 ? " (" + std::to_string(count) + ")" : ""));
  }
  std::string text =
      names.empty() ? "no event has come" : "events that have come: " + listed(names);
  std::vector<std::string> waits;
  for (const auto& [waiter, waiting] : waiting_) {
    if (waiter.node.empty()) continue;
    waits.push_back(who(waiting.consumer, waiting.command) + " for " + inQuotes(waiting.name));
  }
  for (const auto& [name, barrier] : barriers_) {
    for (const Arrival& arrival : barrier.arrived) {
      waits.push_back(who(arrival.from, arrival.command) + " at barrier " + inQuotes(name));
    }
  }
  return waits.empty() ? text : text + "; waiting: " + listed(waits);
}

void SyncBoard::forgetIf(const std::function<bool(const SyncEvent&)>& isForgotten) {
  std::erase_if(events_, isForgotten);
  eventBytes_ = 0;
  for (const SyncEvent& event : events_) eventBytes_ += bytesOf(event.name, event.data);
  given_.clear();
  // Events that come later have higher orders, so a consumer needs no place where none is left.
  if (events_.empty()) had_.clear();
}

void SyncBoard::endTest() {
  isInTest_ = false;
  forgetIf([](const SyncEvent& event) { return event.isOfTest; });
  std::erase_if(barriers_, [](const auto& each) {
    const Barrier& barrier = each.second;
    return !barrier.declared && barrier.arrived.empty();
  });
}

void SyncBoard::clear() {
  forgetIf([](const SyncEvent&) { return true; });
}

}  // namespace harness
