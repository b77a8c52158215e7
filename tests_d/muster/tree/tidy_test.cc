// Shows that each rule of tidy.h does complain, and where it must not.
#include "tests_d/muster/tree/tidy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tree {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string repeated(const std::string& line, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += line;
  return text;
}

TEST(TidyTest, LongFileNeedsAReason) {
  EXPECT_THAT(checkBudgets({"a/b.h", repeated("\n", 250)}), IsEmpty());
  EXPECT_THAT(checkBudgets({"a/b.h", repeated("\n", 251)}),
              ElementsAre(HasSubstr("a/b.h:1: file of 251 lines; at most 250")));
  EXPECT_THAT(checkBudgets({"a/b.h", "// Over budget: a table.\n" + repeated("\n", 400)}),
              IsEmpty());
}

TEST(TidyTest, NoReasonExcusesTwiceTheBudget) {
  EXPECT_THAT(checkBudgets({"a/b.h", "// Over budget: a table.\n" + repeated("\n", 500)}),
              ElementsAre(HasSubstr("file of 501 lines")));
}

TEST(TidyTest, LongFunctionAndLongTestBodyAreFound) {
  EXPECT_THAT(checkFunctions({"a/b.cc", "int f() {\n" + repeated("  x();\n", 71) + "}\n"}),
              ElementsAre("a/b.cc:1: function of 71 lines; at most 70"));
  EXPECT_THAT(checkFunctions({"a/b.cc", "TEST(A, B) {\n" + repeated("  x();\n", 41) + "}\n"}),
              ElementsAre("a/b.cc:1: test body of 41 lines; at most 40"));
  EXPECT_THAT(checkFunctions({"a/b.cc", "int f() {\n" + repeated("  x();\n", 70) + "}\n"}),
              IsEmpty());
}

TEST(TidyTest, LongFunctionInsideOfAClassIsFound) {
  const std::string kLong = repeated("      x();\n", 71);
  EXPECT_THAT(checkFunctions({"a/b.cc",
                              "class A : public B {\n public:\n  A()\n      : a_(1) {}\n"
                              "  struct Part {\n    int a = 1;\n    int f(int b) {\n" +
                                  kLong + "    }\n  };\n};\n"}),
              ElementsAre("a/b.cc:7: function of 71 lines; at most 70"));
  EXPECT_THAT(checkFunctions({"a/b.h", "template <typename T>\nstruct A {\n  A() {  // Why.\n" +
                                           kLong + "  }\n};\n"}),
              ElementsAre("a/b.h:3: function of 71 lines; at most 70"));
}

TEST(TidyTest, LinesThatOnlyLookLikeFunctionsAreNone) {
  const std::string kLong = repeated("  x();\n", 71);
  EXPECT_THAT(
      checkFunctions({"a/b.cc", "const char* kScript = R\"(\nf() {\n" + kLong + "}\n)\";\n"}),
      IsEmpty());
  EXPECT_THAT(checkFunctions({"a/b.cc", "const int kTable[] = {\n" + kLong + "};\n"}), IsEmpty());
  EXPECT_THAT(checkFunctions({"a/b.cc", "int f();\nclass A;\nnamespace b {\n" + kLong + "}\n"}),
              IsEmpty());
}

TEST(TidyTest, ReasonExcusesALongFunctionButNotTwiceTheBudget) {
  const std::string kReason = "// Over budget: a table.\nint f() {\n";
  EXPECT_THAT(checkFunctions({"a/b.cc", kReason + repeated("  x();\n", 140) + "}\n"}), IsEmpty());
  EXPECT_THAT(checkFunctions({"a/b.cc", kReason + repeated("  x();\n", 141) + "}\n"}),
              ElementsAre(HasSubstr("function of 141 lines")));
}

TEST(TidyTest, LongLineIsFound) {
  EXPECT_THAT(checkBudgets({"a/b.cc", "// " + std::string(98, 'x') + "\n"}),
              ElementsAre("a/b.cc:1: line of 101 characters; at most 100"));
}

