// The program of the kind "podman".
#include "harness/provision/podman/podman_backend.h"
#include "harness/provision/program/serve.h"

int main(int argc, char** argv) {
  harness::PodmanBackend backend;
  return harness::serveBackend(backend, argc, argv);
}
