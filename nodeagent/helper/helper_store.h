// Is the directory of helper programs: each file has the digest of its content as its name, and
// there is a bound for their number and size. It does not write them; uploads do.
//
// The calls block, so they belong on one worker thread.
#pragma once

#include <stdint.h>

#include <kj/array.h>
#include <kj/refcount.h>
#include <kj/string.h>

namespace nodeagent::helper {

struct StoreLimits {
  size_t filesMax = 64;
  uint64_t bytesMax = 512 << 20;
  // Bounds one helper.
  uint64_t helperBytesMax = 128 << 20;
  // What is no helper, such as an upload that broke off, goes after this.
  int64_t strangerSecondsMax = 3600;
};

// Immutable.
class HelperStore final : public kj::AtomicRefcounted {
 public:
  // Programs may not run on every file system (noexec, as of /run): the first of `directories`
  // counts whose parents let them run.
  explicit HelperStore(kj::Array<kj::String> directories, const StoreLimits& limits = {})
      : directories_(kj::mv(directories)), limits_(limits) {}

  struct Located {
    kj::String path;
    bool isPresent = false;
  };

  // Does what Helpers.locate says.
  Located locate(kj::ArrayPtr<const kj::byte> sha256, uint64_t size) const;

 private:
  kj::String openDirectory() const;
  void makeSpace(kj::StringPtr directory, uint64_t size) const;

  const kj::Array<kj::String> directories_;
  const StoreLimits limits_;
};

}  // namespace nodeagent::helper
