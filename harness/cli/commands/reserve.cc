// reserve: takes nodes for one person, or for one command.
#include <iostream>
#include <optional>

#include "harness/cli/answers.h"
#include "harness/cli/clusters.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/connections.h"
#include "harness/cli/interrupt.h"
#include "harness/cli/local_command.h"
#include "harness/cli/options.h"
#include "harness/cli/reserve_words.h"
#include "harness/cluster/reservation_label.h"
#include "harness/rpc/reserve/reservations.h"
#include "harness/values/failure_text.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

using std::chrono::hours;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr hours kLengthMax{7 * 24};

constexpr DurationOption kFor(
    {
        .name = "for",
        .value = "TIME",
        .help = "how long, at most 168h; with a COMMAND by default as long as it runs",
        .initial = "1h",
    },
    {.least = seconds(1), .most = kLengthMax});

constexpr TextOption kReason({
    .name = "reason",
    .value = "TEXT",
    .help = "what for; others are told",
});

constexpr DurationOption kMayWait(
    {
        .name = "wait",
        .value = "TIME",
        .help = "how long to wait for nodes that others have, all together",
        .initial = "0s",
    },
    {.least = nanoseconds(0), .most = kLengthMax});

constexpr char kNotes[] =
    R"(Meanwhile calls of others that change the nodes are refused, by `muster` and by
tests alike; what only reads goes on. All nodes are taken, or none. Who uses a
node already is not disturbed: it is waited for, and no other begins there.

Without COMMAND the nodes are yours until the time is over, which begins anew if
you reserve them again, or until `muster unreserve`: of all that runs with the
same certificate as the same user on the same host (or as the same
$MUSTER_USER). With COMMAND, a program of this
machine such as `muster run`, they belong to it and to what it starts, and are
given back at its end, also if this command is killed.

Exit status: that of COMMAND, or 128 and the number of the signal that ended it,
or 127 if there is no such program. Without COMMAND 0. 69 if a node cannot be
reached, or others have it.
)";

// The nodes learn of a killed holder by the end of its session.
constexpr seconds kHolderLease{10};

std::string namesOf(const std::vector<NodeDescription>& nodes) {
  std::vector<std::string> names;
  for (const NodeDescription& node : nodes) names.push_back(node.name);
  return joined(names, ", ");
}

void say(const std::string& text) {
  std::cerr << "muster reserve: " << support::printable(text) << "\n";
}

// The nodes with what they are reserved by. A signal while they are waited for gives all back.
class Holder {
 public:
  explicit Holder(const std::vector<NodeDescription>& nodes) : controller_(optionsOf()) {
    for (const NodeDescription& node : nodes) connected_.push_back(&controller_.connect(node));
  }

  // Returns when all nodes are reserved, as the arguments say. Throws NodeError.
  void take(const Arguments& arguments) {
    request_.id = rpc::newReservationId();
    request_.reason = arguments[kReason];
    bool isForCommand = !arguments.rest().empty();
    request_.coverage = isForCommand ? Coverage::kSession : Coverage::kPerson;
    request_.length = isForCommand && !arguments.has(kFor) ? kLengthMax : arguments[kFor];
    Interrupt interrupt([this] { close(); });
    auto errors =
        controller_.awaitAll(connected_, Deadline::clock::now() + arguments[kConnectTimeout]);
    for (const auto& error : errors) {
      if (error) throw *error;
    }
    reserved_.emplace(connected_, request_, arguments[kMayWait],
                      [](const std::string& node, const ReservationState& state) {
                        say("waiting for " + node + " as number " + std::to_string(state.rank) +
                            ": " + state.waitsFor);
                      });
    if (!isForCommand) return reserved_->makeStanding();
    for (const std::string& node : reserved_->covered()) say(node + " is yours already");
  }

  ~Holder() {
    if (reserved_) {
      for (const std::string& failure : reserved_->release()) say(failure);
    }
    close();
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

  const std::string& id() const { return request_.id; }
  nanoseconds length() const { return request_.length; }

  // Says what has become of the reservations, once.
  void tellEnds() {
    for (const auto& [node, end] : reserved_->endedSince()) {
      say("the reservation of " + node + " " + toString(end) +
          "; the command goes on, and others may use the node");
    }
  }

 private:
  static ControllerOptions optionsOf() {
    ControllerOptions options = commandOptions(chooseRunId(""));
    options.lease = kHolderLease;
    return options;
  }

  void close() noexcept {
    try {
      controller_.closeAll(Deadline::clock::now() + seconds(3));
    } catch (const std::exception&) {
      // What cannot be closed is left to the leases of its sessions.
    }
  }

  ReservationRequest request_;
  Controller controller_;
  std::vector<ControllerNode*> connected_;
  std::optional<rpc::ReservedNodes> reserved_;
};

int run(const Arguments& arguments) {
  ClusterDescription cluster = clusterOf(arguments[kCluster]);
  std::vector<NodeDescription> nodes = chooseNodes(cluster, arguments.word(0));
  Holder holder(nodes);
  holder.take(arguments);
  if (arguments.rest().empty()) {
    std::cout << namesOf(nodes) << ": reserved until "
              << utcText(std::chrono::system_clock::now() +
                         std::chrono::duration_cast<std::chrono::system_clock::duration>(
                             holder.length()))
              << "; muster unreserve gives back\n";
    return kExitOk;
  }
  std::string ids = withReservation(inheritedReservations(), hexOf(holder.id()));
  if (ids.empty()) {
    throw CommandError(kExitUsage, std::string(kReservationVariable) +
                                       ": too many reservations stand within each other");
  }
  LocalCommand command{arguments.rest(), {std::string(kReservationVariable) + "=" + ids}};
  return runInForeground(command, [&] { holder.tellEnds(); });
}

}  // namespace

const Command kReserve = {
    .name = "reserve",
    .usage = "NODESET [-- COMMAND [ARGUMENT...]]",
    .summary = "take nodes for yourself, or for a command",
    .options =
        [] {
          return OptionList{&kCluster, &kFor, &kReason, &kMayWait, &kConnectTimeout};
        },
    .run = run,
    .wordsLeast = 1,
    .wordsMost = 1,
    .rest = Rest::kSeparate,
    .completes = WordKind::kNodesFirst,
    .notes = kNotes,
};

}  // namespace harness
