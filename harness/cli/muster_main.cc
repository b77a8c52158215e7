// muster: makes clusters, shows them, and runs commands and tests on them.
#include "harness/cli/muster.h"

int main(int argc, char** argv) {
  return harness::runMuster({argv + 1, argv + argc});
}
