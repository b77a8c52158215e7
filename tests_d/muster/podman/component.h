// A node on which podman and muster run, for the tests of this directory.
#pragma once

#include <string>

#include <muster/muster.h>

namespace podman_tests {

// The directory of shell(), on the host.
inline constexpr char kDirectory[] = "/root/podman-test";

// The host is a node of this machine: it has the machine's programs, and podman's storage in
// memory.
class HostTest : public muster::ClusterTest {
 public:
  static muster::Needs needs() { return {.nodes = {{"host", 1}}, .capabilities = {"mknod"}}; }

 protected:
  // Skips without podman.
  void SetUp() override;
  // Removes what the test has left, and fails if it was something.
  void TearDown() override;

  muster::Node& host() { return cluster().withRole("host")[0]; }

  // Runs shell text on the host; what it starts outlives it. `muster` is that of this build. The
  // text ends with the first command that fails.
  muster::Result shell(const std::string& text);

  // Lists all that podman and its containers have on the host, a line for each.
  std::string leftovers();

  // Writes a file in that directory.
  void write(const std::string& name, const std::string& content);
};

}  // namespace podman_tests
