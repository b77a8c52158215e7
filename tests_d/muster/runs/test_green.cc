// Ways to look green: each row of docs/reference/green.md, by CTest and by `muster run`.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/runs/component.h"

namespace runs {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

namespace fs = std::filesystem;

struct Way {
  std::string test;
  std::string ctest;
  std::string outcome;
  int status = 0;
  std::string says;
};

// gtest's own mark of a parameter would be its bytes.
void PrintTo(const Way& way, std::ostream* out) {
  *out << way.test;
}

std::string contentOfDocument() {
  std::ostringstream text;
  text << std::ifstream(MUSTER_GREEN_DOCUMENT).rdbuf();
  return text.str();
}

std::vector<std::string> cellsOf(const std::string& row) {
  std::vector<std::string> cells;
  std::istringstream stream(row.substr(1));
  for (std::string cell; std::getline(stream, cell, '|');) {
    size_t begin = cell.find_first_not_of(" `");
    size_t end = cell.find_last_not_of(" `");
    cells.push_back(begin == std::string::npos ? "" : cell.substr(begin, end - begin + 1));
  }
  return cells;
}

// The rows of the first table, which has six columns.
std::vector<Way> ways() {
  std::vector<Way> ways;
  std::istringstream document(contentOfDocument());
  for (std::string row; std::getline(document, row);) {
    if (!row.starts_with("|") || row.find(" | `") == std::string::npos) continue;
    std::vector<std::string> cells = cellsOf(row);
    if (cells.size() != 6 || cells[1].find('.') == std::string::npos) continue;
    ways.push_back({cells[1], cells[2], cells[3], std::stoi(cells[4]), cells[5]});
  }
  return ways;
}

class GreenTest : public RunsTest, public ::testing::WithParamInterface<Way> {
 protected:
  // Runs the test by CTest, with the properties that gtest_discover_tests() gives it, and returns
  // CTest's word.
  std::string ctestWord(const std::string& test) const {
    fs::create_directory(directory_ + "/ctest");
    std::ofstream(directory_ + "/ctest/CTestTestfile.cmake")
        << "add_test(way \"" << programs_ << "/muster-test-broken-plain\" \"--gtest_filter=" << test
        << "\")\nset_tests_properties(way PROPERTIES TIMEOUT 2 SKIP_REGULAR_EXPRESSION "
        << R"("\\[  SKIPPED \\]"))"
        << "\n";
    std::string out = script("ctest --test-dir ctest").out;
    std::smatch word;
    if (!std::regex_search(out, word, std::regex(R"(way \.+[^*]*(Passed|\*\*\*[A-Za-z]+))")))
      return out;
    std::string text = word[1];
    text.erase(0, text.find_first_not_of('*'));
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
  }
};

TEST_P(GreenTest, CTestSaysSo) {
  EXPECT_EQ(ctestWord(GetParam().test), GetParam().ctest);
}

TEST_P(GreenTest, DoesNotLookGreen) {
  const Way& way = GetParam();
  Ended ended = run(way.test + " --suite-time-limit 2s");
  EXPECT_EQ(ended.status, way.status) << ended.out << ended.err;
  if (way.outcome == "refused") return;
  std::string outcome = "\"outcome\": \"" + way.outcome + "\"";
  EXPECT_THAT(ended.out, HasSubstr(outcome));
  EXPECT_THAT(report("json"), AllOf(HasSubstr(outcome), HasSubstr(way.says)));
  if (way.test != "Plain.Passes") {
    bool isSkipped = way.outcome == "skipped";
    EXPECT_THAT(report("junit"),
                AllOf(HasSubstr(isSkipped ? "<skipped" : "type=\""),
                      Not(HasSubstr("errors=\"0\" failures=\"0\" skipped=\"0\""))));
  }
  EXPECT_TRUE(fs::exists(directory_ + "/muster-runs/latest/report.html"));
}

INSTANTIATE_TEST_SUITE_P(Ways, GreenTest, ::testing::ValuesIn(ways()));

TEST(GreenDocument, NamesTestsThatThereAre) {
  EXPECT_GE(ways().size(), 20u);
  std::regex last(R"(\| `([A-Z][A-Za-z]+)` \|\n)");
  std::string document = contentOfDocument();
  size_t count = 0;
  for (std::sregex_iterator at(document.begin(), document.end(), last), end; at != end; ++at) {
    std::string name = (*at)[1];
    bool isThere = false;
    for (const char* suite : {"RunsTest", "WholeRunTest"}) {
      ::testing::UnitTest& all = *::testing::UnitTest::GetInstance();
      for (int i = 0; i < all.total_test_suite_count(); ++i) {
        const ::testing::TestSuite& one = *all.GetTestSuite(i);
        if (std::string(one.name()) != suite) continue;
        for (int k = 0; k < one.total_test_count(); ++k) {
          isThere = isThere || name == one.GetTestInfo(k)->name();
        }
      }
    }
    EXPECT_TRUE(isThere) << name;
    ++count;
  }
  EXPECT_EQ(count, 8u);
}

// What has to do with a whole run.
class WholeRunTest : public RunsTest {
 protected:
  void requireRoot() const {
    if (::geteuid() != 0) GTEST_SKIP() << "mounts and nodes of this machine need root";
  }
};

TEST_F(WholeRunTest, RecordThatIsCutIsNotGreen) {
  EXPECT_EQ(run("Plain.Passes --run-dir green").status, 0);
  EXPECT_EQ(run("Plain.Fails --run-dir red").status, 1);
  for (const std::string which : {"green", "red"}) {
    fs::path records = fs::path(directory_) / which / "records";
    for (const std::string name : {"muster.jsonl", "broken_tests-1.jsonl"}) {
      std::string content = contentOf(which + "/records/" + name);
      for (size_t eighths = 0; eighths < 8; ++eighths) {
        std::ofstream(records / name, std::ios::binary)
            << content.substr(0, content.size() * eighths / 8);
        std::string where = which + " " + name + " " + std::to_string(eighths);
        EXPECT_THAT(muster("report " + which + " --format json").out,
                    Not(HasSubstr("\"exitStatus\": 0")))
            << where;
        EXPECT_THAT(muster("report " + which + " --format csv").out,
                    Not(HasSubstr("Plain,Fails,1,1,passed")))
            << where;
      }
      std::ofstream(records / name, std::ios::binary) << content;
    }
  }
}

TEST_F(WholeRunTest, FullDiskIsNotGreen) {
  requireRoot();
  if (IsSkipped()) return;
  Ended ended =
      script("unshare --mount sh -c 'mkdir full && mount -t tmpfs -o size=400k none full && " +
             muster_ + " run --bin-dir bin Output.IsLarge --run-dir full/run --no-page'");
  EXPECT_EQ(ended.status, 2) << ended.out << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("could not be kept"));
}