TEST(TidyTest, SleepIsFoundOutsideOfItsHomes) {
  std::string text = "void f() { std::this_thread::sleep_for(1s); }\n";
  EXPECT_THAT(checkBannedWords({"harness/rpc/a.cc", text}), ElementsAre(HasSubstr("sleeps")));
  EXPECT_THAT(checkBannedWords({"nodeagent/os/a.cc", text}), IsEmpty());
}

TEST(TidyTest, WaitForNothingIsFoundInEveryDisguise) {
  for (std::string call :
       {"poll(nullptr, 0, 5)", "::poll(NULL, 0, n)", "poll({}, 0, 100)", "poll(0, 0, 1)",
        "ppoll(nullptr, 0, &t, nullptr)", "select(0, nullptr, nullptr, nullptr, &t)",
        "clock_nanosleep(CLOCK_MONOTONIC, 0, &t, nullptr)", "usleep(1)"}) {
    EXPECT_THAT(checkBannedWords({"harness/rpc/a.cc", "  " + call + ";\n"}),
                ElementsAre(HasSubstr("sleeps")))
        << call;
  }
  for (std::string call : {"poll(&waited, 1, -1)", "poll(fds, 2, 5)", "select(fd + 1, &set)"}) {
    EXPECT_THAT(checkBannedWords({"harness/rpc/a.cc", "  " + call + ";\n"}), IsEmpty()) << call;
  }
  EXPECT_THAT(checkBannedWords({"tests_d/muster/support/wait.h", "usleep(1);\n"}), IsEmpty());
}

TEST(TidyTest, UnfinishedWorkIsFound) {
  EXPECT_THAT(checkBannedWords({"harness/rpc/a.cc", "// TODO(now): check\n"}),
              ElementsAre(HasSubstr("unfinished")));
}

TEST(TidyTest, TestNameWithUnderscoreIsFound) {
  EXPECT_THAT(checkTestNames({"a_test.cc", "TEST_F(LeaseTest, Lease_Ends) {\n"}),
              ElementsAre(HasSubstr("\"Lease_Ends\"")));
  EXPECT_THAT(checkTestNames({"a_test.cc", "TEST_F(LeaseTest, LeaseEnds) {\n"}), IsEmpty());
}

TEST(TidyTest, IncludeThatPointsUpOrSidewaysIsFound) {
  EXPECT_THAT(checkLayers({"nodeagent/exec/a.cc", "#include \"nodeagent/file/b.h\"\n"}),
              ElementsAre(HasSubstr("may not")));
  EXPECT_THAT(checkLayers({"harness/include/muster/a.h", "#include <kj/async.h>\n"}),
              ElementsAre(HasSubstr("<kj/async.h>")));
  EXPECT_THAT(checkLayers({"tests_d/x/test_a.cc", "#include \"harness/rpc/controller.h\"\n"}),
              ElementsAre(HasSubstr("may not")));
  EXPECT_THAT(checkLayers({"tests_d/x/test_a.cc", "#include \"tests_d/x/component.h\"\n"}),
              IsEmpty());
}

TEST(TidyTest, ConnectionsStandBelowThePublicClasses) {
  for (const char* upward :
       {"#include <muster/node.h>\n", "#include <muster/process.h>\n", "#include <muster/file.h>\n",
        "#include <muster/service.h>\n", "#include \"harness/api/access.h\"\n"}) {
    EXPECT_THAT(checkLayers({"harness/rpc/a.cc", upward}), ElementsAre(HasSubstr("may not")));
  }
  EXPECT_THAT(checkLayers({"harness/rpc/a.cc", "#include <muster/node_state.h>\n"}), IsEmpty());
  EXPECT_THAT(checkLayers({"harness/values/a.cc", "#include <muster/node.h>\n"}),
              ElementsAre(HasSubstr("may not")));
  EXPECT_THAT(checkLayers({"harness/api/a.cc", "#include \"harness/rpc/echo/echo.h\"\n"}),
              IsEmpty());
}

TEST(TidyTest, DirectoryWithoutARowIsFound) {
  EXPECT_THAT(checkLayers({"harness/store/a.cc", ""}), ElementsAre(HasSubstr("is in no room")));
  EXPECT_THAT(checkLayers({"elsewhere/a.h", ""}), ElementsAre(HasSubstr("is in no room")));
}

