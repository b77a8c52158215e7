#include "harness/cli/log_words.h"

#include "harness/cli/command_error.h"
#include "harness/cluster/node_expression.h"
#include "harness/values/failure_text.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

using muster::LogLine;
using muster::LogMark;
using muster::LogNote;
using muster::LogSource;

const char kDigits[] = "0123456789abcdef";

std::string hexOf(const std::string& bytes) {
  std::string text;
  for (unsigned char byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

// Throws std::invalid_argument.
std::string bytesOf(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

const char* kindWord(LogSource::Kind kind) {
  switch (kind) {
    case LogSource::Kind::kFiles:
      return "files";
    case LogSource::Kind::kUnit:
      return "unit";
    case LogSource::Kind::kContainer:
      return "container";
    case LogSource::Kind::kKernel:
      break;
  }
  return "kernel";
}

// Throws std::invalid_argument.
LogSource sourceOf(const std::string& kind, const std::string& name) {
  if (kind == "files") return LogSource(name);
  if (kind == "unit") return LogSource::unit(name);
  if (kind == "kernel") return LogSource::kernel();
  if (kind == "container") return LogSource::container(name);
  throw std::invalid_argument("unknown kind of source " + inQuotes(kind));
}

// The list of the cluster file in which the rule stands.
const char* listWord(const ClusterLogs::Rule& each, const char* list) {
  return each.rule.severity == muster::LogSeverity::kWarn ? "warn_on" : list;
}

std::string nodesText(const std::vector<std::string>& nodes) {
  return nodes.empty() ? "" : " on " + foldNodeNames(nodes);
}

std::string rulesText(const std::vector<ClusterLogs::Rule>& rules, const char* list) {
  std::string text;
  for (const ClusterLogs::Rule& each : rules) {
    const muster::LogRule& rule = each.rule;
    text +=
        std::string(listWord(each, list)) + ": " + inQuotes(rule.pattern) + nodesText(each.nodes);
    if (rule.files != "*") text += " in " + inQuotes(rule.files);
    if (!rule.before.empty()) text += " behind " + inQuotes(rule.before);
    if (!rule.expires.empty()) text += " until " + rule.expires;
    text += ": " + support::printable(rule.reason) + "\n";
  }
  return text;
}

void addRules(Json& json, const std::vector<ClusterLogs::Rule>& rules, const char* list) {
  for (const ClusterLogs::Rule& each : rules) {
    const muster::LogRule& rule = each.rule;
    Json item = {{"pattern", rule.pattern}, {"reason", rule.reason}, {"files", rule.files}};
    if (!rule.expires.empty()) item["expires"] = rule.expires;
    if (!rule.before.empty()) item["before"] = rule.before;
    if (!rule.before.empty()) item["before_lines"] = rule.beforeLines;
    item["nodes"] = foldNodeNames(each.nodes);
    json[listWord(each, list)].push_back(std::move(item));
  }
}

}  // namespace

std::vector<LogSource> sourcesOf(const std::vector<std::string>& files,
                                 const std::vector<std::string>& units,
                                 const std::vector<std::string>& containers) {
  std::vector<LogSource> sources;
  for (const std::string& file : files) {
    if (file.empty() || file[0] != '/') {
      throw CommandError(kExitUsage, "--file " + inQuotes(file) +
                                         " is to be an absolute path on the nodes, or a pattern "
                                         "of such");
    }
    sources.emplace_back(file);
  }
  for (const std::string& unit : units) sources.push_back(LogSource::unit(unit));
  for (const std::string& name : containers) sources.push_back(LogSource::container(name));
  return sources;
}

std::string clusterLogsText(const ClusterLogs& logs) {
  std::string text;
  for (const ClusterLogs::Source& each : logs.sources) {
    text += "logs: " + std::string(kindWord(each.source.kind()));
    if (each.source.kind() != LogSource::Kind::kKernel) {
      text += " " + inQuotes(each.source.name());
    }
    text += nodesText(each.nodes) + "\n";
  }
  return text + rulesText(logs.failOn, "fail_on") + rulesText(logs.allow, "allow");
}

Json clusterLogsJson(const ClusterLogs& logs) {
  Json json = {{"sources", Json::array()},
               {"fail_on", Json::array()},
               {"warn_on", Json::array()},
               {"allow", Json::array()}};
  for (const ClusterLogs::Source& each : logs.sources) {
    json["sources"].push_back({{"kind", kindWord(each.source.kind())},
                               {"name", each.source.name()},
                               {"nodes", foldNodeNames(each.nodes)}});
  }
  addRules(json, logs.failOn, "fail_on");
  addRules(json, logs.allow, "allow");
  return json;
}

std::string lineText(const LogLine& line) {
  return line.node + " " + support::printable(line.file) + ": " + support::printable(line.text) +
         "\n";
}

Json lineJson(const LogLine& line) {
  Json json = {{"node", line.node}, {"file", line.file}};
  if (line.number > 0) json["number"] = line.number;
  json["text"] = line.text;
  if (line.isCut) json["cut"] = true;
  if (line.isUnfinished) json["unfinished"] = true;
  return json;
}

std::string noteText(const LogNote& note) {
  return note.node + " " + support::printable(note.file) + ": " + support::printable(note.text);
}

Json noteJson(const LogNote& note) {
  return {{"node", note.node}, {"file", note.file}, {"note", note.text}};
}

std::string marksText(const std::string& cluster, const std::vector<LogMark>& marks) {
  Json list = Json::array();
  for (const LogMark& mark : marks) {
    list.push_back({{"node", mark.node},
                    {"kind", kindWord(mark.source.kind())},
                    {"name", mark.source.name()},
                    {"mark", hexOf(mark.bytes)}});
  }
  return jsonText({{"cluster", cluster}, {"marks", std::move(list)}}, Layout::kIndented);
}

std::vector<LogMark> readMarks(const std::string& text, const std::string& path) {
  std::vector<LogMark> marks;
  try {
    Json json = Json::parse(text);
    for (const Json& each : json.at("marks")) {
      LogSource source =
          sourceOf(each.at("kind").get<std::string>(), each.at("name").get<std::string>());
      marks.push_back({each.at("node").get<std::string>(), source,
                       bytesOf(each.at("mark").get<std::string>())});
    }
  } catch (const std::exception& error) {
    throw CommandError(kExitData, path +
                                      ": is no file of marks, as muster logs --mark writes it: " +
                                      std::string(error.what()));
  }
  if (marks.empty()) throw CommandError(kExitData, path + ": has no marks");
  return marks;
}

}  // namespace harness
