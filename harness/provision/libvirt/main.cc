// The program of the kind "libvirt".
#include "harness/provision/libvirt/libvirt_backend.h"
#include "harness/provision/program/serve.h"

int main(int argc, char** argv) {
  harness::LibvirtBackend backend;
  return harness::serveBackend(backend, argc, argv);
}
