// A stream without a system below. It gives the same bytes again and again, so that only its reader
// is measured.
#pragma once

#include <algorithm>

#include <kj/async-io.h>

namespace bench {

class RepeatingInput final : public kj::AsyncInputStream {
 public:
  // `bytes` outlives it.
  explicit RepeatingInput(kj::ArrayPtr<const kj::byte> bytes) : bytes_(bytes) {}

  kj::Promise<size_t> tryRead(void* buffer, size_t, size_t maxBytes) override {
    auto* to = static_cast<kj::byte*>(buffer);
    for (size_t done = 0; done < maxBytes;) {
      size_t count = std::min(maxBytes - done, bytes_.size() - at_);
      std::copy_n(bytes_.begin() + at_, count, to + done);
      done += count;
      at_ = (at_ + count) % bytes_.size();
    }
    return maxBytes;
  }

 private:
  kj::ArrayPtr<const kj::byte> bytes_;
  size_t at_ = 0;
};

}  // namespace bench
