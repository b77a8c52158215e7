// Fuzzes what makes text of the bytes of others, for people and for programs.
//
// Other people's parsers read what comes out: nlohmann's JSON, which refuses bytes that are not
// UTF-8, pugixml and yaml-cpp. What they read must be the bytes that went in, where the form keeps
// bytes.
#include <kj/debug.h>
#include <kj/encoding.h>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>

#include <muster/node_error.h>
#include <muster/result.h>

#include "harness/cli/table.h"
#include "harness/provision/local/hub/answer.h"
#include "harness/provision/local/hub/error.h"
#include "harness/values/failure_text.h"
#include "schema/support/base/config.h"
#include "schema/support/base/text.h"
#include "tests_d/muster/fuzz/target.h"

namespace {

// Fails unless `text` is UTF-8 without anything that drives a terminal.
void checkText(const std::string& text) {
  std::string quoted = nlohmann::json(text).dump();  // Throws for bytes that are not UTF-8.
  KJ_ASSERT(nlohmann::json::parse(quoted) == text);
  for (unsigned char c : text) KJ_ASSERT((c >= 0x20 && c != 0x7f) || c == '\n' || c == '\t');
  KJ_ASSERT(support::printable(text, support::Lines::kMany) == text, "it is not final");
}

// Undoes support::escaped.
std::string unescaped(const std::string& text) {
  std::string bytes;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\') {
      bytes += text[at];
      continue;
    }
    char kind = text.at(++at);
    if (kind == 'x') {
      bytes += static_cast<char>(std::stoi(text.substr(at + 1, 2), nullptr, 16));
      at += 2;
    } else {
      bytes += kind == 'n' ? '\n' : kind == 't' ? '\t' : kind;
    }
  }
  return bytes;
}

void checkEscaped(const std::string& bytes) {
  std::string line = support::escaped(bytes);
  checkText(line);
  KJ_ASSERT(line.find('\n') == std::string::npos && unescaped(line) == bytes);
  support::ConfigReader reader("x.yaml");
  KJ_ASSERT(reader.parse("key: \"" + line + "\"").size() == 1);
}

void checkCuts(const std::string& bytes, size_t size) {
  std::string text = support::printable(bytes);
  for (std::string_view part : {support::beginningOf(text, size), support::endOf(text, size)}) {
    KJ_ASSERT(part.size() <= size);
    checkText(std::string(part));
  }
}

void checkFailures(const std::string& first, const std::string& second) {
  muster::Result result;
  result.node = "n1";
  result.argv = {first, second};
  result.out = first;
  result.err = second;
  result.logPath = first;
  result.holders = {{1, second}};
  for (const muster::Outcome& outcome :
       {muster::Outcome::exited(1), muster::Outcome::exited(0),
        muster::Outcome::notStarted(2, second), muster::Outcome::lost({}, first)}) {
    result.outcome = outcome;
    checkText(describe(result));
  }
  checkText(muster::NodeError(muster::NodeError::Kind::kSystem, first, first, second).what());
  checkText(harness::inQuotes(first, 20));
  checkText(harness::table({{first, second}}));
}

std::string decoded(const nlohmann::json& base64) {
  auto text = base64.get<std::string>();
  auto bytes = kj::decodeBase64(kj::arrayPtr(text.data(), text.size()));
  KJ_ASSERT(!bytes.hadErrors);
  return {bytes.asChars().begin(), bytes.size()};
}

// The text itself, or the bytes beside it.
std::string readBack(const nlohmann::json& object) {
  return object.contains("out_base64") ? decoded(object["out_base64"])
                                       : object.at("out").get<std::string>();
}

void checkJson(const std::string& first, const std::string& second) {
  harness::Json value = {{"nodes", {{{"out", first}, {"argv", {second, first}}}}}};
  for (auto layout : {harness::Layout::kLine, harness::Layout::kIndented}) {
    auto parsed = nlohmann::json::parse(harness::jsonText(value, layout)).at("nodes").at(0);
    KJ_ASSERT(readBack(parsed) == first);
    if (parsed.contains("argv_base64")) {
      KJ_ASSERT(decoded(parsed["argv_base64"][0]) == second);
    } else {
      KJ_ASSERT(parsed["argv"][0] == second && parsed["argv"][1] == first);
    }
  }
  auto refusal =
      nlohmann::json::parse(harness::lineOf(harness::refusalOf(harness::HubError(first, second))));
  checkText(refusal.at("detail"));
  KJ_ASSERT(nlohmann::json::parse("\"" + support::jsonEscaped(first) + "\"").is_string());
}

// Writes an XML attribute and a JSON string as gtest does: markup is escaped, control characters
// are left out, and other bytes go in as they are.
std::string asGtestWrites(const std::string& bytes) {
  std::string text;
  for (unsigned char c : bytes) {
    if (c >= 0x20 && std::string_view("<>&'\"\\").find(static_cast<char>(c)) == std::string::npos) {
      text += static_cast<char>(c);
    }
  }
  return text;
}

void checkReports(const std::string& bytes) {
  std::string content = asGtestWrites(bytes);
  std::string xml = support::xmlRepaired("<a b=\"" + content + "\"/>");
  KJ_ASSERT(support::xmlRepaired(xml) == xml);
  pugi::xml_document document;
  KJ_ASSERT(document.load_buffer(xml.data(), xml.size(), pugi::parse_default, pugi::encoding_utf8));
  std::string read = document.child("a").attribute("b").value();
  KJ_ASSERT("<a b=\"" + read + "\"/>" == xml);
  checkText(support::printable(read));
  std::string json = support::jsonRepaired("{\"b\": \"" + content + "\"}");
  KJ_ASSERT(nlohmann::json::parse(json).at("b").is_string());
}

void checkLog(const std::string& first, const std::string& second) {
  support::CapturedLog log;
  support::log(support::Level::kInfo, first, {{"value", second}});
  std::string line = log.text();
  KJ_ASSERT(line.find('\n') + 1 == line.size(), "one line");
  checkText(line);
}

}  // namespace

MUSTER_FUZZ_TARGET(writers) {
  size_t size = input.byte() % 32;
  std::string first = input.text(16384);
  auto rest = input.rest();
  std::string second(reinterpret_cast<const char*>(rest.begin()), rest.size());
  for (const std::string* bytes : {&first, &second}) {
    checkText(support::printable(*bytes));
    checkText(support::printable(*bytes, support::Lines::kMany));
    checkEscaped(*bytes);
    checkCuts(*bytes, size);
    checkReports(*bytes);
  }
  checkFailures(first, second);
  checkJson(first, second);
  checkLog(first, second);
}
