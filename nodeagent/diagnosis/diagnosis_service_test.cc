#include "nodeagent/diagnosis/diagnosis_service.h"

#include <signal.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "nodeagent/diagnosis/process_table.h"
#include "nodeagent/session/service_testing.h"
#include "schema/diagnosis.capnp.h"

namespace nodeagent {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct Told {
  wire::Crash::Source source;
  std::string program;
  std::string text;
  bool isProvoked;
};

class DiagnosisServiceTest : public testing::Test {
 protected:
  DiagnosisServiceTest() {
    char path[] = "/tmp/diagnosis-XXXXXX";
    directory_ = mkdtemp(path);
  }
  ~DiagnosisServiceTest() noexcept override { std::filesystem::remove_all(directory_); }

  // Asks for what came since the last call.
  std::vector<Told> look() {
    auto request = diagnosis_.crashesRequest();
    auto from = request.initFrom();
    from.setEpoch({reinterpret_cast<const kj::byte*>(epoch_.data()), epoch_.size()});
    from.setPosition(position_);
    from.setRealtimeNs(realtimeNs_);
    auto response = request.send().wait(io_.waitScope);
    EXPECT_FALSE(response.hasError());
    auto next = response.getNext();
    epoch_.assign(next.getEpoch().asChars().begin(), next.getEpoch().size());
    position_ = next.getPosition();
    realtimeNs_ = next.getRealtimeNs();
    std::vector<Told> all;
    for (auto crash : response.getCrashes()) {
      auto program = crash.getProgram().asChars();
      auto text = crash.getText().asChars();
      all.push_back({crash.getSource(), std::string(program.begin(), program.size()),
                     std::string(text.begin(), text.size()), crash.getProvoked()});
    }
    return all;
  }

  Death deathOf(const std::string& program) {
    Death death;
    death.session = session_->id();
    death.program = program;
    death.signal = SIGSEGV;
    return death;
  }

  std::string directory_;
  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  TestHost host_{io_};
  kj::Own<AgentService> service_ = makeDiagnosis(host_.host);
  kj::Own<Session> session_ = newSession(io_.provider->getTimer());
  wire::Diagnosis::Client diagnosis_ = offered<wire::Diagnosis>(*service_, *session_);
  std::string epoch_;
  uint64_t position_ = 0;
  int64_t realtimeNs_ = 0;
};

TEST_F(DiagnosisServiceTest, FirstCallOnlyMarksThePresent) {
  host_.host.deaths.add(deathOf("before"));
  EXPECT_THAT(look(), IsEmpty());
  host_.host.deaths.add(deathOf("kvd"));
  std::vector<Told> told = look();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].program, "kvd");
  EXPECT_EQ(told[0].source, wire::Crash::Source::COMMAND);
  EXPECT_THAT(look(), IsEmpty());
}

TEST_F(DiagnosisServiceTest, MarkOfAnEarlierKeeperHidesNothing) {
  look();
  epoch_ = "earlier";
  position_ = 1000;
  host_.host.deaths.add(deathOf("kvd"));
  EXPECT_THAT(look(), SizeIs(1));
}

TEST_F(DiagnosisServiceTest, DeathOfAnotherSessionIsLeftOut) {
  look();
  Death death = deathOf("kvd");
  death.session = support::Id::random();
  host_.host.deaths.add(death);
  EXPECT_THAT(look(), IsEmpty());
}

TEST_F(DiagnosisServiceTest, ReportInAFileIsFoundWhereOptionsSay) {
  look();
  host_.host.deaths.noteReports(directory_ + "/asan");
  std::ofstream(directory_ + "/asan.42") << "ERROR: AddressSanitizer: bad";
  std::ofstream(directory_ + "/other.42") << "ERROR: AddressSanitizer: worse";
  std::vector<Told> told = look();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].source, wire::Crash::Source::REPORT);
  EXPECT_EQ(told[0].text, "ERROR: AddressSanitizer: bad");
}

TEST_F(DiagnosisServiceTest, ProcessesHaveATableAndPlaces) {
  auto response = diagnosis_.processesRequest().send().wait(io_.waitScope);
  auto chars = response.getText().asChars();
  std::string text(chars.begin(), chars.size());
  EXPECT_THAT(text, HasSubstr(" ppid state threads"));
  EXPECT_THAT(text, HasSubstr("nodeagent_diagnosis_test"));
  EXPECT_THAT(text, HasSubstr("pid " + std::to_string(getpid()) + " thread "));
}

TEST_F(DiagnosisServiceTest, TableThatIsTooLongIsCut) {
  diagnosis::TableLimits limits;
  limits.bytesMax = 100;
  std::string text = diagnosis::processTable(limits);
  EXPECT_THAT(text, HasSubstr("(the rest was cut)"));
  EXPECT_LT(text.size(), 200u);
}

}  // namespace
}  // namespace nodeagent