TEST(TidyTest, EveryServiceOfTheAgentIsARoom) {
  EXPECT_THAT(checkLayers({"nodeagent/new/a.cc", "#include \"nodeagent/exec/job.h\"\n"}),
              ElementsAre(HasSubstr("may not")));
  EXPECT_THAT(checkLayers({"nodeagent/new/a.cc", "#include \"nodeagent/os/b.h\"\n"}), IsEmpty());
}

TEST(TidyTest, OnlyTheKeepersListOfServicesSeesThem) {
  auto complaintsOf = [](std::string file, std::string include) {
    return checkLayers({"nodeagent/keeper/" + file, "#include \"" + include + "\"\n"});
  };
  EXPECT_THAT(complaintsOf("services.cc", "nodeagent/new/new_service.h"), IsEmpty());
  EXPECT_THAT(complaintsOf("a.cc", "nodeagent/session/agent_service.h"), IsEmpty());
  EXPECT_THAT(complaintsOf("a.cc", "nodeagent/new/new_service.h"),
              ElementsAre(HasSubstr("may not")));
  for (std::string include : {"nodeagent/front/relay.h", "nodeagent/shim/shim.h"}) {
    for (std::string file : {"services.cc", "a.cc"})
      EXPECT_THAT(complaintsOf(file, include), ElementsAre(HasSubstr("may not"))) << file;
  }
}

TEST(TidyTest, HubThatKnowsAgentsOrCertificatesIsFound) {
  for (std::string include : {"harness/provision/local/local.h", "schema/support/tls/pki.h"}) {
    EXPECT_THAT(checkLayers({"harness/provision/local/hub/a.cc", "#include \"" + include + "\"\n"}),
                ElementsAre(HasSubstr("may not")));
  }
}

TEST(TidyTest, SchemaThatImportsAServiceIsFound) {
  EXPECT_THAT(checkLayers({"schema/a.capnp", "using File = import \"file.capnp\";\n"}),
              ElementsAre(HasSubstr("schema/a.capnp:1: imports \"file.capnp\"")));
  EXPECT_THAT(checkLayers({"schema/a.capnp",
                           "# Not import \"file.capnp\".\nusing Cxx = import "
                           "\"/capnp/c++.capnp\";\nusing Common = import \"common.capnp\";\n"}),
              IsEmpty());
}

TEST(TidyTest, LibraryOutsideOfItsHomeIsFound) {
  EXPECT_THAT(checkLayers({"nodeagent/main.cc", "#include <spdlog/spdlog.h>\n"}),
              Contains(HasSubstr("log through")));
}

TEST(TidyTest, LateOwnHeaderIsFound) {
  EXPECT_THAT(
      checkLayers({"harness/rpc/a.cc", "#include <string>\n#include \"harness/rpc/a.h\"\n"}),
      ElementsAre(HasSubstr("comes first")));
}

TEST(TidyTest, CommentThatBeginsWithAFragmentIsFound) {
  EXPECT_THAT(checkEnglish({"a.h", "int a;  // Of the first line.\n"}),
              ElementsAre("a.h:1: comment begins with \"Of\"; begin with the subject"));
  for (std::string begin : {"Likewise for b.", "As above.", "The same in bytes."}) {
    EXPECT_THAT(checkEnglish({"a.cc", "\n  // " + begin + "\n  // More.\n"}),
                ElementsAre(HasSubstr("a.cc:2: comment begins with")));
  }
  EXPECT_THAT(checkEnglish({"a.capnp", "field @0 :Text;  # Of the node.\n"}),
              ElementsAre(HasSubstr("\"Of\"")));
}

TEST(TidyTest, CommentThatPointsToAValueNearbyIsFound) {
  EXPECT_THAT(checkEnglish({"a.h", "// Waits.\n// At most\n// so long.\n"}),
              ElementsAre("a.h:3: \"so long\" points to a value nearby; name it"));
  EXPECT_THAT(checkEnglish({"a.h", "// So many, and so much.\n"}), SizeIs(1));
}

