// The standard error of a scripted agent's command that writes to both streams, and their order. It
// knows nothing of the rest of an answer.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "harness/rpc/bytes.h"
#include "schema/job.capnp.h"
#include "schema/support/base/crc32c.h"

namespace harness {

// Adds them for the command {"both", TEXT, ERRORS, LENGTH...} to an answer that has its status. One
// answer brings all errors.
inline void addErrors(const std::vector<std::string>& argv, wire::JobProgress::Builder progress,
                      uint64_t errorsFrom) {
  const std::string& errors = argv[2];
  auto status = progress.getStatus().initErrors();
  status.setProducedBytes(errors.size());
  status.setRetainedTo(errors.size());
  uint64_t from = std::min<uint64_t>(errorsFrom, errors.size());
  auto chunk = progress.initErrors();
  chunk.setOffset(from);
  chunk.setData(dataOf(errors).slice(from, errors.size()));
  chunk.setCrc32c(support::crc32c(chunk.getData()));
  auto order = progress.initOrder(static_cast<unsigned>(argv.size() - 3));
  for (unsigned i = 0; i < order.size(); ++i) order.set(i, std::stoull(argv[i + 3]));
}

}  // namespace harness
