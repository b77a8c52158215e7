// muster: makes clusters, shows them, and runs commands and tests on them.
#include "harness/cli/muster.h"
#include "schema/support/base/standard_streams.h"

int main(int argc, char** argv) {
  support::openStandardStreams();
  return harness::runMuster({argv + 1, argv + argc});
}