TEST(TidyTest, WholeSentenceAndTextOutsideOfCommentsAreLeftAlone) {
  EXPECT_THAT(checkEnglish({"a.h",
                            "// The first.\n// Of course it goes on.\n// Offers more.\n"
                            "const char* kText = \"// Of so many\";\nint so_many;\n"
                            "char a = '\"';  // Said.\nauto b = R\"(\n// Of\n)\";\n"}),
              IsEmpty());
  EXPECT_THAT(checkEnglish({"a.md", "// Of so many\n"}), IsEmpty());
}

TEST(TidyTest, BoolParameterInAHeaderIsFound) {
  EXPECT_THAT(checkParameters({"a/b.h", "\nvoid f(int a, bool b);\n"}),
              ElementsAre(HasSubstr("a/b.h:2: \"bool b\" says nothing at the call")));
  EXPECT_THAT(checkParameters({"a/b.h", "void f(\n    bool b = false,\n    int a);\n"}),
              ElementsAre(HasSubstr("a/b.h:2")));
  EXPECT_THAT(checkParameters({"a/b.h", "void refuse(bool b);\nvoid setX(bool a, bool b);\n"}),
              SizeIs(3));
}

TEST(TidyTest, BoolThatTheCallExplainsIsLeftAlone) {
  for (std::string text :
       {"void setFollowed(bool isFollowed);", "bool b();", "bool operator==(bool other) const;",
        "auto f = [](bool goesOn) { };", "std::function<void(bool isLast)> done;",
        "// Not f(int a, bool b).", "struct A {\n  bool b = true;\n};"}) {
    EXPECT_THAT(checkParameters({"a/b.h", text + "\n"}), IsEmpty()) << text;
  }
  EXPECT_THAT(checkParameters({"a/b.cc", "void f(int a, bool b);\n"}), IsEmpty());
}

TEST(TidyTest, PublicHeaderThatIsNoManualIsFound) {
  const std::string kExample = "//   node.run({\"true\"});\n";
  EXPECT_THAT(checkManual({"harness/include/muster/a.h", kExample + repeated("int a;\n", 3)}),
              ElementsAre(HasSubstr("25 % of its lines are comments")));
  EXPECT_THAT(checkManual({"harness/include/muster/a.h", "// Words.\nint a;\n"}),
              ElementsAre(HasSubstr("shows no example")));
  EXPECT_THAT(checkManual({"harness/include/muster/a.h", kExample + "int a;\n"}), IsEmpty());
  EXPECT_THAT(checkManual({"harness/api/a.h", "int a;\n"}), IsEmpty());
}

TEST(TidyTest, PublicMemberWithoutAValueByDefaultIsFound) {
  auto complaints = [](const std::string& text) {
    return checkInitialisers({"harness/include/muster/a.h", text});
  };
  EXPECT_THAT(complaints("struct A {\n  int a = 0;\n  std::map<int, B> b;  // Why.\n};\n"),
              ElementsAre(HasSubstr("a.h:3: \"b\" has no value by default")));
  EXPECT_THAT(complaints("struct A {\n  std::function<C(int c)> call;\n  ns n{0};\n};\n"),
              ElementsAre(HasSubstr("a.h:2: \"call\"")));
  EXPECT_THAT(complaints("struct A {\n  struct B {\n    int b = 0;\n  };\n  int a;\n};\n"),
              ElementsAre(HasSubstr("a.h:5: \"a\"")));
  for (const char* text :
       {"class A {\n  int a;\n};\n", "struct A {\n  A(int n) : a(n) {}\n  int a;\n};\n",
        "struct A {\n  int a() const;\n  using B = C;\n  friend class D;\n};\n",
        "struct A {\n  int a() {\n    return b;\n  }\n};\n"}) {
    EXPECT_THAT(complaints(text), IsEmpty()) << text;
  }
}

