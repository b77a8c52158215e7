#include "tests_d/muster/robustness/load.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "harness/api/access.h"
#include "tests_d/muster/robustness/residue.h"
#include "tests_d/muster/robustness/stream.h"

namespace robustness {

using namespace std::chrono_literals;
using harness::ApiAccess;
using muster::DeadlineScope;
using muster::Node;
using muster::NodeError;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

namespace {

uint64_t below(std::mt19937_64& random, uint64_t bound) {
  return bound ? random() % bound : 0;
}

// Counts a call while it lasts.
class Counted {
 public:
  Counted(std::atomic<size_t>& inFlight, std::atomic<size_t>& finished)
      : inFlight_(inFlight), finished_(finished) {
    ++inFlight_;
  }
  ~Counted() {
    --inFlight_;
    ++finished_;
  }

 private:
  std::atomic<size_t>& inFlight_;
  std::atomic<size_t>& finished_;
};

// Makes a call within its bound and notes when, and with which error, if any.
template <typename Record, typename F>
void timed(Record& record, nanoseconds callMax, F&& call) {
  record.called = steady_clock::now();
  record.deadline = record.called + callMax;
  try {
    DeadlineScope scope(callMax);
    call();
  } catch (const NodeError& error) {
    record.error = error.kind();
    record.errorText = error.what();
  }
  record.returned = steady_clock::now();
}

void take(CommandRecord& record, const muster::Result& result) {
  record.outcome = result.outcome;
  record.out = result.out;
  record.err = result.err;
}

}  // namespace

StallMeter::StallMeter()
    : thread_([this] {
        while (!stopping_) {
          auto before = steady_clock::now();
          letPass(5ms);
          int64_t late = (steady_clock::now() - before - 5ms).count();
          worst_ = std::max(worst_.load(), late);
        }
      }) {}

StallMeter::~StallMeter() {
  stopping_ = true;
  thread_.join();
}

Load::Load(harness::ControllerNode& node, LoadOptions options)
    : node_(node), options_(std::move(options)) {
  for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this, i] { work(i); });
}

Load::~Load() {
  stopping_ = true;
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

bool Load::awaitProgress(size_t more, nanoseconds within) const {
  size_t wanted = finished_ + more;
  return becomesTrue([&] { return finished_ >= wanted; }, within);
}

History Load::stop() {
  stopping_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  std::ifstream file(options_.directory + "/executions");
  std::ostringstream text;
  text << file.rdbuf();
  history_.executions = parseExecutions(text.str());
  return std::move(history_);
}

nanoseconds Load::overrunMax() const {
  return 250ms + stall_.worst();
}

void Load::work(int number) {
  std::mt19937_64 random(options_.seed * 1000 + static_cast<uint64_t>(number));
  std::string prefix = options_.tag + ".w" + std::to_string(number);
  std::string path = options_.directory + "/file" + std::to_string(number);
  uint64_t version = 0;
  for (uint64_t call = 0; !stopping_; ++call) {
    uint64_t kind = below(random, 10);
    if (!options_.files || kind < 7) {
      run(prefix + "." + std::to_string(call), random);
    } else if (version == 0 || kind == 7) {
      replaceFile(path, ++version, random);
    } else {
      lookAtFile(path);
    }
  }
}

void Load::run(const std::string& name, std::mt19937_64& random) {
  CommandRecord record{.name = name};
  record.outLines = below(random, options_.linesMax + 1);
  record.errLines = below(random, 4) == 0 ? below(random, options_.linesMax + 1) : 0;
  record.exitStatus = static_cast<int>(below(random, 3) == 0 ? below(random, 250) : 0);
  long pauseUs = static_cast<long>(below(random, 2) * below(random, options_.pauseUsMax + 1));
  muster::Argv argv = {options_.payload,
                       "stream",
                       name,
                       options_.directory + "/executions",
                       std::to_string(record.outLines),
                       std::to_string(record.errLines),
                       std::to_string(record.exitStatus),
                       std::to_string(pauseUs)};
  muster::RunOptions options;
  options.environment[kTagVariable] = options_.tag;
  bool stepwise = below(random, 3) == 0;
  Node node = ApiAccess::node(node_);
  {
    Counted counted(inFlight_, finished_);
    timed(record, options_.callMax, [&] {
      if (!stepwise) return take(record, node.run(argv, options));
      // This command is read line by line for a while before it is waited for.
      muster::Process process = node.start(argv, options);
      for (uint64_t line = 0; line < record.outLines / 2; ++line)
        process.readLine(options_.callMax);
      take(record, process.wait());
    });
  }
  keep(std::move(record));
}

void Load::replaceFile(const std::string& path, uint64_t version, std::mt19937_64& random) {
  FileRecord record{.path = path, .write = true, .version = version};
  std::string content = fileContent(version, below(random, options_.fileBytesMax));
  {
    Counted counted(inFlight_, finished_);
    timed(record, options_.callMax, [&] { ApiAccess::node(node_).file(path).write(content); });
  }
  keep(std::move(record));
}

void Load::lookAtFile(const std::string& path) {
  FileRecord record{.path = path};
  {
    Counted counted(inFlight_, finished_);
    timed(record, options_.callMax, [&] {
      try {
        auto version = versionOf(ApiAccess::node(node_).file(path).read());
        record.whole = version.has_value();
        record.version = version.value_or(0);
      } catch (const NodeError& error) {
        if (error.kind() != NodeError::Kind::kNotFound) throw;
        record.version = 0;  // The state before the first write.
      }
    });
  }
  keep(std::move(record));
}

void Load::keep(CommandRecord record) {
  std::lock_guard lock(mutex_);
  history_.commands.push_back(std::move(record));
}

void Load::keep(FileRecord record) {
  std::lock_guard lock(mutex_);
  history_.files.push_back(std::move(record));
}

std::string fileContent(uint64_t version, size_t bytes) {
  std::string body(bytes, static_cast<char>('a' + version % 26));
  std::string text = std::to_string(version) + " " + body;
  return text + " " + std::to_string(checksum(text));
}

std::optional<uint64_t> versionOf(const std::string& content) {
  size_t sum = content.rfind(' ');
  if (sum == std::string::npos) return std::nullopt;
  std::string text = content.substr(0, sum);
  if (std::to_string(checksum(text)) != content.substr(sum + 1)) return std::nullopt;
  return std::strtoull(text.c_str(), nullptr, 10);
}

nanoseconds percentile(std::vector<nanoseconds> values, int percent) {
  if (values.empty()) return nanoseconds(0);
  std::sort(values.begin(), values.end());
  return values[(values.size() - 1) * static_cast<size_t>(percent) / 100];
}

}  // namespace robustness
