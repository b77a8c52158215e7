// Tries group E of the catalogue of bad input: specifications that must be refused with the name of
// the field, and those at a limit that must be accepted.
#include "nodeagent/exec/job_spec.h"

#include <functional>
#include <string>

#include <capnp/message.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/support/base/sha256.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::exec {
namespace {

using Spec = wire::JobSpec::Builder;
using Resource = wire::JobSpec::Limit::Resource;

capnp::Data::Reader data(const std::string& text) {
  return kj::arrayPtr(reinterpret_cast<const kj::byte*>(text.data()), text.size());
}

void setArguments(Spec spec, unsigned count, const std::string& each) {
  auto argv = spec.initArgv(count);
  for (unsigned i = 0; i < count; ++i) argv.set(i, data(each));
}

void setVariable(Spec spec, const std::string& name, const std::string& value) {
  auto variable = spec.initEnvironment(1)[0];
  variable.setName(data(name));
  variable.setValue(data(value));
}

void setVariables(Spec spec, unsigned count, size_t valueBytes) {
  auto all = spec.initEnvironment(count);
  for (unsigned i = 0; i < count; ++i) {
    all[i].setName(data("N" + std::to_string(i)));
    all[i].setValue(data(std::string(valueBytes, 'v')));
  }
}

void setLabel(Spec spec, const std::string& name, const std::string& value) {
  auto label = spec.initLabels(1)[0];
  label.setName(kj::StringPtr(name.c_str(), name.size()));
  label.setValue(kj::StringPtr(value.c_str(), value.size()));
}

void setText(capnp::Text::Builder to, const std::string& text) {
  std::copy(text.begin(), text.end(), to.begin());
}

struct Case {
  const char* name;
  std::function<void(Spec)> change;
  // Is a part of the error's text, or null if the specification is accepted.
  const char* text;
};

void PrintTo(const Case& row, std::ostream* out) {
  *out << row.name;
}

const std::string kNul("a\0b", 3);

const Case kCases[] = {
    {"MostArguments", [](Spec s) { setArguments(s, 4096, "x"); }, nullptr},
    {"ArgumentTooMany", [](Spec s) { setArguments(s, 4097, "x"); },
     "argv: 4097 items, at most 4096"},
    {"MostArgumentBytes", [](Spec s) { setArguments(s, 2, std::string((1 << 19) - 1, 'x')); },
     nullptr},
    {"ArgumentByteTooMany", [](Spec s) { setArguments(s, 2, std::string(1 << 19, 'x')); },
     "argv: more than 1048576 bytes"},
    {"NulInAnArgument", [](Spec s) { setArguments(s, 1, kNul); },
     "argv[0]: \"a\\x00b\" contains a NUL"},
    {"AnsiInAnArgument", [](Spec s) { setArguments(s, 1, "\x1b[2J\n"); }, nullptr},
    {"VariableWithoutName", [](Spec s) { setVariable(s, "", "x"); }, "environment[0].name: empty"},
    {"VariableNameWithNul", [](Spec s) { setVariable(s, kNul, "x"); }, "environment[0].name"},
    {"VariableValueWithNul", [](Spec s) { setVariable(s, "A", kNul); },
     "environment[0].value: of \"A\" contains a NUL byte"},
    {"VariableWithoutValue", [](Spec s) { setVariable(s, "A", ""); }, nullptr},
    {"VariableThatPreloads", [](Spec s) { setVariable(s, "LD_PRELOAD", "/x.so"); }, nullptr},
    {"MostVariables", [](Spec s) { setVariables(s, 1024, 1); }, nullptr},
    {"VariableTooMany", [](Spec s) { setVariables(s, 1025, 1); },
     "environment: 1025 items, at most 1024"},
    {"VariablesTooLong", [](Spec s) { setVariables(s, 1024, 260); },
     "environment: more than 262144 bytes"},
    {"UnknownEnvironmentBase",
     [](Spec s) { s.setEnvironmentBase(static_cast<wire::JobSpec::EnvironmentBase>(3)); },
     "environmentBase: 3 is not known"},
    {"LongestDirectory", [](Spec s) { s.setDirectory(data("/" + std::string(4094, 'd'))); },
     nullptr},
    {"DirectoryTooLong", [](Spec s) { s.setDirectory(data("/" + std::string(4095, 'd'))); },
     "directory: 4096 bytes, at most 4095"},
    {"DirectoryWithNul", [](Spec s) { s.setDirectory(data("/" + kNul)); }, "directory"},
    {"UserTooLong", [](Spec s) { s.setUser(std::string(257, 'u')); },
     "user: 257 bytes, at most 256"},
    {"UserWithNul", [](Spec s) { setText(s.initUser(3), kNul); },
     "user: \"a\\x00b\" contains a NUL"},
    {"GroupWithNul", [](Spec s) { setText(s.initGroup(3), kNul); }, "group"},
    {"AllOfTheMask", [](Spec s) { s.setUmask(0777); }, nullptr},
    {"MaskOfSetuid", [](Spec s) { s.setUmask(07777); }, "umask: 4095"},
    {"LongestInlineInput", [](Spec s) { s.getInput().initInline(256 << 10); }, nullptr},
    {"InlineInputTooLong", [](Spec s) { s.getInput().initInline((256 << 10) + 1); },
     "input: 262145 bytes, at most 262144"},
    {"OutputOfAllOnes", [](Spec s) { s.initOutput().setRetainedBytesMax(~0ull); },
     "output: 18446744073709551615 bytes kept, must be from 4096 to"},
    {"LeastOutput", [](Spec s) { s.initOutput().setRetainedBytesMax(4096); }, nullptr},
    {"OutputTooSmall", [](Spec s) { s.initOutput().setRetainedBytesMax(4095); },
     ": 4095 bytes kept, must be from 4096 to"},
    {"MostOutput", [](Spec s) { s.initOutput().setRetainedBytesMax(4ull << 30); }, nullptr},
    {"UnknownOverflow",
     [](Spec s) { s.initOutput().setOverflow(static_cast<wire::JobSpec::Overflow>(4)); },
     "output.overflow: 4 is not known"},
    {"TerminalWithoutColumns", [](Spec s) { s.initTerminal().setColumns(0); }, "terminal"},
    {"TerminalTypeWithNul", [](Spec s) { setText(s.initTerminal().initType(3), kNul); },
     "terminal.type"},
    {"SmallestDeadline", [](Spec s) { s.setDeadlineNs(1); }, nullptr},
    {"NoDeadline", [](Spec s) { s.setDeadlineNs(INT64_MAX); }, nullptr},
    {"MostNegativeDeadline", [](Spec s) { s.setDeadlineNs(INT64_MIN); },
     "deadline: -9223372036854775808 ns, must be positive"},
    {"GraceWithoutEnd", [](Spec s) { s.setGraceNs(INT64_MAX); }, "grace: 9223372036854775807 ns"},
    {"DrainWithoutEnd", [](Spec s) { s.setDrainNs(INT64_MAX); }, "drain: 9223372036854775807 ns"},
    {"UnknownLifetime", [](Spec s) { s.setLifetime(static_cast<wire::JobSpec::JobLifetime>(2)); },
     "lifetime: 2 is not known"},
    {"LabelWithNewline", [](Spec s) { setLabel(s, "run", "a\nb"); },
     "labels[0].value: \"a\\nb\" has control characters"},
    {"LabelWithAnsi", [](Spec s) { setLabel(s, "run", "\x1b[2J"); }, "labels[0].value"},
    {"LabelOfTenKibibytes", [](Spec s) { setLabel(s, "run", std::string(10'240, 'x')); },
     "more than 256 bytes"},
    {"LongestLabelName", [](Spec s) { setLabel(s, std::string(64, 'n'), ""); }, nullptr},
    {"LabelNameTooLong", [](Spec s) { setLabel(s, std::string(65, 'n'), ""); }, "labels[0].name"},
    {"LabelTooMany", [](Spec s) { s.initLabels(33); }, "labels: 33 items, at most 32"},
    {"LimitTooMany", [](Spec s) { s.initLimits(33); }, "limits: 33 items, at most 32"},
    {"UnknownLimit", [](Spec s) { s.initLimits(1)[0].setResource(static_cast<Resource>(99)); },
     "limits[0].resource: 99"},
    {"LeastNiceness", [](Spec s) { s.setNiceness(-20); }, nullptr},
    {"NicenessTooLow", [](Spec s) { s.setNiceness(-21); }, "niceness: -21"},
};

class JobSpecTest : public testing::TestWithParam<Case> {};

TEST_P(JobSpecTest, IsAcceptedOrRefusedWithTheNameOfTheField) {
  capnp::MallocMessageBuilder message;
  Spec spec = message.initRoot<wire::JobSpec>();
  setArguments(spec, 1, "true");
  spec.setDeadlineNs(1'000'000'000);
  GetParam().change(spec);
  auto refused = kj::runCatchingExceptions([&]() { readJobSpec(spec); });
  ASSERT_EQ(refused != nullptr, GetParam().text != nullptr);
  KJ_IF_MAYBE (exception, refused) {
    support::Failure failure = support::toFailure(*exception, "test");
    EXPECT_EQ(failure.kind, wire::Error::Kind::INVALID);
    EXPECT_THAT(failure.text.cStr(), testing::HasSubstr(GetParam().text));
    EXPECT_LE(failure.text.size(), 500u) << "the text must not repeat what was sent";
  }
}

INSTANTIATE_TEST_SUITE_P(GroupE, JobSpecTest, testing::ValuesIn(kCases),
                         [](const auto& row) { return std::string(row.param.name); });

// Each specification is built with two layouts, once small and once larger than usual ones. A
// change of one value's size must change the digest.
TEST(JobSpecHashTest, DependsOnTheContentAndNotOnTheLayout) {
  for (unsigned variables : {1u, 500u}) {
    capnp::MallocMessageBuilder first, second, other;
    auto firstSpec = first.initRoot<wire::JobSpec>();
    auto secondSpec = second.initRoot<wire::JobSpec>();
    auto otherSpec = other.initRoot<wire::JobSpec>();
    for (auto spec : {firstSpec, secondSpec, otherSpec}) spec.setDeadlineNs(INT64_MAX);
    setArguments(firstSpec, 2, "x");
    setVariables(firstSpec, variables, 10);
    // These values are replaced below, and stay in the message as garbage.
    setVariables(secondSpec, variables + 1, 20);
    setVariables(secondSpec, variables, 10);
    setArguments(secondSpec, 2, "x");
    setArguments(otherSpec, 2, "x");
    setVariables(otherSpec, variables, 11);

    auto hash = readJobSpec(firstSpec.asReader()).hash;
    EXPECT_EQ(hash, readJobSpec(secondSpec.asReader()).hash);
    EXPECT_NE(hash, readJobSpec(otherSpec.asReader()).hash);
    EXPECT_EQ(hash, support::Sha256::of(capnp::canonicalize(firstSpec.asReader()).asBytes()));
  }
}

}  // namespace
}  // namespace nodeagent::exec