TEST(TidyTest, SubjectOfACommitNeedsAnAreaAndIsShort) {
  EXPECT_THAT(checkSubject("1a", "nodeagent/exec: report the end once"), IsEmpty());
  EXPECT_THAT(checkSubject("1a", "nodeagent, harness/rpc: agree on it"), IsEmpty());
  EXPECT_THAT(checkSubject("1a", ".cmake: find the linker"), IsEmpty());
  EXPECT_THAT(checkSubject("1a", "README, docs: say it"), IsEmpty());
  EXPECT_THAT(checkSubject("1a", "fix the bug"),
              ElementsAre(HasSubstr("1a: \"fix the bug\" is not")));
  EXPECT_THAT(checkSubject("1a", "Tree: move"), ElementsAre(HasSubstr("lower-case area")));
  EXPECT_THAT(checkSubject("1a", "tree: move."), ElementsAre(HasSubstr("full stop")));
  EXPECT_THAT(checkSubject("1a", "tree: " + std::string(54, 'x')), IsEmpty());
  EXPECT_THAT(checkSubject("1a", "tree: " + std::string(55, 'x')),
              ElementsAre(HasSubstr("has 61 characters; at most 60")));
}

TEST(TidyTest, KindsOfProvisionerAreThoseWithAHeader) {
  EXPECT_THAT(provisionerKindsOf({{"harness/provision/kind.h", ""},
                                  {"harness/provision/toy/kind.h", ""},
                                  {"harness/provision/toy/hub/kind.h", ""},
                                  {"harness/other/kind.h", ""}}),
              ElementsAre("toy"));
}

TEST(TidyTest, NameOfAKindOutsideOfItsFolderIsFound) {
  auto complaints = [](const std::string& path, const std::string& text) {
    return checkKindNames({path, text}, {"toy"});
  };
  for (const char* text : {"if (name == \"toy\") {\n", "ToyProvisioner toy;\n",
                           "#include \"harness/provision/toy/toy.h\"\n", "use(toyKind());\n"}) {
    EXPECT_THAT(complaints("harness/cli/a.cc", text),
                ElementsAre(HasSubstr("harness/cli/a.cc:1:")));
    EXPECT_THAT(complaints("harness/provision/other/a.cc", text), testing::SizeIs(1));
    EXPECT_THAT(complaints("harness/provision/toy/a.cc", text), IsEmpty());
    EXPECT_THAT(complaints("harness/provision/kinds.cc", text), IsEmpty());
    EXPECT_THAT(complaints("harness/cli/a_test.cc", text), IsEmpty());
    EXPECT_THAT(complaints("nodeagent/a.cc", text), IsEmpty());
  }
  EXPECT_THAT(complaints("harness/cli/a.cc", "// A toy is a \"toyish\" thing.\n"), IsEmpty());
}

TEST(TidyTest, SecondWayOfOneThingIsFound) {
  EXPECT_THAT(checkSingleHomes({"harness/api/a.cc", "int x;\nclass Fd {\n"}),
              ElementsAre(HasSubstr("harness/api/a.cc:2: \"class Fd\"; own descriptors by")));
  EXPECT_THAT(checkSingleHomes({"nodeagent/front/a.cc", "inet_pton(AF_INET, text, bytes);\n"}),
              testing::SizeIs(1));
  EXPECT_THAT(checkSingleHomes({"harness/os/fd.h", "class Fd {\n"}), IsEmpty());
  EXPECT_THAT(checkSingleHomes({"harness/os/fd_test.cc", "class Fd {\n"}), IsEmpty());
  EXPECT_THAT(checkSingleHomes({"nodeagent/a.cc", "// As inet_pton() does.\n"}), IsEmpty());
}

TEST(TidyTest, ExampleThatIsNotTestedIsFound) {
  SourceFile document{"docs/a.md", "```cpp\nint  x;\nfoo();\n```\n"};
  EXPECT_THAT(checkDocument(document, {{"tests_d/a/test_a.cc", "  int  x;\n\n  foo();\n"}}),
              IsEmpty());
  EXPECT_THAT(checkDocument(document, {{"tests_d/a/test_a.cc", "  int  x;\n  bar();\n"}}),
              ElementsAre(HasSubstr("docs/a.md:1: example stands in no test")));
}

TEST(TidyTest, DeadLinkIsFound) {
  SourceFile document{"docs/a.md", "see [b](../README.md) and [c](none.md#x)\n"};
  EXPECT_THAT(checkDocument(document, {{"README.md", ""}}),
              ElementsAre(HasSubstr("links to \"none.md\"")));
}

}  // namespace
}  // namespace tree