TEST_F(WholeRunTest, ClockThatJumpsChangesNothing) {
  std::ofstream(directory_ + "/clock") << "+0d";
  Ended ended = script("export FAKETIME_TIMESTAMP_FILE=" + directory_ +
                       "/clock FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 "
                       "LD_PRELOAD=$(ls /usr/lib/*/faketime/libfaketimeMT.so.1); " +
                       muster_ + " run --bin-dir bin Clock.JumpsBack Plain.Fails --json");
  EXPECT_EQ(ended.status, 1) << ended.out << ended.err;
  EXPECT_THAT(ended.out,
              AllOf(HasSubstr("\"outcome\": \"passed\""), HasSubstr("\"outcome\": \"failed\"")));
  EXPECT_THAT(ended.out, HasSubstr("\"whole\": true"));
  EXPECT_THAT(report("json"), Not(HasSubstr("\"seconds\": -")));
  EXPECT_THAT(ended.out, Not(HasSubstr("has not jumped")));
}

TEST_F(WholeRunTest, NodeThatIsLostInASetUpIsInfrastructure) {
  requireRoot();
  if (IsSkipped()) return;
  Ended ended = run("NodeIsLost.Body");
  EXPECT_EQ(ended.status, 2) << ended.out << ended.err;
  EXPECT_THAT(ended.out, AllOf(HasSubstr("\"outcome\": \"infrastructure\""),
                               HasSubstr("was lost before the first failure")));
}

}  // namespace
}  // namespace runs
