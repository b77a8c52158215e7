// A fuzzer's bytes, read as decisions: which call, which number, which text. Ends softly: when
// there are no more bytes, everything is zero or empty.
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

  // Below `end`, which is positive.
  uint32_t below(uint32_t end);

  // Often one at which something may turn over: small, all bits, a power of two and its neighbours.
  uint64_t number();

  // The next bytes, at most `bytesMax`; the first byte says how many.
  kj::ArrayPtr<const kj::byte> bytes(size_t bytesMax = 255);

  // Bytes as they come, or a word that parsers look for, or something long.
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

// Fails unless `exception` is one of our failures: of a kind that is told to a peer, and of a text
// without control characters. Anything else is a bug that some input reached.
void expectTyped(const kj::Exception& exception);

}  // namespace fuzz
