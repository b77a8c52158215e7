// Group G of the catalogue of bad input: configuration files and words of the command line with
// which the agent must not start, each with the place and the reason.
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodeagent/config/options.h"
#include "schema/support/base/config.h"

namespace nodeagent {
namespace {

namespace fs = std::filesystem;

struct Case {
  const char* name;
  std::string content;  // The file's content; its path stands for DIR/c.yaml.
  const char* text;     // Part of the error's; null: accepted.
  std::function<void(const std::string&)> make =
      {};  // Makes something else in place of a file of `content`.
};

void PrintTo(const Case& row, std::ostream* out) {
  *out << row.name;
}

const Case kCases[] = {
    {"Missing", "", "DIR/c.yaml: No such file", [](const std::string&) {}},
    {"Empty", "", "DIR/c.yaml:1:1: the file is empty"},
    {"OnlyAComment", "# nothing\n", "DIR/c.yaml:1:1: the file is empty"},
    {"Directory", "", "DIR/c.yaml: is not a regular file",
     [](const std::string& path) { fs::create_directory(path); }},
    {"Fifo", "", "DIR/c.yaml: is not a regular file",
     [](const std::string& path) { mkfifo(path.c_str(), 0600); }},
    {"Device", "", "DIR/c.yaml: is not a regular file",
     [](const std::string& path) { fs::create_symlink("/dev/zero", path); }},
    {"TenMebibytes", std::string(10 << 20, '#'), "DIR/c.yaml: is larger than 1 MiB"},
    {"WritableByAll", "", "DIR/c.yaml: others may write to it",
     [](const std::string& path) {
       std::ofstream(path) << "node: n1\n";
       chmod(path.c_str(), 0666);
     }},
    {"WritableByTheGroup", "", "DIR/c.yaml: others may write to it",
     [](const std::string& path) {
       std::ofstream(path) << "node: n1\n";
       chmod(path.c_str(), 0620);
     }},
    {"AKeyTwice", "node: a\nnode: b\n", "DIR/c.yaml:2:1: key \"node\" is here a second time"},
    {"ASectionTwice", "log: {level: info}\nlog: {file: /l}\n", "DIR/c.yaml:2:1: key \"log\""},
    {"ListInPlaceOfText", "node: [a]\n", "DIR/c.yaml:1:7: node: expected text and found a list"},
    {"TextInPlaceOfAList", "listen: x\n", "DIR/c.yaml:1:9: listen: expected a list"},
    {"TextInPlaceOfASection", "tls: /a\n", "DIR/c.yaml:1:6: tls: expected a map"},
    {"EmptyValue", "node:\n", "DIR/c.yaml:2:1: node: expected text"},
    {"KeyThatIsAList", "? [a]\n: b\n", "DIR/c.yaml:1:"},
    {"ListAtTheTop", "- node\n", "expected a map and found a list"},
    {"TwoDocuments", "node: a\n---\nnode: b\n", "DIR/c.yaml:2:1: a second document"},
    {"DocumentWithoutEnd", "[a],b\n", "a second document"},
    {"OpenBracket", "listen: [\n", "not YAML"},
    {"Tabs", "log:\n\tlevel: debug\n", "not YAML"},
    {"UnknownAlias", "node: *x\n", "not YAML"},
    {"DeeplyNested", std::string(100'000, '['), "not YAML"},
    {"Binary",
     std::string("\x7f"
                 "ELF\x02\x01\x01\0\0\0",
                 10),
     "DIR/c.yaml:1:"},
    {"NulByte", std::string("log: {}\nnode: a\0b\n", 18), "DIR/c.yaml:2:8: a NUL byte"},
    {"ByteOrderMark", "\xef\xbb\xbfnode: n1\n", nullptr},
    {"CarriageReturns", "node: n1\r\nlog:\r\n  level: debug\r\n", nullptr},
    {"PortBeyondTheLast", "listen: ['tcp:127.0.0.1:65536']\n", "65536"},
    {"NegativePort", "listen: ['tcp:127.0.0.1:-1']\n", "listen"},
    {"NoPort", "listen: ['tcp:127.0.0.1']\n", "listen"},
    {"NameInPlaceOfAnAddress", "listen: ['tcp:localhost:1']\n", "localhost"},
    {"UnknownTransport", "listen: ['udp:127.0.0.1:1']\n", "begins with none of"},
    {"RelativeSocket", "listen: ['unix:x']\n", "must be absolute"},
    {"SocketTooLong", "listen: ['unix:/" + std::string(200, 's') + "']\n", "listen"},
    {"NoListeners", "listen: []\n", "is empty"},
    {"PlainPortForAll", "listen: ['tcp:0.0.0.0:1']\n", "without TLS"},
    {"PlainPortForAllOfIpv6", "listen: ['tcp:[::]:1']\n", "without TLS"},
    {"UnknownLevel", "log: {level: loud}\n", "there is no \"loud\""},
    {"RelativeStateDirectory", "state-dir: run\n", "is not an absolute path"},
};

class BadConfigTest : public testing::TestWithParam<Case> {
 protected:
  BadConfigTest() {
    std::string pattern = fs::temp_directory_path() / "muster-config-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
  }
  ~BadConfigTest() override { fs::remove_all(directory_); }

  std::string directory_;
};

TEST_P(BadConfigTest, IsRefusedWithPlaceAndReason) {
  const Case& row = GetParam();
  const std::string path = directory_ + "/c.yaml";
  if (row.make) {
    row.make(path);
  } else {
    std::ofstream(path, std::ios::binary) << row.content;
  }
  try {
    readOptions({"--config=" + path}, {}, {directory_ + "/none", directory_ + "/none.d"});
    EXPECT_EQ(row.text, nullptr) << "accepted";
  } catch (const support::ConfigError& error) {
    std::string text = error.what();
    for (size_t at; (at = text.find(directory_)) != std::string::npos;)
      text.replace(at, directory_.size(), "DIR");
    ASSERT_NE(row.text, nullptr) << text;
    EXPECT_THAT(text, testing::HasSubstr(row.text));
  }
}

INSTANTIATE_TEST_SUITE_P(GroupG, BadConfigTest, testing::ValuesIn(kCases),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(BadWordsTest, AreUsageErrors) {
  const std::vector<std::string> words[] = {{"--config"}, {"--role="},     {"--role=front,keeper"},
                                            {"-x"},       {"--listen"},    {"--log-level"},
                                            {"a", "b"},   {"--state-dir"}, {"---"}};
  for (const auto& line : words) {
    EXPECT_THROW(readOptions(line, {}, {"/nonexistent", "/nonexistent"}), UsageError) << line[0];
  }
}

}  // namespace
}  // namespace nodeagent
