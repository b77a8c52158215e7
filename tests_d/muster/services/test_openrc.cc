// A node that OpenRC has booted, as its directory in /run says. Scripts stand in for its tools,
// since OpenRC and the init of these nodes do not live together.
#include <string>

#include <muster/muster.h>

#include "tests_d/muster/services/component.h"

namespace {

using namespace muster;
using State = ServiceStatus::State;

class OpenrcServicesTest : public ClusterTest {
 public:
  static Node& node() { return servers()[0]; }

  void SetUp() override {
    services_tests::installScript(node(), "lamp");
    node().file("/run/openrc").makeDirectory(0755, UndoAt::kTestEnd);
    node().file("/etc/runlevels/default").makeDirectory(0755, UndoAt::kTestEnd);
    install("rc-service", "/etc/init.d/$1 $2");
    install("rc-update",
            "case $1 in\nadd) ln -s /etc/init.d/$2 /etc/runlevels/default/ ;;\n"
            "*) rm /etc/runlevels/$3/$2 ;;\nesac");
  }

 private:
  static void install(const std::string& tool, const std::string& body) {
    node()
        .file("/usr/local/sbin/" + tool)
        .write("#!/bin/sh\n" + body + "\n",
               {.mode = 0755, .parents = true, .undo = UndoAt::kTestEnd});
  }
};

TEST_F(OpenrcServicesTest, ServiceIsControlledByItsTools) {
  Service lamp = node().service("lamp");
  EXPECT_EQ(lamp.status().manager, ServiceStatus::Manager::kOpenrc);
  EXPECT_EQ(lamp.status().substate, "stopped");
  EXPECT_TRUE(lamp.start().running());
  EXPECT_EQ(lamp.enable().enabled, ServiceStatus::Enabled::kEnabled);
  EXPECT_TRUE(node().file("/etc/runlevels/default/lamp").exists());
  EXPECT_EQ(lamp.disable().enabled, ServiceStatus::Enabled::kDisabled);
  EXPECT_THAT([&] { lamp.mask(); }, FailsWith(NodeError::Kind::kUnsupported));
  EXPECT_EQ(node().facts().serviceManager, "openrc");
}

}  // namespace
