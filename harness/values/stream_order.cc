#include "harness/values/stream_order.h"

#include <algorithm>

namespace harness {
namespace {

uint64_t bytesInOrder(const StreamOrder& order, size_t stream) {
  uint64_t bytes = 0;
  for (size_t i = stream; i < order.size(); i += 2) bytes += order[i];
  return bytes;
}

}  // namespace

// The first turn is one of standard output.
void StreamOrderBuilder::add(OfStream stream, uint64_t bytes) {
  if (bytes == 0) return;
  size_t place = stream == OfStream::kOut ? 0 : 1;
  if (order_.empty() && place == 1) order_.push_back(0);
  bool goesOn = !order_.empty() && (order_.size() - 1) % 2 == place;
  if (goesOn) {
    order_.back() += bytes;
  } else {
    order_.push_back(bytes);
  }
}

uint64_t orderedOut(const StreamOrder& order) {
  return bytesInOrder(order, 0);
}

uint64_t orderedErr(const StreamOrder& order) {
  return bytesInOrder(order, 1);
}

StreamOrder orderWithin(const StreamOrder& order, StreamPart out, StreamPart err) {
  if (out.bytes == 0 || err.bytes == 0) return {};
  const StreamPart parts[] = {out, err};
  // The bytes from a turn's beginning to the end of its stream.
  uint64_t left[] = {bytesInOrder(order, 0), bytesInOrder(order, 1)};
  StreamOrderBuilder turns;
  for (size_t i = 0; i < order.size(); ++i) {
    const StreamPart& part = parts[i % 2];
    uint64_t begin = std::min(left[i % 2], part.bytesBehind + part.bytes);
    left[i % 2] -= order[i];
    uint64_t end = std::max(left[i % 2], part.bytesBehind);
    if (begin > end) turns.add(i % 2 == 0 ? OfStream::kOut : OfStream::kErr, begin - end);
  }
  return turns.take();
}

// The lengths come from a node, so their sum may be too large for a number.
bool orderFits(const StreamOrder& order, uint64_t outBytes, uint64_t errBytes) {
  uint64_t left[] = {outBytes, errBytes};
  for (size_t i = 0; i < order.size(); ++i) {
    if (order[i] > left[i % 2]) return false;
    left[i % 2] -= order[i];
  }
  return true;
}

std::vector<StreamPiece> piecesOf(std::string_view out, std::string_view err,
                                  const StreamOrder& order) {
  std::string_view rest[] = {out, err};
  std::vector<StreamPiece> pieces;
  auto take = [&](size_t stream, uint64_t bytes) {
    std::string_view text = rest[stream].substr(0, bytes);
    rest[stream].remove_prefix(text.size());
    OfStream of = stream == 0 ? OfStream::kOut : OfStream::kErr;
    if (!text.empty()) pieces.push_back({of, text});
  };
  bool isKnown = orderFits(order, out.size(), err.size());
  take(0, out.size() - (isKnown ? bytesInOrder(order, 0) : 0));
  take(1, err.size() - (isKnown ? bytesInOrder(order, 1) : 0));
  for (size_t i = 0; i < order.size(); ++i) take(i % 2, order[i]);
  return pieces;
}

}  // namespace harness
