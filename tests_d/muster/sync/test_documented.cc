// The example of docs/reference/sync.md: its script is taken from there, and its test is the one
// below.
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include <muster/muster.h>

#include "component.h"

namespace {

using namespace muster;
using testing::HasSubstr;

class DocumentedTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 3}}}; }

 protected:
  static std::string textOf(const std::string& path) {
    std::ifstream stream(MUSTER_SOURCE_DIR "/" + path);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }

  // Returns the first block of the page in this language.
  static std::string block(const std::string& language) {
    std::string page = textOf("docs/reference/sync.md");
    std::string fence = "```" + language + "\n";
    size_t begin = page.find(fence) + fence.size();
    return page.substr(begin, page.find("```", begin) - begin);
  }
};

TEST_F(DocumentedTest, ExampleWorks) {
  servers().file("/tmp/load.sh").write(block("sh")).checked();
  Process a = servers()[0].start({"sh", "/tmp/load.sh", "a"});
  Process b = servers()[1].start({"sh", "/tmp/load.sh", "b"});
  Process c = servers()[2].start({"sh", "/tmp/load.sh", "c"});
  Barrier start = cluster().barrier("start", {a, b, c});

  std::set<std::string> shards;
  for (int i = 0; i < 3; ++i) shards.insert(cluster().event("prepared").wait(10s).data["shard"]);
  EXPECT_THAT(shards, testing::ElementsAre("a", "b", "c"));

  start.wait(10s);
  cluster().notify("go", {{"rate", "100"}});
  for (Process* each : {&a, &b, &c}) EXPECT_THAT(each->wait(10s), Succeeded());
}

TEST_F(DocumentedTest, ExampleIsThatOfThePage) {
  EXPECT_THAT(textOf("tests_d/muster/sync/test_documented.cc"), HasSubstr(block("cpp")));
}

// The text of a broken barrier stands in the page, but for its line breaks.
TEST_F(DocumentedTest, BrokenBarrierSaysWhatThePageSays) {
  servers().file("/tmp/load.sh").write(block("sh")).checked();
  Process a = servers()[0].start({"sh", "/tmp/load.sh", "a"});
  Process b = servers()[1].start({"sh", "/tmp/load.sh", "b"});
  Barrier start = cluster().barrier("start", 3);
  sync_tests::awaitWaiting(servers()[0], 1);
  sync_tests::awaitWaiting(servers()[1], 1);
  b.signal(SIGKILL, SignalTarget::kProcess);
  std::string said = a.wait(10s).err;
  std::string page = block("text");
  std::replace(page.begin(), page.end(), '\n', ' ');
  std::replace(said.begin(), said.end(), '\n', ' ');
  EXPECT_EQ(said, page);
}

}  // namespace
