#include "harness/report/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/report/sample_runs_testing.h"

namespace harness::report {
namespace {

using testing::HasSubstr;

class CsvTest : public ReportTest {};

TEST_F(CsvTest, CellsAreQuotedWhereTheyMustBe) {
  EXPECT_EQ(csvRow({"a", "b,c", "d\"e", "", "f\ng"}), "a,\"b,c\",\"d\"\"e\",,\"f\ng\"\r\n");
}

TEST_F(CsvTest, SpreadsheetFindsNoFormula) {
  EXPECT_EQ(csvRow({"=1+1", "+1", "-1", "@a", "a=1"}), "'=1+1,'+1,'-1,'@a,a=1\r\n");
}

TEST_F(CsvTest, ControlCharactersAreEscaped) {
  EXPECT_EQ(csvRow({std::string("a\x1b\0b\xff", 5)}), "a\\x1b\\x00b\\xff\r\n");
}

TEST_F(CsvTest, AttemptsAreRows) {
  std::string path = fileOf("attempts.csv", write("csv", everything()));
  const char* script =
      "import csv, sys\n"
      "rows = list(csv.DictReader(open(sys.argv[1], newline='', encoding='utf-8')))\n"
      "flaky = [r for r in rows if r['test'] == 'IsFlaky']\n"
      "fails = [r for r in rows if r['test'] == 'Fails'][0]\n"
      "print(len(rows), [(r['attempt'], r['outcome'], r['test_outcome']) for r in flaky],\n"
      "  fails['nodes'], fails['run'], all(None not in r and None not in r.values() for r in "
      "rows))";
  EXPECT_EQ(execute({"python3", "-c", script, path}).output,
            "14 [('1', 'failed', 'flaky'), ('2', 'passed', 'flaky')] server1 client1 all True\n");
}

TEST_F(CsvTest, EmptyRunHasAHeadOnly) {
  std::string text = write("csv", empty());
  EXPECT_EQ(text.find("\r\n"), text.size() - 2);
  EXPECT_THAT(text, testing::StartsWith("run,column,component,suite,test,repeat,attempt,outcome,"));
}

}  // namespace
}  // namespace harness::report
