// Variables of services and commands, on a node of files with a systemctl in memory.
#include <filesystem>
#include <map>
#include <string>

#include <capnp/message.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodeagent/change/fake_node_testing.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::change {
namespace {

using testing::AllOf;
using testing::HasSubstr;

using Pairs = std::map<std::string, std::string>;

class EnvironmentTest : public testing::Test {
 protected:
  EnvironmentTest() : kind_(newServiceEnvironmentKind()) {}
  ~EnvironmentTest() noexcept override {}

  Values read(const std::string& service, const Pairs& variables) const {
    capnp::MallocMessageBuilder message;
    auto kind = message.initRoot<wire::ChangeSpec>().initKind();
    auto environment = kind.initServiceEnvironment();
    environment.setService(service.c_str());
    auto list = environment.initVariables(static_cast<unsigned>(variables.size()));
    unsigned at = 0;
    for (const auto& [name, value] : variables) {
      list[at].setName(name.c_str());
      list[at++].setValue(kj::StringPtr(value.c_str(), value.size()));
    }
    return kind_->read(kind.asReader());
  }
  Values make(const support::Id& id, const Pairs& variables) {
    Values values = read("kvd", variables);
    kind_->prepare(fake_.surroundings(), id, values);
    kind_->make(fake_.surroundings(), id, values);
    return values;
  }
  void undo(const support::Id& id, const Values& values) {
    kind_->undo(fake_.surroundings(), id, values);
  }
  template <typename Call>
  static std::string failureOf(const Call& call) {
    auto thrown = kj::runCatchingExceptions([&]() { call(); });
    KJ_IF_MAYBE (exception, thrown) return support::reasonOf(*exception).cStr();
    return "";
  }
  std::string refused(const Pairs& variables) {
    return failureOf([&] { read("kvd", variables); });
  }
  std::string unitFile(const std::string& extension) const {
    for (auto& file : std::filesystem::directory_iterator(directory())) {
      if (file.path().extension() == extension) {
        return fake_.read("units/kvd.service.d/" + file.path().filename().string());
      }
    }
    return "none";
  }
  std::string directory() const { return fake_.directory() + "/units/kvd.service.d"; }

  FakeNode fake_;
  kj::Own<ChangeKind> kind_;
  support::Id first_ = support::Id::random();
  support::Id second_ = support::Id::random();
};

TEST_F(EnvironmentTest, UnitHasADropInThatNamesAFileOfVariables) {
  fake_.addSystemd();
  Values values = make(first_, {{"A", "a \"b\" $c `d` \\e"}, {"B", ""}});
  EXPECT_EQ(unitFile(".env"), "A=\"a \\\"b\\\" \\$c \\`d\\` \\\\e\"\nB=\"\"\n");
  EXPECT_THAT(unitFile(".conf"),
              AllOf(HasSubstr("[Service]\nEnvironmentFile=" + directory()), HasSubstr(".env\n")));
  EXPECT_EQ(fake_.calls().back(), "systemctl daemon-reload");
  size_t calls = fake_.calls().size();
  undo(first_, values);
  EXPECT_FALSE(std::filesystem::exists(directory()));
  EXPECT_EQ(fake_.calls().size(), calls + 1) << "systemd has to read it again";
  undo(first_, values);
}

TEST_F(EnvironmentTest, NewestDropInIsReadLast) {
  fake_.addSystemd();
  Values first = make(first_, {{"A", "1"}});
  Values second = make(second_, {{"A", "2"}});
  EXPECT_LT(std::string(first.get("file").cStr()), std::string(second.get("file").cStr()));
  undo(first_, first);
  EXPECT_EQ(unitFile(".env"), "A=\"2\"\n");
}

TEST_F(EnvironmentTest, ScriptReadsLinesAtTheEndOfItsSettings) {
  fake_.addScripts();
  fake_.write("default/kvd", "A=0\n");
  Values values = make(first_, {{"A", "1 $x"}});
  EXPECT_THAT(fake_.read("default/kvd"), HasSubstr("A=0\nexport A=\"1 \\$x\" # muster:"));
  undo(first_, values);
  EXPECT_EQ(fake_.read("default/kvd"), "A=0\n");
}

TEST_F(EnvironmentTest, SettingsComeBackExactlyWhateverTheirEndIs) {
  fake_.addScripts();
  fake_.write("default/kvd", "A=0");
  Values first = make(first_, {{"A", "1"}});
  Values second = make(second_, {{"B", "2"}});
  EXPECT_THAT(fake_.read("default/kvd"), HasSubstr("A=0\n"));
  undo(first_, first);
  EXPECT_THAT(fake_.read("default/kvd"), HasSubstr("\nexport B=\"2\""));
  undo(second_, second);
  EXPECT_EQ(fake_.read("default/kvd"), "A=0");
}

TEST_F(EnvironmentTest, SettingsThatWereMissingAreMissingAgain) {
  fake_.addScripts();
  Values values = make(first_, {{"A", "1"}});
  EXPECT_THAT(fake_.read("default/kvd"), HasSubstr("export A=\"1\""));
  undo(first_, values);
  EXPECT_FALSE(std::filesystem::exists(fake_.directory() + "/default/kvd"));
  values = make(first_, {{"A", "1"}});
  fake_.write("default/kvd", fake_.read("default/kvd") + "theirs\n");
  undo(first_, values);
  EXPECT_EQ(fake_.read("default/kvd"), "theirs\n");
}

TEST_F(EnvironmentTest, UnknownServiceIsRefusedBeforeAnythingIsTouched) {
  Values values = read("none", {{"A", "1"}});
  auto prepare = [&] { kind_->prepare(fake_.surroundings(), first_, values); };
  EXPECT_THAT(failureOf(prepare), HasSubstr("neither systemd nor init scripts"));
  fake_.addScripts();
  EXPECT_THAT(failureOf(prepare), HasSubstr("service none: no script of that name"));
  fake_.addSystemd();
  EXPECT_THAT(failureOf(prepare), HasSubstr("service none: systemd knows no such unit"));
  EXPECT_TRUE(std::filesystem::is_empty(fake_.directory() + "/units"));
  EXPECT_TRUE(std::filesystem::is_empty(fake_.directory() + "/default"));
}

TEST_F(EnvironmentTest, WrongNamesAndValuesAreRefused) {
  EXPECT_EQ(refused({{"LD_PRELOAD", "/lib/x.so"}, {"_a1", "\t\xc3\xa4"}}), "");
  for (const char* name : {"", "1A", "A-B", "A=B", "A B", "\xc3\xa4"}) {
    EXPECT_THAT(refused({{name, "x"}}), HasSubstr("is no name of a variable")) << name;
  }
  for (const std::string& value :
       {std::string("a\nb"), std::string("a\0b", 3), std::string("\x7f"), std::string("\xff")}) {
    EXPECT_EQ(
        refused({{"SECRET", value}}),
        "environment: the value of SECRET is not one line of UTF-8 without control characters");
  }
  EXPECT_THAT(refused({{"A", std::string((32 << 10) + 1, 'x')}}), HasSubstr("at most 32768"));
  EXPECT_THAT(refused({}), HasSubstr("0 variables are not between 1 and 64"));
  EXPECT_THAT(failureOf([&] { read("../x", {{"A", "1"}}); }), HasSubstr("service name"));
}

TEST_F(EnvironmentTest, TextNamesVariablesAndNoValues) {
  EXPECT_EQ(kind_->text(read("kvd", {{"A", "secret"}, {"B", "x"}})),
            "gives service kvd the variables A, B");
}

}  // namespace
}  // namespace nodeagent::change
