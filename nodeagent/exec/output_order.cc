#include "nodeagent/exec/output_order.h"

#include <algorithm>

namespace nodeagent::exec {
namespace {

// Most jobs that write to both streams change between them a few times only.
constexpr size_t kTurnsAtFirst = 16;

}  // namespace

OutputOrder::~OutputOrder() noexcept(false) {
  clear();
}

// Most jobs write to one stream only. Nothing is kept of them: the turns begin with what was read
// before the first change.
void OutputOrder::note(uint64_t outputBytes, uint64_t errorsBytes) {
  if (begun_ == 0 && outputBytes > 0 && errorsBytes > 0) {
    begin(outputBytes_);
    if (errorsBytes_ > 0) begin(errorsBytes_);
  }
  if (begun_ > 0) {
    read(kOutput, outputBytes - outputBytes_);
    read(kErrors, errorsBytes - errorsBytes_);
  }
  outputBytes_ = outputBytes;
  errorsBytes_ = errorsBytes;
}

void OutputOrder::read(Stream stream, uint64_t bytes) {
  if (bytes == 0) return;
  bool goesOn = (begun_ - 1) % 2 == stream;
  if (!goesOn) return begin(bytes);
  if (turns_.size() > 0) slot(begun_ - 1) += bytes;
}

void OutputOrder::begin(uint64_t bytes) {
  if (begun_ == turns_.size()) grow();
  if (turns_.size() > 0) slot(begun_) = bytes;
  ++begun_;
}

// Is called when each turn has a place of its own. If it fails, the newest turn takes the place of
// the oldest from now on, and there is never such a moment again.
void OutputOrder::grow() {
  size_t size = std::min(std::max(2 * turns_.size(), kTurnsAtFirst), kTurnsMax);
  size_t more = size - turns_.size();
  if (more == 0 || !spool_.takeMemory(more * sizeof(uint64_t))) return;
  auto larger = kj::heapArray<uint64_t>(size);
  std::copy(turns_.begin(), turns_.end(), larger.begin());
  turns_ = kj::mv(larger);
}

uint64_t OutputOrder::first() const {
  uint64_t oldest = begun_ - std::min<uint64_t>(begun_, turns_.size());
  return oldest + oldest % 2;
}

size_t OutputOrder::size() const {
  return turns_.size() == 0 ? 0 : begun_ - first();
}

// A job that was abandoned keeps nothing, and may outlive the spool, since a call may wait for it.
void OutputOrder::clear() {
  if (turns_.size() > 0) spool_.giveMemory(turns_.size() * sizeof(uint64_t));
  turns_ = nullptr;
  outputBytes_ = errorsBytes_ = begun_ = 0;
}

}  // namespace nodeagent::exec
