// runs: lists the runs, keeps some of them, and removes old ones.
#include <ctime>
#include <filesystem>
#include <iostream>

#include "harness/cli/arguments.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/fact_words.h"
#include "harness/cli/history_words.h"
#include "harness/cli/options.h"
#include "harness/cli/run_choice.h"
#include "harness/cli/table.h"
#include "harness/history/retention.h"
#include "schema/support/base/size.h"

namespace harness {
namespace {

std::string sizeProblem(const std::string& text) {
  return support::sizeFromText(text) ? "" : "is not a size such as 500MiB or 20GiB";
}

constexpr CountOption kLimit(
    {
        .name = "limit",
        .value = "NUMBER",
        .help = "the number of runs to list; 0: all",
        .initial = "20",
    },
    {.least = 0, .most = 1'000'000'000});

constexpr Flag kPrune({.name = "prune", .help = "remove old runs, as the limits below say"});

constexpr CountOption kKeep(
    {
        .name = "keep",
        .value = "NUMBER",
        .help = "the newest runs of this number stay in any case",
    },
    {.least = 0, .most = 1'000'000'000});

constexpr DurationOption kOlderThan({
    .name = "older-than",
    .value = "TIME",
    .help = "runs that began longer ago go, such as 30d",
});

constexpr TextOption kSizeMost({
    .name = "max-size",
    .value = "SIZE",
    .help = "the oldest runs go until all have this size together, such as 20GiB",
    .problem = sizeProblem,
});

constexpr Flag kDryRun({.name = "dry-run", .help = "only say which runs would be removed"});

constexpr TextOption kPin({
    .name = "pin",
    .value = "RUN",
    .help = "keep a run from being removed",
    .completes = WordKind::kStoredRuns,
});

constexpr TextOption kUnpin({
    .name = "unpin",
    .value = "RUN",
    .help = "let it be removed again",
    .completes = WordKind::kStoredRuns,
});

constexpr TextOption kReason({
    .name = "reason",
    .value = "TEXT",
    .help = "why it is pinned",
});

constexpr char kNotes[] =
    R"(The newest run comes first. A run is "running" while a program of it lives, and
"damaged" if some of its record is missing or wrong, such as after a kill.

--prune needs at least one of --keep, --older-than and --max-size. Without the
last two, all but the newest --keep runs go. A run that goes on, and one that is
pinned, never goes. RUN is what `muster show` takes.
)";

// The index does not know of holds, which come and go while a run lives.
void addHeld(const std::string& runs, const history::RunRow& row, HeldRuns& held) {
  if (row.state != history::RunState::kRunning) return;
  std::vector<run::Hold> holds =
      run::holdsOf(run::readRun((std::filesystem::path(runs) / row.id).string()));
  if (!holds.empty()) held[row.id] = std::move(holds);
}

int list(const Arguments& arguments) {
  std::vector<history::RunRow> rows;
  HeldRuns held;
  size_t all = 0;
  auto most = static_cast<size_t>(arguments[kLimit]);
  withRuns(arguments, [&](history::RunIndex& index) {
    rows = history::runsOf(index.database(), most);
    all = history::countRuns(index.database());
    for (const history::RunRow& row : rows) addHeld(index.directory(), row, held);
  });
  size_t older = all - std::min(all, rows.size());
  if (arguments[kJson]) {
    Json runs = Json::array();
    for (const history::RunRow& row : rows) runs.push_back(runJson(row, held));
    printJson({{"runs", std::move(runs)}, {"older", older}});
    return kExitOk;
  }
  std::cout << runTable(rows, held);
  if (older > 0) {
    std::cerr << "muster runs: " << older << " older ones are not shown; --limit 0 shows all\n";
  }
  return kExitOk;
}

int pinOrUnpin(const Arguments& arguments) {
  bool isPin = arguments.has(kPin);
  std::string directory = runDirectoryFor(arguments, isPin ? arguments[kPin] : arguments[kUnpin]);
  if (isPin) {
    history::pin(directory, arguments[kReason]);
  } else {
    history::unpin(directory);
  }
  std::string id = std::filesystem::path(directory).filename();
  if (arguments[kJson]) {
    printJson({{"run", id}, {"pinned", isPin ? Json(arguments[kReason]) : Json(nullptr)}});
  } else {
    std::cout << id << (isPin ? ": pinned\n" : ": not pinned any more\n");
  }
  return kExitOk;
}

history::RetentionLimits limitsOf(const Arguments& arguments) {
  if (!arguments.has(kKeep) && !arguments.has(kOlderThan) && !arguments.has(kSizeMost)) {
    throw CommandError(kExitUsage,
                       "--prune: say what is to go by --keep, --older-than or --max-size");
  }
  history::RetentionLimits limits{.keep = static_cast<size_t>(arguments[kKeep])};
  if (arguments.has(kOlderThan)) limits.olderThan = arguments[kOlderThan];
  if (arguments.has(kSizeMost)) limits.bytesMost = support::sizeFromText(arguments[kSizeMost]);
  return limits;
}

std::vector<history::StoredRun> storedRuns(const Arguments& arguments) {
  std::vector<history::StoredRun> runs;
  withRuns(arguments, [&](history::RunIndex& index) {
    runs.clear();
    for (const history::RunRow& row : history::runsOf(index.database(), 0)) {
      std::string path = (std::filesystem::path(index.directory()) / row.id).string();
      runs.push_back({.id = row.id,
                      .began = row.began,
                      .bytes = history::sizeOf(path),
                      .isRunning = row.state == history::RunState::kRunning,
                      .isPinned = row.pin.has_value()});
    }
  });
  return runs;
}

const char* wordOf(history::Removal removal) {
  switch (removal) {
    case history::Removal::kRemoved:
      return "removed";
    case history::Removal::kRunning:
      return "not removed: it goes on";
    case history::Removal::kPinned:
      return "not removed: it is pinned";
    case history::Removal::kGone:
      break;
  }
  return "gone already";
}

int prune(const Arguments& arguments) {
  history::RetentionLimits limits = limitsOf(arguments);
  bool isDry = arguments[kDryRun];
  std::string directory = arguments[kRunsDirectory];
  std::vector<history::StoredRun> runs = storedRuns(arguments);
  if (!isDry) history::sweep(directory);
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  history::RetentionPlan plan = history::planOf(runs, limits, now.tv_sec * 1'000'000'000L);
  Json removed = Json::array();
  for (const history::StoredRun& run : plan.removed) {
    history::Removal removal = history::Removal::kRemoved;
    if (!isDry) removal = history::removeRun(directory, run.id);
    const char* word = isDry ? "would be removed" : wordOf(removal);
    removed.push_back({{"run", run.id},
                       {"bytes", run.bytes},
                       {"removed", !isDry && removal == history::Removal::kRemoved},
                       {"result", word}});
    if (arguments[kJson]) continue;
    std::cout << run.id << " (" << utcText(run.began) << ", " << sizeText(run.bytes)
              << "): " << word << "\n";
  }
  if (!isDry) history::sweep(directory);
  bool isOver = limits.bytesMost && plan.bytesLeft > *limits.bytesMost;
  if (arguments[kJson]) {
    printJson({{"runs", std::move(removed)}, {"bytes_left", plan.bytesLeft}, {"dry_run", isDry}});
  } else {
    std::cout << runs.size() - plan.removed.size() << " runs stay, " << sizeText(plan.bytesLeft)
              << "\n";
  }
  if (isOver) {
    std::cerr << "muster runs: that is more than --max-size: the others are running, pinned, or "
                 "among those that --keep names\n";
  }
  return kExitOk;
}

// What is said to remove runs, and does not because a word is missing, must not pass for done.
void refuseMixed(const Arguments& arguments) {
  int modes = int{arguments[kPrune]} + int{arguments.has(kPin)} + int{arguments.has(kUnpin)};
  if (modes > 1) throw CommandError(kExitUsage, "--prune, --pin and --unpin exclude each other");
  bool hasLimits = arguments.has(kKeep) || arguments.has(kOlderThan) || arguments.has(kSizeMost) ||
                   arguments[kDryRun];
  if (hasLimits && !arguments[kPrune]) {
    throw CommandError(kExitUsage, "--keep, --older-than, --max-size and --dry-run need --prune");
  }
  if (arguments.has(kReason) && !arguments.has(kPin)) {
    throw CommandError(kExitUsage, "--reason needs --pin");
  }
}

int perform(const Arguments& arguments) {
  refuseMixed(arguments);
  if (arguments[kPrune]) return prune(arguments);
  return arguments.has(kPin) || arguments.has(kUnpin) ? pinOrUnpin(arguments) : list(arguments);
}

}  // namespace

const Command kRuns = {
    .name = "runs",
    .usage = "",
    .summary = "list the runs, keep some of them, and remove old ones",
    .options =
        [] {
          return OptionList{&kRunsDirectory, &kLimit, &kPrune, &kKeep,   &kOlderThan, &kSizeMost,
                            &kDryRun,        &kPin,   &kUnpin, &kReason, &kJson};
        },
    .run = perform,
    .notes = kNotes,
};

}  // namespace harness
