#include "tests_d/glusterfs/component.h"

#include <memory>
#include <stdexcept>

namespace gluster {
namespace {

// What a volume, a mount and their processes may take to be gone after a test.
constexpr std::chrono::seconds kGoneMax{15};

// What the suites share. gtest has no owner for it; the daemons themselves end with the sessions.
struct Shared {
  std::unique_ptr<Pool> pool;
  bool dirty = false;  // A test left something behind.
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
  shared().dirty = true;  // Until TearDown has looked.
}

void GlusterTest::TearDown() {
  if (!shared().pool) return;
  const auto look = [] { return pool().leftovers() + pool().trouble(); };
  testing::StringMatchResultListener seen;
  shared().dirty = !testing::ExplainMatchResult(Clears(kGoneMax), look, &seen);
  if (shared().dirty) ADD_FAILURE() << "left behind by this test: " << seen.str();
}

}  // namespace gluster
