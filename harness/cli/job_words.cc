#include "harness/cli/job_words.h"

#include <algorithm>

#include "harness/cli/command_error.h"
#include "harness/cli/options.h"
#include "harness/cluster/run_id.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

constexpr char kDigits[] = "0123456789abcdef";

bool isJobWord(const std::string& word) {
  size_t dot = word.find('.');
  if (dot == 0 || dot == std::string::npos || dot > 32) return false;
  std::string number = word.substr(dot + 1);
  return word.find_first_not_of(kDigits) == dot && !number.empty() && number.size() <= 19 &&
         number.find_first_not_of("0123456789") == std::string::npos;
}

std::string commandText(const std::vector<std::string>& argv, size_t bytesMax) {
  std::string text;
  for (const std::string& item : argv) {
    bool bare = !item.empty() && item.find_first_of(" \t\n\"'\\$;&|<>()*?`") == std::string::npos;
    text += (text.empty() ? "" : " ") + (bare ? item : "'" + item + "'");
    if (text.size() > bytesMax) break;
  }
  if (text.size() <= bytesMax) return text;
  return std::string(support::beginningOf(text, bytesMax - 3)) + "...";
}

}  // namespace

std::string labelProblem(const std::string& label) {
  size_t equals = label.find('=');
  return equals == 0 || equals == std::string::npos ? "is not of the form NAME=VALUE" : "";
}

std::map<std::string, std::string> wantedLabels(const std::string& run,
                                                const std::vector<std::string>& labels) {
  std::map<std::string, std::string> wanted;
  for (const std::string& label : labels) {
    size_t equals = label.find('=');
    wanted[label.substr(0, equals)] = label.substr(equals + 1);
  }
  if (!run.empty()) wanted[kRunLabel] = run;
  return wanted;
}

ChosenJobs chooseJobs(const std::vector<std::string>& words, const std::vector<JobInfo>& known) {
  ChosenJobs chosen;
  for (const std::string& word : words) {
    if (!isJobWord(word)) {
      throw CommandError(kExitUsage, "\"" + word +
                                         "\" is not a job such as 3fa91c20.7; "
                                         "\"muster ps\" shows them");
    }
    std::string session = word.substr(0, word.find('.'));
    uint64_t number = std::stoull(word.substr(word.find('.') + 1));
    std::vector<JobName> found;
    for (const JobInfo& job : known) {
      if (job.name.number == number && job.name.session.starts_with(session)) {
        found.push_back(job.name);
      }
    }
    if (found.size() > 1) {
      throw CommandError(kExitData, "\"" + word + "\" is several jobs: sessions " +
                                        found[0].session + ", " + found[1].session);
    }
    if (found.empty()) {
      chosen.unknown.push_back(word);
    } else {
      chosen.names.push_back(found[0]);
    }
  }
  return chosen;
}

std::string stateText(const JobInfo& job) {
  if (!job.ended) return job.pid == 0 ? "starting" : "running";
  std::string text = muster::toString(job.outcome);
  if (!job.alive) return text;
  return text + ", left " + std::to_string(job.processes) +
         (job.processes == 1 ? " process" : " processes");
}

std::string jobTable(const std::vector<JobInfo>& jobs, size_t commandBytesMax) {
  std::vector<std::vector<std::string>> lines = {
      {"NODE", "JOB", "RUN", "OWNER", "PID", "PROCS", "RAN", "STATE", "COMMAND"}};
  for (const JobInfo& job : jobs) {
    lines.push_back({job.node, toString(job.name), job.label(kRunLabel), job.identity,
                     job.pid == 0 ? "" : std::to_string(job.pid), std::to_string(job.processes),
                     ageText(job.elapsed), stateText(job), commandText(job.argv, commandBytesMax)});
  }
  return table(lines);
}

Json jobJson(const JobInfo& job) {
  Json json = {
      {"node", job.node},          {"job", toString(job.name)},   {"session", job.name.session},
      {"number", job.name.number}, {"run", job.label(kRunLabel)}, {"labels", job.labels},
      {"owner", job.identity}};
  json["state"] = job.ended ? "ended" : "running";
  json["outcome"] = job.ended ? Json(muster::toString(job.outcome)) : Json(nullptr);
  json["alive"] = job.alive;
  json["acknowledged"] = job.acknowledged;
  json["pid"] = job.pid == 0 ? Json(nullptr) : Json(job.pid);
  json["processes"] = job.processes;
  json["elapsed_seconds"] = std::chrono::duration<double>(job.elapsed).count();
  json["started_realtime_ns"] = job.startedRealtimeNs;
  json["argv"] = job.argv;
  return json;
}

}  // namespace harness
