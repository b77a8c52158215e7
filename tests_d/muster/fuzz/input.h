// Reads a fuzzer's bytes as decisions, such as the next call, a number or a text.
//
// When there are no more bytes, every decision is zero or empty.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <string>
#include <vector>

#include <kj/array.h>
#include <kj/exception.h>

#include "schema/support/base/log.h"

namespace fuzz {

class Input {
 public:
  // Borrows `bytes`.
  explicit Input(kj::ArrayPtr<const kj::byte> bytes) : rest_(bytes) {}

  bool empty() const { return rest_.size() == 0; }
  uint8_t byte();

  // Returns a number below `end`, which is positive.
  uint32_t below(uint32_t end);

  // Returns a number. It is often one at which code overflows: a small one, all bits, or a power of
  // two and its neighbours.
  uint64_t number();

  // Returns the next bytes, at most `bytesMax`. The first byte says how many.
  kj::ArrayPtr<const kj::byte> bytes(size_t bytesMax = 255);

  // Returns the next bytes, a word that parsers look for, or a long text.
  std::string text(size_t bytesMax = 255);

  kj::ArrayPtr<const kj::byte> rest();

 private:
  kj::ArrayPtr<const kj::byte> rest_;
};

// Keeps our own log and KJ's from the terminal while a target runs.
class Quiet {
 public:
  Quiet() = default;

 private:
  support::CapturedLog log_;
  support::KjLogCallback callback_;
};

// Fails unless `exception` has a kind that is told to peers, and a text without control characters.
// Any other exception is a bug that some input reached.
void expectTyped(const kj::Exception& exception);

}  // namespace fuzz
