#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <muster/node_error.h>
#include <muster/text_template.h>

namespace muster {
namespace {

using testing::HasSubstr;

std::string failureOf(const std::string& text, const TemplateVariables& variables = {}) {
  try {
    return "no failure: " + renderTemplate(text, variables);
  } catch (const NodeError& error) {
    EXPECT_EQ(error.kind(), NodeError::Kind::kInvalid);
    return error.what();
  }
}

TEST(TemplateTest, VariablesAreFilledIn) {
  EXPECT_EQ(renderTemplate("a={{a}}\nb={{ b.c-1 }}{{a}}\n", {{"a", "1"}, {"b.c-1", "{{a}}"}}),
            "a=1\nb={{a}}1\n");
  EXPECT_EQ(renderTemplate("", {}), "");
  EXPECT_EQ(renderTemplate("{a} }} {", {}), "{a} }} {");
  EXPECT_EQ(renderTemplate("{{'{{'}}a{{ '}}' }}", {}), "{{a}}");
}

TEST(TemplateTest, UndefinedVariableIsNamedWithItsLine) {
  std::string failure = failureOf("a\n{{a}}\n{{peers}}\n", {{"a", "1"}, {"b", "2"}});
  EXPECT_THAT(failure, HasSubstr("line 3"));
  EXPECT_THAT(failure, HasSubstr("variable peers is not defined; defined are: a, b"));
  EXPECT_THAT(failureOf("{{a}}"), HasSubstr("defined are: none"));
}

TEST(TemplateTest, WrongTemplatesAreRefused) {
  EXPECT_THAT(failureOf("a {{b\n}}"), HasSubstr("line 1 of a template"));
  EXPECT_THAT(failureOf("{{}}"), HasSubstr("is no name of a variable"));
  EXPECT_THAT(failureOf("{{ a b }}", {{"a", ""}}), HasSubstr("\"a b\" is no name"));
  EXPECT_THAT(failureOf("{{"), HasSubstr("has no \"}}\""));
}

TEST(TemplateTest, EditsReplaceEveryPlaceOrFail) {
  EXPECT_EQ(replacing("a", "aa")("banana"), "baanaanaa");
  EXPECT_EQ(replacing("a", "")("banana"), "bnn");
  EXPECT_THROW(replacing("x", "y")("banana"), NodeError);
  EXPECT_THROW(replacing("", "y")("banana"), NodeError);
  EXPECT_EQ(replacingLines("a=", "a=2")("a=1\nb=a=\na=3"), "a=2\nb=a=\na=2");
  EXPECT_EQ(replacingLines("b", "c")("a\nb\n"), "a\nc\n");
  EXPECT_THROW(replacingLines("x", "y")("banana\n"), NodeError);
}

}  // namespace
}  // namespace muster
