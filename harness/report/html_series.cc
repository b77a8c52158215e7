#include "harness/report/html_series.h"

#include <cstdio>
#include <ctime>
#include <map>
#include <string_view>
#include <vector>

namespace harness::report {
namespace {

// A plot is some hundred pixels wide.
constexpr size_t kPointsMax = 1000;
constexpr size_t kProcessesMax = 4;

struct Point {
  int64_t at = 0;
  double value = 0;
};

struct Plot {
  std::string unit = {};
  std::vector<Point> points = {};
};

double valueOf(const Json& sample, const char* name, double otherwise) {
  auto found = sample.find(name);
  return found != sample.end() && found->is_number() ? found->get<double>() : otherwise;
}

// Reads "2026-12-01T02:45:01.123Z". -1: it is none.
int64_t wallOf(const std::string& text) {
  std::tm time{};
  double seconds = 0;
  if (std::sscanf(text.c_str(), "%d-%d-%dT%d:%d:%lf", &time.tm_year, &time.tm_mon, &time.tm_mday,
                  &time.tm_hour, &time.tm_min, &seconds) != 6) {
    return -1;
  }
  time.tm_year -= 1900;
  time.tm_mon -= 1;
  return int64_t{::timegm(&time)} * 1'000'000'000 + static_cast<int64_t>(seconds * 1e9);
}

// Keeps the least and the greatest of equal parts, between which a peak cannot get lost.
std::vector<Point> thinned(const std::vector<Point>& points) {
  if (points.size() <= kPointsMax) return points;
  std::vector<Point> kept;
  size_t parts = kPointsMax / 2;
  for (size_t i = 0; i < parts; ++i) {
    size_t begin = points.size() * i / parts;
    size_t end = points.size() * (i + 1) / parts;
    Point low = points[begin];
    Point high = points[begin];
    for (size_t j = begin; j < end; ++j) {
      if (points[j].value < low.value) low = points[j];
      if (points[j].value > high.value) high = points[j];
    }
    kept.push_back(low.at <= high.at ? low : high);
    kept.push_back(low.at <= high.at ? high : low);
  }
  return kept;
}

class Plots {
 public:
  void take(const Json& sample, int64_t at) {
    takeRates(sample, at);
    double total = valueOf(sample, "memory_total_bytes", -1);
    double available = valueOf(sample, "memory_available_bytes", -1);
    if (total >= 0 && available >= 0) add("memory", "B", at, total - available);
    auto processes = sample.find("processes");
    if (processes == sample.end() || !processes->is_array()) return;
    for (const Json& process : *processes) {
      double bytes = valueOf(process, "anonymous_bytes", -1);
      if (bytes < 0) continue;
      std::string name = textOf(process, "name") + " (" +
                         std::to_string(numberOf(process, "pid").value_or(0)) + ")";
      processes_[name].unit = "B";
      processes_[name].points.push_back({.at = at, .value = bytes});
    }
  }

  Json toJson() {
    size_t count = 0;
    for (auto& [name, plot] : processes_) {
      if (++count <= kProcessesMax) plots_[name + " memory"] = std::move(plot);
    }
    Json all = Json::array();
    for (const auto& [name, plot] : plots_) {
      Json points = Json::array();
      for (const Point& point : thinned(plot.points)) points.push_back({point.at, point.value});
      all.push_back({{"name", name},
                     {"unit", plot.unit},
                     {"thinned", plot.points.size() - points.size()},
                     {"points", std::move(points)}});
    }
    if (count > kProcessesMax && !all.empty()) all[0]["processesLeftOut"] = count - kProcessesMax;
    return all;
  }

 private:
  void add(const std::string& name, const char* unit, int64_t at, double value) {
    plots_[name].unit = unit;
    plots_[name].points.push_back({.at = at, .value = value});
  }

  // Counters become rates. One that fell, as after a boot, has none.
  void takeRates(const Json& sample, int64_t at) {
    if (last_.is_object()) {
      double seconds = static_cast<double>(at - lastAt_) / 1e9;
      auto grown = [&](const char* name) {
        double after = valueOf(sample, name, -1);
        double before = valueOf(last_, name, -1);
        return before >= 0 && after >= before ? after - before : -1;
      };
      double busy = grown("cpu_busy_s");
      double idle = grown("cpu_idle_s");
      if (busy >= 0 && idle >= 0 && busy + idle > 0)
        add("cpu", "%", at, 100 * busy / (busy + idle));
      double sent = grown("network_sent_bytes");
      double received = grown("network_received_bytes");
      if (seconds > 0 && sent >= 0 && received >= 0) {
        add("network", "B/s", at, (sent + received) / seconds);
      }
    }
    last_ = sample;
    lastAt_ = at;
  }

  std::map<std::string, Plot> plots_;
  std::map<std::string, Plot> processes_;
  Json last_;
  int64_t lastAt_ = 0;
};

}  // namespace

Json seriesOf(const std::string& content, const std::function<int64_t(int64_t)>& timeOf) {
  Plots plots;
  size_t begin = 0;
  for (size_t end; (end = content.find('\n', begin)) != std::string::npos; begin = end + 1) {
    std::string_view line = std::string_view(content).substr(begin, end - begin);
    Json sample = Json::parse(line, nullptr, false);
    if (!sample.is_object()) continue;
    int64_t wall = wallOf(textOf(sample, "at"));
    if (wall >= 0) plots.take(sample, timeOf(wall));
  }
  return plots.toJson();
}

}  // namespace harness::report
