// Fuzzes specifications of jobs, as raw message bytes and as valid messages with hostile fields.
//
// An accepted specification must be fit for execve and for the log as it is.
#include <string.h>

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/debug.h>

#include "nodeagent/exec/job_limits.h"
#include "nodeagent/exec/job_spec.h"
#include "schema/support/rpc/guarded_stream.h"
#include "tests_d/muster/fuzz/fill.h"
#include "tests_d/muster/fuzz/target.h"

namespace {

using nodeagent::exec::JobSpec;

bool hasNul(kj::StringPtr text) {
  return memchr(text.begin(), 0, text.size()) != nullptr;
}

void expectUsable(const JobSpec& spec) {
  KJ_ASSERT(spec.argv.size() > 0 && spec.argv.size() <= 4096 && spec.argv[0].size() > 0);
  for (auto& argument : spec.argv) KJ_ASSERT(!hasNul(argument));
  KJ_ASSERT(spec.environment.size() <= 1024);
  for (auto& variable : spec.environment) {
    KJ_ASSERT(variable.name.size() > 0 && variable.name.findFirst('=') == nullptr);
    KJ_ASSERT(!hasNul(variable.name) && !hasNul(variable.value));
  }
  KJ_ASSERT(spec.directory.startsWith("/") && spec.directory.size() <= 4095);
  KJ_ASSERT(!hasNul(spec.directory) && !hasNul(spec.user) && !hasNul(spec.group));
  KJ_ASSERT(!hasNul(spec.terminalType) && spec.umask <= 0777);
  KJ_ASSERT(spec.inlineInput.size() <= 256 << 10);
  KJ_ASSERT(spec.deadlineNs > 0 && spec.graceNs >= 0 && spec.drainNs >= 0);
  KJ_ASSERT(spec.output.bytesMax >= nodeagent::exec::kRetainedBytesMin);
  KJ_ASSERT(spec.output.bytesMax <= nodeagent::exec::kRetainedBytesMost);
  KJ_ASSERT(spec.labels.size() <= 32 && spec.limits.size() == spec.limitNames.size());
  for (auto& label : spec.labels) {
    KJ_ASSERT(label.name.size() > 0 && label.name.size() <= 64 && label.value.size() <= 256);
    for (unsigned char c : label.value) KJ_ASSERT(c >= 0x20 && c != 0x7f);
  }
}

void check(wire::JobSpec::Reader reader) {
  JobSpec spec = nodeagent::exec::readJobSpec(reader);
  expectUsable(spec);
  KJ_ASSERT(nodeagent::exec::readJobSpec(reader).hash == spec.hash);
  nodeagent::User user;
  auto environment = nodeagent::exec::buildEnvironment(spec, user, "MUSTER=x");
  for (auto& entry : environment) KJ_ASSERT(entry.findFirst('=') != nullptr && !hasNul(entry));
  nodeagent::exec::spawnFailureText(spec, {nodeagent::SpawnStage::kExec, 2, 0}, environment);
  spec.trim();
}

}  // namespace

MUSTER_FUZZ_TARGET(job_spec) {
  bool raw = input.byte() % 2 == 0;
  if (raw) {
    auto bytes = input.rest();
    auto words = kj::heapArray<capnp::word>((bytes.size() + 7) / 8);
    memset(words.begin(), 0, words.asBytes().size());
    if (bytes.size() > 0) memcpy(words.begin(), bytes.begin(), bytes.size());
    const kj::ArrayPtr<const capnp::word> segments[] = {words};
    capnp::SegmentArrayMessageReader message(segments, support::readerOptions());
    // The library throws for bad pointers. Its texts never reach the caller (wire_error.h).
    kj::runCatchingExceptions([&]() { check(message.getRoot<wire::JobSpec>()); });
    return;
  }
  capnp::MallocMessageBuilder message;
  auto spec = message.initRoot<wire::JobSpec>();
  spec.initArgv(1).set(0, kj::StringPtr("true").asBytes());
  spec.setDeadlineNs(1);
  fuzz::FillOptions options;
  options.listMax = 50;
  fuzz::fill(capnp::DynamicStruct::Builder(spec), input, options);
  auto refused = kj::runCatchingExceptions([&]() { check(spec.asReader()); });
  KJ_IF_MAYBE (exception, refused) fuzz::expectTyped(*exception);
}
