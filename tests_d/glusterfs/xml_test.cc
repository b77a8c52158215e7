// The parser reads answers recorded from GlusterFS 10.3, and rejects answers that no gluster sends.
#include "tests_d/glusterfs/xml.h"

#include <fstream>
#include <functional>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gluster {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;
using testing::SizeIs;

std::string contents(const std::string& name) {
  std::ifstream file(std::string(GLUSTERFS_RECORDED_DIR) + "/" + name);
  EXPECT_TRUE(file.good()) << "no recorded answer " << name;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

CliResult recorded(const std::string& name, int exitCode = 0) {
  return {"server1: gluster " + name, exitCode, contents(name), ""};
}

CliResult answering(const std::string& xml) {
  return {"server1: gluster x", 0, xml, ""};
}

// Returns the error that `parse` throws. A result instead of an error fails the test.
CliError errorOf(const std::function<void()>& parse) {
  try {
    parse();
  } catch (const CliError& error) {
    return error;
  }
  ADD_FAILURE() << "no CliError was thrown";
  return CliError(CliError::Kind::kMalformed, {}, 0, "nothing thrown");
}

TEST(ParsePeersTest, PeerStatusListsTheOthers) {
  const auto peers = parsePeers(recorded("peer_status.xml"));
  ASSERT_THAT(peers, SizeIs(2));
  EXPECT_EQ(peers[0].hostname, "g2");
  EXPECT_EQ(peers[0].uuid, "6363b6f1-12ed-4258-af29-caab13ec2743");
  EXPECT_EQ(peers[0].state, "Peer in Cluster");
  EXPECT_TRUE(peers[0].connected);
  EXPECT_EQ(peers[1].hostname, "g3");
}

TEST(ParsePeersTest, PoolListHasTheAskedServerToo) {
  const auto pool = parsePeers(recorded("pool_list.xml"));
  ASSERT_THAT(pool, SizeIs(3));
  EXPECT_EQ(pool[2].hostname, "localhost");
  EXPECT_EQ(pool[2].state, "");
}

TEST(ParsePeersTest, ServerAloneHasNoPeers) {
  EXPECT_THAT(parsePeers(recorded("peer_status_alone.xml")), IsEmpty());
  EXPECT_THAT(parsePeers(recorded("pool_list_alone.xml")), SizeIs(1));
}

TEST(ParsePeersTest, DeadDaemonIsDisconnectedAndStaysAMember) {
  const auto peers = parsePeers(recorded("peer_status_disconnected.xml"));
  ASSERT_THAT(peers, SizeIs(2));
  EXPECT_FALSE(peers[0].connected);
  EXPECT_EQ(peers[0].state, "Peer in Cluster");
  EXPECT_TRUE(peers[1].connected);
}

TEST(ParseVolumesTest, NamesAreListed) {
  EXPECT_THAT(parseVolumeNames(recorded("volume_list.xml")), ElementsAre("rep"));
  EXPECT_THAT(parseVolumeNames(recorded("volume_list_empty.xml")), IsEmpty());
}

TEST(ParseVolumesTest, CountThatContradictsTheListIsMalformed) {
  std::string xml = contents("volume_list.xml");
  xml.replace(xml.find("<count>1"), 8, "<count>2");
  const auto error = errorOf([&xml] { parseVolumeNames(answering(xml)); });
  EXPECT_EQ(error.kind(), CliError::Kind::kMalformed);
  EXPECT_EQ(error.text(), "<count> is 2 for 1 volumes");
}

TEST(ParseVolumeInfoTest, ReplicatedVolumeHasBricksAndOptions) {
  const auto infos = parseVolumeInfo(recorded("info_options.xml"));
  ASSERT_THAT(infos, SizeIs(1));
  const VolumeInfo& info = infos[0];
  EXPECT_EQ(info.name, "rep");
  EXPECT_EQ(info.status, "Started");
  EXPECT_EQ(info.type, "Replicate");
  EXPECT_EQ(info.replicaCount, 3u);
  EXPECT_THAT(info.bricks, ElementsAre(Field(&BrickInfo::name, "g1:/bricks/rep-0"),
                                       Field(&BrickInfo::name, "g2:/bricks/rep-1"),
                                       Field(&BrickInfo::name, "g3:/bricks/rep-2")));
  EXPECT_THAT(info.option("network.ping-timeout"), Optional(std::string("5")));
  EXPECT_EQ(info.option("features.quota"), std::nullopt);
}

TEST(ParseVolumeInfoTest, CreatedVolumeIsNotStarted) {
  EXPECT_EQ(parseVolumeInfo(recorded("info_created.xml")).at(0).status, "Created");
}

TEST(ParseVolumeInfoTest, ArbiterBrickIsMarked) {
  const auto info = parseVolumeInfo(recorded("arb_info.xml")).at(0);
  EXPECT_EQ(info.arbiterCount, 1u);
  EXPECT_THAT(info.bricks,
              ElementsAre(Field(&BrickInfo::arbiter, false), Field(&BrickInfo::arbiter, false),
                          Field(&BrickInfo::arbiter, true)));
}

TEST(ParseVolumeInfoTest, DispersedAndDistributedVolumesHaveTheirCounts) {
  const auto dispersed = parseVolumeInfo(recorded("disp_info.xml")).at(0);
  EXPECT_EQ(dispersed.type, "Disperse");
  EXPECT_EQ(dispersed.disperseCount, 3u);
  EXPECT_EQ(dispersed.redundancyCount, 1u);
  EXPECT_EQ(parseVolumeInfo(recorded("dist_info.xml")).at(0).distCount, 3u);
  const auto both = parseVolumeInfo(recorded("dr_info.xml")).at(0);
  EXPECT_EQ(both.type, "Distributed-Replicate");
  EXPECT_EQ(both.distCount, 2u);
  EXPECT_THAT(both.bricks, SizeIs(6));
}

TEST(ParseVolumeInfoTest, NoVolumesIsAnEmptyList) {
  EXPECT_THAT(parseVolumeInfo(recorded("volume_info_none.xml")), IsEmpty());
}

TEST(ParseVolumeStatusTest, RunningBricksHavePidAndPort) {
  const auto status = parseVolumeStatus(recorded("status_ok.xml"));
  EXPECT_EQ(status.name, "rep");
  ASSERT_THAT(status.bricks, SizeIs(3));
  EXPECT_TRUE(status.bricks[0].online);
  EXPECT_EQ(status.bricks[0].brick(), "g1:/bricks/rep-0");
  EXPECT_THAT(status.bricks[0].pid, Optional(241));
  EXPECT_THAT(status.bricks[0].port, Optional(60089));
  EXPECT_EQ(status.bricks[0].bytesTotal, std::nullopt);
}

TEST(ParseVolumeStatusTest, HealDaemonsAreNotBricks) {
  const auto status = parseVolumeStatus(recorded("status_ok.xml"));
  EXPECT_THAT(status.healDaemons,
              ElementsAre(Field(&ProcessStatus::host, "localhost"),
                          Field(&ProcessStatus::host, "g2"), Field(&ProcessStatus::host, "g3")));
  EXPECT_EQ(status.healDaemons[0].port, std::nullopt);
}

TEST(ParseVolumeStatusTest, KilledBrickIsOfflineWithoutPidOrPort) {
  const auto status = parseVolumeStatus(recorded("status_brick_down.xml"));
  const ProcessStatus* brick = status.find("g2:/bricks/rep-1");
  ASSERT_NE(brick, nullptr);
  EXPECT_FALSE(brick->online);
  EXPECT_EQ(brick->pid, std::nullopt);
  EXPECT_EQ(brick->port, std::nullopt);
}

TEST(ParseVolumeStatusTest, BrickOfADisconnectedServerIsMissing) {
  const auto status = parseVolumeStatus(recorded("status_peer_down.xml"));
  EXPECT_THAT(status.bricks, SizeIs(2));
  EXPECT_EQ(status.find("g2:/bricks/arb-1"), nullptr);
}

TEST(ParseVolumeStatusTest, DetailHasSizes) {
  const auto status = parseVolumeStatus(recorded("status_detail.xml"));
  ASSERT_THAT(status.bricks, SizeIs(3));
  EXPECT_THAT(status.bricks[0].bytesTotal, Optional(std::uint64_t{270553174016}));
  EXPECT_THAT(status.bricks[0].bytesFree, Optional(std::uint64_t{253363937280}));
}

TEST(ParseHealInfoTest, NothingToHealIsClean) {
  EXPECT_TRUE(parseHealInfo(recorded("heal_info_clean.xml")).clean());
  EXPECT_TRUE(parseHealInfo(recorded("heal_summary_clean.xml")).clean());
}

TEST(ParseHealInfoTest, PendingEntriesAreNamedPerBrick) {
  const auto heal = parseHealInfo(recorded("heal_info_pending.xml"));
  ASSERT_THAT(heal.bricks, SizeIs(3));
  EXPECT_THAT(heal.bricks[0].entries, Optional(5u));
  EXPECT_THAT(heal.bricks[0].files, ElementsAre("/a", "/d/f2", "/d", "/d/f1", "/d/f3"));
  EXPECT_FALSE(heal.clean());
}

TEST(ParseHealInfoTest, BrickThatCannotBeAskedIsNotClean) {
  for (const char* name : {"heal_info_pending.xml", "heal_summary_pending.xml"}) {
    const auto heal = parseHealInfo(recorded(name));
    ASSERT_THAT(heal.bricks, SizeIs(3)) << name;
    EXPECT_EQ(heal.bricks[1].entries, std::nullopt) << name;
    EXPECT_THAT(heal.bricks[1].status, HasSubstr("Transport endpoint is not connected")) << name;
  }
}

TEST(ParseHealInfoTest, ReturnedBrickIsDirtyUntilTheOthersHaveHealedIt) {
  const auto heal = parseHealInfo(recorded("heal_summary_returned.xml"));
  ASSERT_THAT(heal.bricks, SizeIs(3));
  EXPECT_THAT(heal.bricks[0].entries, Optional(5u));
  EXPECT_THAT(heal.bricks[1].entries, Optional(0u));
  EXPECT_FALSE(heal.clean());
}

TEST(ParseHealInfoTest, NoBricksIsNotClean) {
  EXPECT_FALSE(HealInfo{}.clean());
}

TEST(ParseRebalanceTest, AggregateIsReported) {
  const auto status = parseRebalanceStatus(recorded("rebalance_status.xml"));
  EXPECT_EQ(status.status, "completed");
  EXPECT_EQ(status.files, 21u);
  EXPECT_EQ(status.failures, 0u);
}

TEST(ParseDoneTest, RemarkIsKept) {
  EXPECT_EQ(parseDone(recorded("start_ok.xml")), "");
  EXPECT_EQ(parseDone(recorded("set_ok.xml")), "Set volume successful");
  EXPECT_EQ(parseDone(recorded("peer_probe_again.xml")), "Host g2 port 24007 already in peer list");
}

struct Refusal {
  const char* file;
  int exitCode;
  int opErrno;
  const char* text;
};

void PrintTo(const Refusal& refusal, std::ostream* stream) {
  *stream << refusal.file;
}

class RefusalTest : public testing::TestWithParam<Refusal> {};

TEST_P(RefusalTest, IsAnErrorWithGlustersOwnText) {
  const Refusal& refusal = GetParam();
  const CliResult result = recorded(refusal.file, refusal.exitCode);
  const auto error = errorOf([&result] { parseDone(result); });
  EXPECT_EQ(error.kind(), CliError::Kind::kRefused);
  EXPECT_EQ(error.opErrno(), refusal.opErrno);
  EXPECT_THAT(error.text(), HasSubstr(refusal.text));
  EXPECT_THAT(error.what(), AllOf(HasSubstr("server1: gluster "), HasSubstr(refusal.text)));
}

INSTANTIATE_TEST_SUITE_P(
    Recorded, RefusalTest,
    testing::Values(Refusal{"peer_probe_unknown.xml", 0, 107,
                            "Transport endpoint is not connected"},
                    Refusal{"peer_detach_bad.xml", 0, 2, "g3 is not part of cluster"},
                    Refusal{"create_exists.xml", 0, 0, "Volume rep already exists"},
                    Refusal{"create_not_root.xml", 0, 30800, "being created in the root partition"},
                    Refusal{"create_peer_down.xml", 0, 30800, "Host g2 not connected"},
                    Refusal{"start_again.xml", 0, 30800, "Volume rep already started"},
                    Refusal{"stop_again.xml", 0, 30800, "not in the started state"},
                    Refusal{"delete_started.xml", 0, 30800, "needs to be stopped before deletion"},
                    Refusal{"delete_unknown.xml", 0, 30800, "Volume rep does not exist"},
                    Refusal{"set_bad.xml", 0, 30800, "option : no.such-option does not exist"},
                    Refusal{"heal_not_started.xml", 251, 5, "Not able to fetch volfile"}));

TEST(CliErrorTest, QueriesAreRefusedLikeCommands) {
  EXPECT_EQ(errorOf([] { parseVolumeInfo(recorded("volume_info_unknown.xml")); }).text(),
            "Volume does not exist");
  EXPECT_EQ(errorOf([] { parseVolumeStatus(recorded("status_not_started.xml")); }).text(),
            "Volume rep is not started");
  EXPECT_EQ(errorOf([] { parseVolumeStatus(recorded("volume_status_unknown.xml")); }).text(),
            "Volume nosuch does not exist");
}

TEST(CliErrorTest, DeadDaemonIsNoAnswer) {
  const auto error = errorOf([] { parsePeers(recorded("no_glusterd.txt", 1)); });
  EXPECT_EQ(error.kind(), CliError::Kind::kNoAnswer);
  EXPECT_STREQ(
      error.what(),
      "server1: gluster no_glusterd.txt: no answer in XML: Connection failed. Please check "
      "if gluster daemon is operational. (exit status 1)");
}

TEST(CliErrorTest, WrongUsageIsNoAnswerWithTheTextOfStderr) {
  const auto error = errorOf([] {
    parseDone({"server1: gluster volume create", 1, "", contents("usage.txt")});
  });
  EXPECT_EQ(error.kind(), CliError::Kind::kNoAnswer);
  EXPECT_THAT(error.text(), HasSubstr("volume create <NEW-VOLNAME>"));
}

TEST(CliErrorTest, ExitStatusIsNotHiddenByAGoodAnswer) {
  EXPECT_EQ(errorOf([] { parseDone(recorded("start_ok.xml", 1)); }).kind(),
            CliError::Kind::kRefused);
}

TEST(CliErrorTest, MessageIsOneLineOfBoundedLength) {
  const std::string text = "first\n" + std::string(5000, 'x');
  const CliError error(CliError::Kind::kRefused, {"c", 0, "", ""}, 0, text);
  EXPECT_LT(std::string(error.what()).size(), 400u);
  EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
}

class MalformedTest : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(MalformedTest, SaysWhatIsWrong) {
  const auto& [xml, text] = GetParam();
  const CliResult result = answering(xml);
  const auto error = errorOf([&result] { parsePeers(result); });
  EXPECT_EQ(error.kind(), CliError::Kind::kMalformed);
  EXPECT_THAT(error.text(), HasSubstr(text));
}

INSTANTIATE_TEST_SUITE_P(
    Written, MalformedTest,
    testing::Values(
        std::pair("<cliOutput><opRet>0</opRet>", "at byte"),
        std::pair("<html/>", "no <cliOutput> in <>"),
        std::pair("<cliOutput/>", "no <opRet> in <cliOutput>"),
        std::pair("<cliOutput><opRet>zero</opRet></cliOutput>", "\"zero\", not a number"),
        std::pair("<cliOutput><opRet/><opErrno>0</opErrno></cliOutput>", "\"\", not a number"),
        std::pair("<cliOutput><opRet>99999999999999999999</opRet></cliOutput>", "not a number"),
        std::pair("<cliOutput><opRet>0</opRet><opErrno>0</opErrno></cliOutput>",
                  "no <peerStatus> in <cliOutput>"),
        std::pair("<cliOutput><opRet>0</opRet><opErrno>0</opErrno><peerStatus><peer>"
                  "<uuid>u</uuid></peer></peerStatus></cliOutput>",
                  "no <hostname> in <peer>")));

TEST(MalformedTest, EveryTruncationIsAnErrorAndNeverAResult) {
  const std::string whole = contents("status_ok.xml");
  const auto end = whole.find("</cliOutput>");
  for (std::size_t size = 0; size < end; size += 7) {
    const CliResult result = answering(whole.substr(0, size));
    EXPECT_THROW(parseVolumeStatus(result), CliError) << "cut at byte " << size;
  }
}

TEST(ParseTextTest, HealAnswersInPlainText) {
  const std::string text = contents("heal_ok.txt");
  EXPECT_THAT(parseText({"c", 0, text, ""}), HasSubstr("has been successful"));
  const auto error = errorOf([] { parseText({"c", 1, "", contents("heal_failed.txt")}); });
  EXPECT_EQ(error.kind(), CliError::Kind::kRefused);
  EXPECT_THAT(error.text(), HasSubstr("Glusterd Syncop Mgmt brick op 'Heal' failed"));
}

TEST(PrinterTest, StatusAndHealReadAsOneLine) {
  std::ostringstream line;
  line << parseVolumeStatus(recorded("status_brick_down.xml")).bricks[1] << "; "
       << parseHealInfo(recorded("heal_info_pending.xml")).bricks.size() << "; "
       << parsePeers(recorded("peer_status_disconnected.xml"))[0];
  EXPECT_EQ(line.str(), "g2:/bricks/rep-1 offline; 3; g2 disconnected (Peer in Cluster)");
}

}  // namespace
}  // namespace gluster
