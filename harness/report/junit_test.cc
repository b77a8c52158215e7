#include "harness/report/junit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pugixml.hpp>

#include "harness/report/junit_schema_testing.h"
#include "harness/report/sample_runs_testing.h"
#include "schema/support/base/text.h"

namespace harness::report {
namespace {

using testing::HasSubstr;
using testing::Not;

class JunitTest : public ReportTest {
 protected:
  void load(const MergedRuns& merged) {
    text_ = write("junit", merged);
    pugi::xml_parse_result parsed = document_.load_string(text_.c_str());
    ASSERT_TRUE(parsed) << parsed.description();
  }

  pugi::xml_node testCase(const std::string& name) const {
    return document_.select_node(("//testcase[@name='" + name + "']").c_str()).node();
  }

  std::string typeOf(const std::string& name, const char* element) const {
    return testCase(name).child(element).attribute("type").value();
  }

  // What xmllint says of the report against the schema; empty: nothing.
  std::string complaintsOf(const std::string& text) const {
    std::string schema = fileOf("junit.xsd", kJunitSchema);
    std::string report = fileOf("junit.xml", text);
    CommandResult result = execute({"xmllint", "--noout", "--nonet", "--schema", schema, report});
    return result.succeeded() ? "" : result.errors;
  }

  bool has(const std::vector<std::string>& command) const { return execute(command).succeeded(); }

