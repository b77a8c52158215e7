// The program of the kind "ssh".
#include <stdlib.h>

#include "harness/provision/program/serve.h"
#include "harness/provision/ssh/ssh_backend.h"

int main(int argc, char** argv) {
  // ssh(1) asks nobody: a window that waits for an answer would hold up() for ever.
  ::setenv("SSH_ASKPASS_REQUIRE", "never", 1);
  harness::SshBackend backend;
  return harness::serveBackend(backend, argc, argv);
}
