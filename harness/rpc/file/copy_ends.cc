#include "harness/rpc/file/copy_ends.h"

#include <algorithm>

#include <muster/node_error.h>

#include "harness/values/failure_text.h"

namespace harness {
namespace {

using Kind = muster::NodeError::Kind;

constexpr size_t kPieceBytes = 256 << 10;

}  // namespace

int64_t timeOf(const TreeItem& item) {
  if (item.modifiedNs) return *item.modifiedNs;
  throw muster::NodeError(Kind::kInvalid, "", "copy",
                          (item.path.empty() ? "the source" : inQuotes(item.path)) +
                              ": its modification time cannot be copied: it is not between 1677 "
                              "and 2262");
}

std::string lastNameOf(const std::string& path) {
  size_t end = path.find_last_not_of('/');
  if (end == std::string::npos) return "";
  size_t slash = path.find_last_of('/', end);
  size_t begin = slash == std::string::npos ? 0 : slash + 1;
  std::string name = path.substr(begin, end + 1 - begin);
  return name == "." || name == ".." ? "" : name;
}

FileFeed feedOf(const std::string& bytes) {
  FileFeed feed;
  feed.next = [&bytes, at = size_t{0}](size_t bytesMax) mutable {
    FilePiece piece{at, bytes.substr(at, bytesMax)};
    at += piece.bytes.size();
    return piece;
  };
  feed.check = [](const TransferDigest&) {};
  return feed;
}

std::string readWhole(const FileFeed& feed, size_t bytesMax) {
  std::string whole;
  while (true) {
    FilePiece piece = feed.next(kPieceBytes);
    if (piece.offset + piece.bytes.size() > bytesMax) {
      throw muster::NodeError(
          Kind::kInvalid, "", "copy",
          "the source does not tell its size and has over " + std::to_string(bytesMax) + " bytes");
    }
    whole.resize(piece.offset, '\0');
    if (piece.bytes.empty()) return whole;
    whole += piece.bytes;
  }
}

}  // namespace harness
