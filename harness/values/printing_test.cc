// No public value is printed as bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <muster/facts.h>
#include <muster/file_stat.h>
#include <muster/node_error.h>
#include <muster/node_state.h>
#include <muster/outcome.h>
#include <muster/result.h>
#include <muster/run_options.h>
#include <muster/service_status.h>
#include <muster/signal_target.h>
#include <muster/transfer_result.h>
#include <muster/write_options.h>

namespace {

using namespace muster;
using testing::HasSubstr;
using testing::Not;
using testing::PrintToString;

template <typename T>
class PrintingTest : public testing::Test {};

using Values = testing::Types<
    Outcome::Kind, Outcome::CoreDump, LostReason, OutOfMemory, StartStep, Result, ProcessName,
    NodeError::Kind, NodeState, NodeState::Kind, ClockEstimate, FileType, SymlinkPolicy, FileStat,
    FileEntry, FileSpace, TransferResult, ServiceStatus, ServiceStatus::Manager,
    ServiceStatus::State, ServiceStatus::Enabled, ServiceAction, SignalTarget, OutputOverflow,
    EnvironmentBase, StderrTo, CommandLifetime, RunOptions, IfExists, UndoAt, WriteOptions, Facts,
    Facts::Cpu, Facts::NumaNode, Facts::Memory, Facts::Disk, Facts::Mount, Facts::Interface,
    Facts::Interface::Address, Facts::Interface::Address::Family, Facts::Agent>;

TYPED_TEST_SUITE(PrintingTest, Values);

TYPED_TEST(PrintingTest, ValueIsWords) {
  EXPECT_THAT(PrintToString(TypeParam{}), Not(HasSubstr("-byte object")));
}

TEST(PrintedTest, ValuesSayWhatTheyAre) {
  EXPECT_EQ(PrintToString(Outcome::Kind::kDeadline), "killed at its deadline");
  EXPECT_EQ(PrintToString(NodeError(NodeError::Kind::kDenied, "n1", "stat", "no")),
            "node n1: stat: denied: no");
  FileStat stat;
  stat.type = FileType::kRegular;
  stat.mode = 0640;
  stat.size = 12;
  stat.user = "root";
  EXPECT_THAT(PrintToString(FileEntry{"a\xff", stat}),
              HasSubstr("\"a\\xff\": regular file, mode 0640, 12 bytes (0 on disk), owner 0 "
                        "\"root\""));
  EXPECT_EQ(PrintToString(Outcome::exited(2)), "exited with status 2");
}

}  // namespace
