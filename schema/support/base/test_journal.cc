#include "schema/support/base/test_journal.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>

namespace support {
namespace {

using Result = TestRecord::Result;

constexpr const char* kResultWords[] = {"running", "passed", "skipped", "failed"};

// Makes one field of a line of a text: fields are separated by tabs, and lines by newlines.
std::string escaped(const std::string& text) {
  std::string field;
  for (char character : text) {
    if (character == '\n') {
      field += "\\n";
    } else if (character == '\t') {
      field += "\\t";
    } else if (character == '\\') {
      field += "\\\\";
    } else {
      field += character;
    }
  }
  return field;
}

std::string unescaped(const std::string& field) {
  std::string text;
  for (size_t at = 0; at < field.size(); ++at) {
    if (field[at] != '\\' || at + 1 == field.size()) {
      text += field[at];
      continue;
    }
    char escape = field[++at];
    text += escape == 'n' ? '\n' : escape == 't' ? '\t' : escape;
  }
  return text;
}

std::vector<std::string> fieldsOf(const std::string& line) {
  std::vector<std::string> fields(1);
  for (char character : line) {
    if (character == '\t') {
      fields.emplace_back();
    } else {
      fields.back() += character;
    }
  }
  for (std::string& field : fields) field = unescaped(field);
  return fields;
}

// A test that ends is the last one that began: tests run one after the other.
void takeEnd(TestJournal& journal, const std::vector<std::string>& fields) {
  if (journal.tests.empty()) return;
  TestRecord& test = journal.tests.back();
  auto word = std::find(std::begin(kResultWords), std::end(kResultWords), fields[3]);
  if (test.suite != fields[1] || test.name != fields[2] || word == std::end(kResultWords)) return;
  test.result = static_cast<Result>(word - std::begin(kResultWords));
  test.seconds = std::strtod(fields[4].c_str(), nullptr);
  test.text = fields[5];
}

}  // namespace

std::string beginLine(const std::string& suite, const std::string& name) {
  return "begin\t" + escaped(suite) + "\t" + escaped(name) + "\n";
}

std::string endLine(const TestRecord& record) {
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%.3f", record.seconds);
  return "end\t" + escaped(record.suite) + "\t" + escaped(record.name) + "\t" +
         kResultWords[static_cast<int>(record.result)] + "\t" + seconds + "\t" +
         escaped(record.text.substr(0, kTestTextBytesMax)) + "\n";
}

std::string completeLine() {
  return "complete\n";
}

TestJournal parseTestJournal(const std::string& journal) {
  TestJournal parsed;
  size_t begin = 0;
  for (size_t end; (end = journal.find('\n', begin)) != std::string::npos; begin = end + 1) {
    std::vector<std::string> fields = fieldsOf(journal.substr(begin, end - begin));
    if (fields[0] == "begin" && fields.size() == 3) {
      parsed.tests.push_back({.suite = fields[1], .name = fields[2]});
    } else if (fields[0] == "end" && fields.size() == 6) {
      takeEnd(parsed, fields);
    } else if (fields[0] == "complete") {
      parsed.isComplete = true;
    }
  }
  return parsed;
}

}  // namespace support
