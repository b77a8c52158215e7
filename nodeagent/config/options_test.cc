// Tries the order of defaults, files, environment and command line, and the refusals of each.
#include "nodeagent/config/options.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/support/base/config.h"

namespace nodeagent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class OptionsTest : public testing::Test {
 protected:
  OptionsTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "muster-options-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    places_ = {directory_ + "/nodeagent.yaml", directory_ + "/conf.d"};
    std::filesystem::create_directory(places_.directory);
  }
  ~OptionsTest() override { std::filesystem::remove_all(directory_); }

  void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

  Options read(const std::vector<std::string>& arguments = {},
               const std::map<std::string, std::string>& environment = {}) {
    return readOptions(arguments, environment, places_);
  }

  // The error's text, with the directory as DIR.
  std::string errorOf(const std::vector<std::string>& arguments = {},
                      const std::map<std::string, std::string>& environment = {}) {
    try {
      read(arguments, environment);
      return "";
    } catch (const std::runtime_error& error) {
      std::string text = error.what();
      for (size_t at; (at = text.find(directory_)) != std::string::npos;)
        text.replace(at, directory_.size(), "DIR");
      return text;
    }
  }

  std::string directory_;
  ConfigPlaces places_;
};

TEST_F(OptionsTest, LaterPlacesWinAndEachValueKnowsItsOrigin) {
  write(places_.file, "state-dir: /a\nlog:\n  level: debug\n  file: /l\n");
  write(places_.directory + "/10-x.yaml", "state-dir: /b\n");
  Options options = read({"--audit-log=/c"}, {{"NODEAGENT_LOG_LEVEL", "error"}});
  EXPECT_EQ(options.stateDir, "/b");
  EXPECT_EQ(options.origins["state-dir"], places_.directory + "/10-x.yaml:1:12");
  EXPECT_EQ(options.logLevel, "error");
  EXPECT_EQ(options.origins["log.level"], "environment NODEAGENT_LOG_LEVEL");
  EXPECT_EQ(options.logFile, "/l");
  EXPECT_EQ(options.auditLog, "/c");
  EXPECT_EQ(options.origins["audit-log"], "command line");
  EXPECT_EQ(options.origins["pidfile"], "default");
  EXPECT_EQ(options.keeperSocket, "/b/keeper.sock");
}

TEST_F(OptionsTest, UnknownKeysAreRefusedWithPlaceAndSuggestion) {
  write(places_.file, "node: n1\ntls:\n  autority: /a\n");
  EXPECT_EQ(errorOf(),
            "DIR/nodeagent.yaml:3:3: unknown key \"autority\"; did you mean \"authority\"?");
  EXPECT_THAT(errorOf({"--config=" + directory_ + "/none.yaml"}),
              HasSubstr("none.yaml: No such file or directory"));
}

TEST_F(OptionsTest, UnknownEnvironmentAndWordsAreRefused) {
  EXPECT_EQ(errorOf({}, {{"NODEAGENT_LOGLEVEL", "x"}}),
            "environment NODEAGENT_LOGLEVEL: unknown; did you mean \"NODEAGENT_LOG_LEVEL\"?");
  EXPECT_THROW(read({"--nothing"}), UsageError);
  EXPECT_THROW(read({"word"}), UsageError);
  EXPECT_EQ(errorOf({"--role=keper"}), "--role: there is no \"keper\"; did you mean \"keeper\"?");
  EXPECT_EQ(errorOf({"--log-level=loud"}),
            "command line: log.level: there is no \"loud\"; known: debug, info, warning, error");
}

TEST_F(OptionsTest, PlainListenersBeyondLoopbackAreRefused) {
  for (const char* address : {"10.0.0.1:7411", "0.0.0.0:7411", "[::]:7411", "[fe80::1]:7411",
                              "[::ffff:10.0.0.1]:7411", "192.168.0.1:0"}) {
    EXPECT_THAT(errorOf({std::string("--listen=tcp:") + address}), HasSubstr("without TLS"))
        << address;
  }
  EXPECT_THAT(read({"--listen=tcp:127.0.0.1:1", "--listen=tcp:[::1]:1"}).listen,
              ElementsAre("tcp:127.0.0.1:1", "tcp:[::1]:1"));
}

TEST_F(OptionsTest, TlsListenerNeedsItsFiles) {
  EXPECT_EQ(errorOf({"--listen=tls:10.0.0.1:7411", "--tls-authority=/a", "--tls-key=/k"}),
            "command line: listen: \"tls:10.0.0.1:7411\" needs tls.certificate, which is not set");
}

TEST_F(OptionsTest, FileThatOthersMayWriteIsRefused) {
  write(places_.file, "node: n1\n");
  ::chmod(places_.file.c_str(), 0666);
  EXPECT_THAT(errorOf(), StartsWith("DIR/nodeagent.yaml: others may write to it"));
}

TEST_F(OptionsTest, FileInADirectoryThatOthersMayWriteIsRefused) {
  write(places_.file, "node: n1\n");
  std::string directory = std::filesystem::path(places_.file).parent_path();
  ::chmod(directory.c_str(), 0777);
  EXPECT_THAT(errorOf(), HasSubstr("DIR can be written by others"));
  ::chmod(directory.c_str(), 0755);
  EXPECT_EQ(errorOf(), "");
}

TEST_F(OptionsTest, RelativePathIsRefused) {
  EXPECT_EQ(errorOf({"--state-dir=run"}),
            "command line: state-dir: \"run\" is not an absolute path");
}

TEST_F(OptionsTest, PrintedConfigurationReadsBackTheSame) {
  Options options = read({"--node-name=n7", "--log-level=debug", "--listen=tcp:127.0.0.1:1"});
  std::string text = configText(options);
  EXPECT_THAT(text, HasSubstr("  level: debug  # command line\n"));
  write(places_.file, text);
  Options again = read();
  EXPECT_EQ(again.nodeName, "n7");
  EXPECT_EQ(again.logLevel, "debug");
  EXPECT_EQ(again.listen, options.listen);
}

TEST_F(OptionsTest, HelpNamesEveryOption) {
  for (const char* option : {"--listen", "--tls-key", "--log-level", "--node-name", "--role"}) {
    EXPECT_THAT(helpText(), HasSubstr(option));
  }
}

}  // namespace
}  // namespace nodeagent
