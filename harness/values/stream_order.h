// Computes with the order of a command's two streams (muster::Result::order): which part of it is
// that of parts of the streams, and what it makes of them. It does not know how the order came
// about.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace harness {

// Holds what Result::order does.
using StreamOrder = std::vector<uint64_t>;

enum class OfStream { kOut, kErr };

// Makes an order of turns. Those of one stream in succession become one, and empty ones none.
class StreamOrderBuilder {
 public:
  void add(OfStream stream, uint64_t bytes);
  StreamOrder take() { return std::move(order_); }

 private:
  StreamOrder order_;
};

// Names bytes of a stream that follow one another: how many they are, and how many come after them.
struct StreamPart {
  uint64_t bytes = 0;
  uint64_t bytesBehind = 0;
};

// Returns the order within two parts, up to the end of both. `order` goes up to the end of both
// streams. It is empty if one of the parts is, since there is nothing to know then.
StreamOrder orderWithin(const StreamOrder& order, StreamPart out, StreamPart err);

// Return how many bytes of each stream the order counts.
uint64_t orderedOut(const StreamOrder& order);
uint64_t orderedErr(const StreamOrder& order);

// Tells whether the streams have as many bytes as the order counts.
bool orderFits(const StreamOrder& order, uint64_t outBytes, uint64_t errBytes);

// Holds bytes of one stream that were read before those of the next piece.
struct StreamPiece {
  OfStream stream = OfStream::kOut;
  std::string_view text = {};
};

// Returns both streams in order. What has no known order comes first, standard output before
// standard error, and all of it if the order does not fit. No piece is empty.
std::vector<StreamPiece> piecesOf(std::string_view out, std::string_view err,
                                  const StreamOrder& order);

}  // namespace harness
