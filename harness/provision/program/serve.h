// serveBackend() is the main function of a kind of provisioner that is a program in C++.
#pragma once

#include "harness/provision/program/backend.h"

namespace harness {

// Speaks the provisioner protocol on standard input and output until the input ends, and returns
// the program's exit status. Clusters that are owned, and those whose up() is not over then, are
// removed first.
//
//   int main(int argc, char** argv) {
//     ToyBackend backend;
//     return harness::serveBackend(backend, argc, argv);
//   }
//
// Muster is told every 20 s that a call is worked on, for 15 minutes at most.
//
// The options are --version and --describe, which prints the kind's keys for people.
int serveBackend(Backend& backend, int argc, char** argv);

}  // namespace harness
