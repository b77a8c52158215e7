// muster_bench: Google Benchmark's own program, which also prints how many times slower than its
// floor each benchmark was. The floor of "work/muster_tls" is "work/floor_tls"; lacking that, the
// first "work/floor..." that ran.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <string>
#include <vector>

namespace bench {
namespace {

class RatioReporter final : public benchmark::ConsoleReporter {
 public:
  RatioReporter() : ConsoleReporter(isatty(STDOUT_FILENO) == 1 ? OO_Defaults : OO_Tabular) {}

  void ReportRuns(const std::vector<Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const Run& run : runs) {
      bool single = run.run_type == Run::RT_Iteration && run.repetitions <= 1;
      if (run.error_occurred || (!single && run.aggregate_name != "median")) continue;
      std::string name = run.run_name.function_name;
      double each = run.GetAdjustedRealTime() / benchmark::GetTimeUnitMultiplier(run.time_unit);
      if (seconds_.emplace(name, each).second) order_.push_back(name);
    }
  }

  void Finalize() override {
    ConsoleReporter::Finalize();
    std::puts("\nTimes slower than its floor:");
    for (const std::string& name : order_) {
      std::string floor = floorOf(name);
      if (floor.empty()) continue;
      std::printf("%-44s %8.2f x %s\n", name.c_str(), seconds_[name] / seconds_[floor],
                  floor.c_str());
    }
  }

 private:
  std::string floorOf(const std::string& name) const {
    auto slash = name.find("/muster_");
    if (slash == std::string::npos) return "";
    std::string work = name.substr(0, slash) + "/floor_";
    std::string same = work + name.substr(slash + 8, name.find('_', slash + 8) - slash - 8);
    if (seconds_.contains(same)) return same;
    for (const std::string& other : order_) {
      if (other.rfind(work, 0) == 0) return other;
    }
    return "";
  }

  std::map<std::string, double> seconds_;
  std::vector<std::string> order_;
};

}  // namespace
}  // namespace bench

int main(int count, char* words[]) {
  benchmark::Initialize(&count, words);
  if (benchmark::ReportUnrecognizedArguments(count, words)) return 64;
  bench::RatioReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  benchmark::Shutdown();
  return 0;
}
