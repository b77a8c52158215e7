#include "harness/rpc/file/transfer_digest.h"

#include <algorithm>

#include "harness/rpc/bytes.h"
#include "schema/support/base/id.h"

namespace harness {
namespace {

// The largest file with holes whose zeros are hashed, which takes half a second.
constexpr uint64_t kHashedHolesBytesMax = uint64_t{1} << 30;
constexpr size_t kZerosBytes = 64 << 10;

}  // namespace

TransferDigest::TransferDigest(std::optional<DigestKind> source, std::optional<DigestKind> target,
                               uint64_t size) {
  bool isCompared = source == DigestKind::kContent || target == DigestKind::kContent;
  if (isCompared || size <= kHashedHolesBytesMax) content_.emplace();
  if (source == DigestKind::kBlocks || target == DigestKind::kBlocks) blocks_.emplace();
}

void TransferDigest::fill(uint64_t to) {
  static const std::string kZeros(kZerosBytes, '\0');
  for (; content_ && at_ < to;) {
    size_t count = static_cast<size_t>(std::min<uint64_t>(to - at_, kZeros.size()));
    content_->update(dataOf(kZeros).slice(0, count));
    at_ += count;
  }
  at_ = std::max(at_, to);
}

void TransferDigest::add(uint64_t offset, const std::string& bytes) {
  fill(offset);
  if (blocks_) blocks_->add(offset, dataOf(bytes));
  if (content_) content_->update(dataOf(bytes));
  at_ = offset + bytes.size();
}

void TransferDigest::end(uint64_t size) {
  fill(size);
}

support::Digest TransferDigest::compared(DigestKind kind) const {
  return kind == DigestKind::kBlocks ? blocks_->digest(at_) : content_->digest();
}

std::string TransferDigest::content() const {
  if (!content_) return "";
  support::Digest digest = content_->digest();
  return support::hex(kj::arrayPtr(digest.data(), digest.size()));
}

}  // namespace harness
