// report: writes what became of runs, in a format for people or for programs.
#include <unistd.h>

#include <filesystem>
#include <iostream>

#include "harness/cli/arguments.h"
#include "harness/cli/command_error.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/gate_words.h"
#include "harness/cli/output.h"
#include "harness/cli/report_words.h"
#include "harness/os/error.h"
#include "harness/os/files.h"
#include "harness/report/format.h"
#include "harness/run/run_directory.h"
#include "schema/support/base/exit_status.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

namespace fs = std::filesystem;

constexpr ListOption kFormat({
    .name = "format",
    .value = "FORMAT",
    .help = "the format, by default html; may be given several times",
    .problem = reportFormatProblem,
    .completes = WordKind::kReportFormats,
});

constexpr TextOption kOutput({
    .name = "output",
    .letter = 'o',
    .value = "FILE|DIRECTORY",
    .help = "where to write; by default, and for \"-\", standard output; html: the run",
    .completes = WordKind::kFiles,
});

constexpr TextOption kColumns({
    .name = "columns",
    .value = "PROPERTY",
    .help = "the property of runs whose values become columns",
    .initial = report::kTopology,
});

constexpr TextOption kUrl({
    .name = "url",
    .value = "ADDRESS",
    .help = "where the directory of the run can be read, for links",
});

constexpr Flag kGate({
    .name = "gate",
    .help = "end with the exit status of all runs together, as one `muster run` would",
});

constexpr char kNotes[] =
    R"(RUN is the directory of a run, its id in ./muster-runs, a beginning of it, or
"latest", which is the default. Several runs become one report: shards of a
run, and runs on several topologies, which are columns of it.

  html                   the page for people; by default report.html in the run
  junit                  JUnit XML, for Jenkins and GitLab
  json                   one JSON document
  tap                    TAP 13 and 14
  markdown               a summary in Markdown, for a pull request
  csv                    a row for each attempt of a test
  perfetto               a trace for ui.perfetto.dev
  requirements-csv       a row for each requirement of each test
  requirements-markdown  requirements and their tests in Markdown

Several formats need a directory, which gets a file for each. The paths of what
was written are printed.

  muster report --format junit -o junit.xml
  muster report shard1 shard2 --format junit --format markdown -o reports/

