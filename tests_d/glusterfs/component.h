// The fixture of every GlusterFS test, with three servers joined in a pool, and a client.
//
// The pool is made before the first test and serves all of them. Each test makes its own volumes
// and mounts. If anything of them is left after a test, the test fails and the next one begins with
// a new pool.
#pragma once

#include <chrono>
#include <string>

#include <muster/muster.h>

#include "tests_d/glusterfs/cli.h"
#include "tests_d/glusterfs/mount.h"
#include "tests_d/glusterfs/pool.h"
#include "tests_d/glusterfs/volume.h"
#include "tests_d/glusterfs/volume_spec.h"
#include "tests_d/glusterfs/xml.h"

namespace gluster {

using namespace std::chrono_literals;

class GlusterTest : public muster::ClusterTest {
 public:
  static muster::Needs needs() { return {.nodes = {{"server", 3}, {"client", 1}}}; }

  // A process of GlusterFS that crashes leaves its stack in its log, and the others go on.
  static muster::Logs logs() {
    return {
        .sources = {"/var/log/glusterfs/*.log", "/var/log/glusterfs/bricks/*.log"},
        .failOn = {
            {.pattern = "^signal received: [0-9]+", .reason = "a process of GlusterFS has crashed"},
            {.pattern = "^\\[[^]]+\\] C \\[", .reason = "GlusterFS calls it critical itself"}}};
  }

  static Pool& pool();
  static muster::Node& client() { return clients().first(); }

 protected:
  void SetUp() override;
  void TearDown() override;
};

// For AllowLog, where a test makes a server silent.
inline const muster::LogRule kSilentServer = {
    .pattern = "rpc_clnt_ping_timer_expired.* has not responded in the last",
    .reason = "the test makes a server silent"};

// Returns the type as a word in a test's name, for INSTANTIATE_TEST_SUITE_P.
inline std::string inTestName(const testing::TestParamInfo<VolumeType>& parameter) {
  return toString(parameter.param);
}

}  // namespace gluster
