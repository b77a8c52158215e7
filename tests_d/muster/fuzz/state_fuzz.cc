// Fuzzes the texts of other processes that the keeper reads.
//
// These are the records of the restore journal, which say which files to remove and to restore, and
// the front's preamble.
#include <kj/async-io.h>
#include <kj/debug.h>
#include <kj/timer.h>

#include "nodeagent/file/restore.h"
#include "nodeagent/link/preamble.h"
#include "tests_d/muster/fuzz/target.h"

namespace {

using nodeagent::file::Restore;

// Reads a record but does not apply it, because that would change the files that it names.
void checkRecord(const std::string& text) {
  auto parsed = Restore::parse(kj::StringPtr(text.c_str(), text.size()));
  KJ_IF_MAYBE (restore, parsed) {
    kj::String record = restore->record();
    auto again = Restore::parse(record);
    KJ_ASSERT(KJ_ASSERT_NONNULL(again).record() == record, record);
    KJ_ASSERT(restore->path().startsWith("/"), "a record of no path was believed", record);
  }
}

void checkPreamble(kj::ArrayPtr<const kj::byte> bytes) {
  kj::EventLoop loop;
  kj::WaitScope scope(loop);
  kj::TimerImpl timer(kj::origin<kj::TimePoint>());
  auto pipe = kj::newOneWayPipe();
  auto reading = nodeagent::readPreamble(*pipe.in, timer);
  auto writing =
      pipe.out->write(bytes.begin(), bytes.size()).eagerlyEvaluate([](kj::Exception&&) {});
  if (!reading.poll(scope)) timer.advanceTo(timer.now() + 10 * kj::SECONDS);
  KJ_ASSERT(reading.poll(scope), "a preamble is waited for without a bound");
  auto refused = kj::runCatchingExceptions([&]() {
    nodeagent::Peer peer = reading.wait(scope);
    KJ_ASSERT(peer.identity.role <= wire::Role::ADMIN);
    std::string again = nodeagent::preambleOf(peer);
    KJ_ASSERT(again.size() <= bytes.size());
  });
  KJ_IF_MAYBE (exception, refused) fuzz::expectTyped(*exception);
}

}  // namespace

MUSTER_FUZZ_TARGET(state) {
  bool record = input.byte() % 2 == 0;
  auto bytes = input.rest();
  if (record) {
    checkRecord({reinterpret_cast<const char*>(bytes.begin()), bytes.size()});
  } else {
    checkPreamble(bytes);
  }
}
