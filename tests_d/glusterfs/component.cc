#include "tests_d/glusterfs/component.h"

#include <memory>
#include <stdexcept>

namespace gluster {
namespace {

// A volume, a mount and their processes may take this time to be gone after a test.
constexpr std::chrono::seconds kGoneMax{15};

// The state that all suites share. gtest offers no owner for it, so it lives as long as the
// program. The daemons end with the sessions.
struct Shared {
  std::unique_ptr<Pool> pool;
  bool dirty = false;  // A test has left something, or has not been checked yet.
};

Shared& shared() {
  static Shared instance;
  return instance;
}

}  // namespace

Pool& GlusterTest::pool() {
  if (!shared().pool) throw std::logic_error("GlusterTest: pool() before SetUp()");
  return *shared().pool;
}

void GlusterTest::SetUp() {
  if (!shared().pool) {
    shared().pool = std::make_unique<Pool>(servers().firstOf(3), clients());
  } else if (shared().dirty) {
    pool().reset();
  }
  // The daemons serve all tests.
  acceptNodeChanges();
  // TearDown clears this when it has found nothing.
  shared().dirty = true;
}

void GlusterTest::TearDown() {
  if (!shared().pool) return;
  const auto check = [] { return pool().leftovers() + pool().trouble(); };
  testing::StringMatchResultListener seen;
  shared().dirty = !testing::ExplainMatchResult(Clears(kGoneMax), check, &seen);
  if (shared().dirty) ADD_FAILURE() << "left behind by this test: " << seen.str();
}

}  // namespace gluster