  std::string text_;
  pugi::xml_document document_;
};

TEST_F(JunitTest, EveryOutcomeHasItsElement) {
  load(everything());
  EXPECT_FALSE(testCase("Passes").child("failure"));
  EXPECT_EQ(typeOf("Fails", "failure"), "failed");
  EXPECT_EQ(typeOf("Crashes", "error"), "crashed");
  EXPECT_EQ(typeOf("TimesOut", "error"), "timed out");
  EXPECT_EQ(typeOf("IsInfrastructure", "error"), "infrastructure");
  EXPECT_EQ(typeOf("IsSkipped", "skipped"), "skipped");
  EXPECT_EQ(typeOf("IsCancelled", "error"), "cancelled");
  EXPECT_EQ(typeOf("IsNotRun", "error"), "not run");
  EXPECT_EQ(typeOf("IsFlaky", "flakyFailure"), "failed");
  EXPECT_EQ(typeOf("IsWaived", "skipped"), "waived");
  EXPECT_EQ(typeOf("IsPolluted", "failure"), "polluted");
  EXPECT_FALSE(testCase("PassesUnexpectedly").child("failure"));
}

TEST_F(JunitTest, CountsAreThoseOfTheElements) {
  load(everything());
  pugi::xml_node root = document_.child("testsuites");
  EXPECT_EQ(root.attribute("tests").as_int(), 12);
  for (const char* element : {"failure", "error"}) {
    size_t found = document_.select_nodes(("//testcase/" + std::string(element)).c_str()).size();
    std::string attribute = std::string(element) + "s";
    EXPECT_EQ(root.attribute(attribute.c_str()).as_uint(), found) << attribute;
    EXPECT_GT(found, 0u);
  }
  EXPECT_EQ(root.child("testsuite").attribute("skipped").as_uint(),
            document_.select_nodes("//testcase/skipped").size());
}

TEST_F(JunitTest, ReportsAreValidAgainstTheSchemaOfJenkins) {
  if (!has({"xmllint", "--version"})) GTEST_SKIP() << "xmllint is not installed";
  EXPECT_EQ(complaintsOf(write("junit", everything())), "");
  EXPECT_EQ(complaintsOf(write("junit", cut())), "");
  EXPECT_EQ(complaintsOf(write("junit", empty())), "");
  EXPECT_THAT(complaintsOf("<testsuites><testcase/></testsuites>"), HasSubstr("testcase"));
}

TEST_F(JunitTest, FailureKeepsItsTextAndNoControlCharacters) {
  load(everything());
  std::string text = testCase("Fails").child("failure").text().get();
  EXPECT_THAT(text, HasSubstr("kv_test.cc:12: "));
  EXPECT_THAT(text, HasSubstr("\"a\" <b> & 'c' ]]> # d `e` |f| "));
  EXPECT_THAT(text, HasSubstr("\\x1b[31mred\\x01\nsecond\tline"));
  EXPECT_TRUE(support::isUtf8(text_));
  EXPECT_THAT(text_, Not(HasSubstr("\x1b")));
  EXPECT_THAT(std::string(testCase("Fails").child("failure").attribute("message").value()),
              Not(HasSubstr("second")));
}

TEST_F(JunitTest, OutputNamesPropertiesAndAttachments) {
  load(everything());
  std::string text = testCase("Passes").child("system-out").text().get();
  EXPECT_THAT(text, HasSubstr("[[PROPERTY|owner=ada]]\n"));
  EXPECT_THAT(text, HasSubstr("[[PROPERTY|requirement=REQ-1]]\n"));
  EXPECT_THAT(text, HasSubstr("[[PROPERTY|label=slow]]\n"));
  EXPECT_THAT(text, HasSubstr("[[PROPERTY|node=server1]]\n"));
  EXPECT_THAT(text, HasSubstr("[[PROPERTY|keys=1000]]\n"));
  EXPECT_THAT(text, HasSubstr("[[ATTACHMENT|all/kvd_tests-1/kvd.log]]\n"));
  EXPECT_THAT(text, HasSubstr("printed \\x1b[1m]]>"));
}

TEST_F(JunitTest, SuiteNamesRunSeedAndNodes) {
  SampleRun run(runs_, "r");
  std::string node =
      run.program().begin("node", "", {{"node", "server1"}, {"product", {{"kvd", "4.2-1"}}}});
  run.program().end(node);
  run.add("Passes", "passed");
  run.close();
  load(runs_.merged({"r"}));
  auto value = [&](const std::string& name) {
    std::string path = "//testsuite/properties/property[@name='" + name + "']";
    return std::string(document_.select_node(path.c_str()).node().attribute("value").value());
  };
  EXPECT_EQ(value("run"), "r");
  EXPECT_EQ(value("seed"), "4711");
  EXPECT_EQ(value("node"), "server1");
  EXPECT_EQ(value("server1.kvd"), "4.2-1");
  EXPECT_EQ(value("command"), "muster run 'it'\\''s'");
}

TEST_F(JunitTest, CutRecordIsAnErrorOfItsOwn) {
  load(cut());
  EXPECT_EQ(typeOf("WasRunning", "error"), "crashed");
  EXPECT_EQ(typeOf("record", "error"), "infrastructure");
}

TEST_F(JunitTest, ForeignParsersFindTheSameResults) {
  std::string path = fileOf("junit.xml", write("junit", everything()));
  const char* viaTree =
      "import sys, xml.etree.ElementTree as t\n"
      "c = list(t.parse(sys.argv[1]).getroot().iter('testcase'))\n"
      "print(len(c), sum(x.find('failure') is not None for x in c), "
      "sum(x.find('error') is not None for x in c))";
  EXPECT_EQ(execute({"python3", "-c", viaTree, path}).output, "12 2 5\n");
  // Debian's own interpreter has the packages of Debian.
  if (!has({"/usr/bin/python3", "-c", "import junitparser"})) {
    GTEST_SKIP() << "python3-junitparser is not installed";
  }
  const char* viaParser =
      "import sys, junitparser as j\n"
      "x = j.JUnitXml.fromfile(sys.argv[1])\n"
      "r = [type(v).__name__ for s in x for c in s for v in c.result]\n"
      "print(x.tests, r.count('Failure'), r.count('Error'), r.count('Skipped'))";
  EXPECT_EQ(execute({"/usr/bin/python3", "-c", viaParser, path}).output, "12 2 5 2\n");
}

}  // namespace
}  // namespace harness::report
