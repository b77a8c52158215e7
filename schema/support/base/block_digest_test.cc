// Tries that the digest of a file's blocks depends on its content alone, not on the pieces in which
// it comes.
#include "schema/support/base/block_digest.h"

#include <string>

#include <gtest/gtest.h>

namespace support {
namespace {

kj::ArrayPtr<const kj::byte> asBytes(const std::string& text) {
  return kj::arrayPtr(reinterpret_cast<const kj::byte*>(text.data()), text.size());
}

// Adds `content` in pieces of `pieceBytes`, and leaves out those of zeros.
Digest inPieces(const std::string& content, size_t pieceBytes) {
  BlockDigest digest;
  for (size_t at = 0; at < content.size(); at += pieceBytes) {
    std::string piece = content.substr(at, pieceBytes);
    if (!isZeros(asBytes(piece))) digest.add(at, asBytes(piece));
  }
  return digest.digest(content.size());
}

std::string fileWithHoles() {
  std::string content(100'003, '\0');
  for (size_t at : {size_t{0}, size_t{4095}, size_t{4096}, size_t{40'000}, content.size() - 1}) {
    content[at] = 'x';
  }
  return content;
}

TEST(BlockDigestTest, PiecesAndHolesMakeNoDifference) {
  std::string content = fileWithHoles();
  Digest whole = inPieces(content, content.size());
  for (size_t pieceBytes : {1, 7, 512, 1000, 4096, 5000, 65'536}) {
    EXPECT_EQ(inPieces(content, pieceBytes), whole) << pieceBytes;
  }
}

TEST(BlockDigestTest, OtherContentPlaceOrSizeGivesAnotherDigest) {
  std::string content = fileWithHoles();
  Digest digest = inPieces(content, 4096);
  for (size_t at : {size_t{1}, size_t{4096}, size_t{8191}, size_t{60'000}, content.size() - 1}) {
    std::string other = content;
    other[at] = static_cast<char>(other[at] + 1);
    EXPECT_NE(inPieces(other, 4096), digest) << at;
  }
  EXPECT_NE(inPieces(content + std::string(1, '\0'), 4096), digest);
  EXPECT_NE(inPieces(std::string(4096, '\0') + content.substr(0, content.size() - 4096), 4096),
            digest);
}

// The definition is part of the contract, so it is written down a second time.
TEST(BlockDigestTest, DigestIsTheOneThatTheSchemaDefines) {
  std::string content = std::string(4096, '\0') + "ab";
  std::string defined("\x00\x10\x00\x00\x00\x00\x00\x00", 8);
  defined += "ab" + std::string(4094, '\0') + std::string("\x02\x10\x00\x00\x00\x00\x00\x00", 8);
  EXPECT_EQ(inPieces(content, 4096), Sha256::of(asBytes(defined)));
}

}  // namespace
}  // namespace support