With --gate and no --format nothing is written:

  muster report --gate --require-environment image=debian-12 night/*

Exit status: 0 if all was written, whatever became of the tests; with --gate, 0
to 4 as of `muster run`, and 1 if a gate is closed; 66 if a run cannot be read,
74 if a report cannot be written.
)";

// What was asked for. The page is none of the formats of one text.
struct Wanted {
  bool isPage = false;
  std::vector<const report::Format*> formats = {};

  size_t count() const { return formats.size() + (isPage ? 1 : 0); }
};

Wanted wantedBy(const Arguments& arguments) {
  std::vector<std::string> names = arguments[kFormat];
  if (names.empty() && !arguments[kGate]) names = {kPageFormat};
  Wanted wanted;
  for (const std::string& name : names) {
    if (name == kPageFormat) {
      wanted.isPage = true;
    } else {
      wanted.formats.push_back(report::findFormat(name));
    }
  }
  return wanted;
}

bool isStandardOutput(const std::string& output) {
  return output.empty() || output == "-";
}

// What cannot be done is refused before the runs are read.
void check(const Wanted& wanted, const std::string& output) {
  if (!isStandardOutput(output)) {
    std::error_code ignored;
    bool isFile = fs::is_regular_file(output, ignored);
    if (wanted.count() > 1 && isFile) {
      throw CommandError(kExitUsage, "--output: \"" + support::printable(output) +
                                         "\" is a file, and several formats need a directory");
    }
    return;
  }
  if (wanted.count() > 1) {
    throw CommandError(kExitUsage, "several formats need a directory: --output DIRECTORY");
  }
  if (wanted.isPage && output == "-") {
    throw CommandError(kExitUsage, "html needs a file: --output FILE");
  }
  if (!wanted.formats.empty() && !wanted.formats[0]->isText && ::isatty(STDOUT_FILENO) == 1) {
    throw CommandError(kExitUsage, std::string(wanted.formats[0]->name) +
                                       " is no text for a terminal; name a file: --output FILE");
  }
}

std::string pathFor(const std::string& fileName, const std::string& output, size_t formats) {
  std::error_code ignored;
  bool isDirectory = formats > 1 || output.back() == '/' || fs::is_directory(output, ignored);
  if (!isDirectory) return output;
  makeDirectories(output);
  return (fs::path(output) / fileName).string();
}

void writePageTo(const report::MergedRuns& merged, const std::string& output, size_t formats) {
  std::string path = output.empty() ? (fs::path(merged.runs.front().directory) / kPageName).string()
                                    : pathFor(kPageName, output, formats);
  writePage(merged, path);
  std::cout << support::printable(path) << "\n";
}

void writeFormats(const Wanted& wanted, const report::MergedRuns& merged,
                  const Arguments& arguments) {
  std::string output = arguments[kOutput];
  report::FormatOptions options{.url = arguments[kUrl], .base = fs::current_path().string()};
  for (const report::Format* format : wanted.formats) {
    std::string text = format->write(merged, options);
    if (isStandardOutput(output)) {
      writeOutput(text);
      continue;
    }
    std::string path = pathFor(format->fileName, output, wanted.count());
    putFile(path, text, 0644);
    std::cout << support::printable(path) << "\n";
  }
}

// Judges all runs together, and says on standard error why they are not green.
int gateStatus(const report::MergedRuns& merged, const verdict::Gates& gates) {
  std::vector<run::RunResult> results;
  std::vector<verdict::JudgedRun> judged;
  results.reserve(merged.runs.size());
  for (const run::RunRecord& run : merged.runs) {
    results.push_back(run::resultOf(run));
    judged.push_back({run, results.back()});
  }
  std::vector<std::string> closed = verdict::closedGates(gates, judged);
  for (const verdict::JudgedRun& run : judged) {
    std::string text = verdict::closedByLength(gates, std::chrono::nanoseconds(run.result.length));
    if (!text.empty()) closed.push_back(text + ": " + run.record.id);
  }
  for (const std::string& text : closed)
    std::cerr << "muster: " << support::printable(text) << "\n";
  int status = merged.exitStatus;
  bool isGreen = status == support::kExitPassed || status == support::kExitNothingRan;
  if (!isGreen) {
    std::cerr << "muster: gate: the runs together have the exit status " << status << "\n";
  }
  return isGreen && !closed.empty() ? static_cast<int>(support::kExitFailed) : status;
}

verdict::Gates askedGates(const Arguments& arguments) {
  bool hasGates = arguments.has(kGates) || arguments.has(kRequireEnvironment);
  if (hasGates && !arguments[kGate]) {
    throw CommandError(kExitUsage, "--gates and --require-environment need --gate");
  }
  return gatesOf(arguments);
}

int writeReport(const Arguments& arguments) {
  Wanted wanted = wantedBy(arguments);
  verdict::Gates gates = askedGates(arguments);
  std::vector<std::string> words = arguments.words();
  if (words.empty()) words = {run::kLatestLink};
  if (wanted.count() > 0) check(wanted, arguments[kOutput]);
  std::vector<run::RunRecord> runs;
  for (const std::string& word : words) runs.push_back(recordedRun(word));
  report::MergedRuns merged = report::mergeRuns(std::move(runs), arguments[kColumns]);
  try {
    if (wanted.isPage) writePageTo(merged, arguments[kOutput], wanted.count());
    if (!wanted.formats.empty()) writeFormats(wanted, merged, arguments);
  } catch (const SystemError& error) {
    throw CommandError(kExitIo, error.what());
  }
  if (arguments[kGate]) return gateStatus(merged, gates);
  return kExitOk;
}

}  // namespace

const Command kReport = {
    .name = "report",
    .usage = "[RUN...]",
    .summary = "write what became of runs, in a format for people or programs",
    .options =
        [] {
          return OptionList{&kFormat, &kOutput, &kColumns,           &kUrl,
                            &kGate,   &kGates,  &kRequireEnvironment};
        },
    .run = writeReport,
    .wordsMost = 1000,
    .completes = WordKind::kRunDirectories,
    .notes = kNotes,
};

}  // namespace harness
