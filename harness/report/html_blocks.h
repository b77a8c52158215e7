// Packs bytes for the page of the HTML report: into blocks that a browser can decompress one by one
// (page/blocks.js). It knows nothing of what they mean.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace harness::report {

// Where bytes lie: from `offset` of a block on, and into the following ones.
struct Extent {
  size_t block = 0;
  size_t offset = 0;
  size_t length = 0;
};

class HtmlBlocks {
 public:
  // `prefix` begins the names of the blocks.
  explicit HtmlBlocks(std::string prefix) : prefix_(std::move(prefix)) {}

  // A block has at most this many bytes, so that its text stays below 4 MiB also if they cannot be
  // compressed.
  static constexpr size_t kBlockBytesMax = (size_t{3} << 20) - (size_t{64} << 10);

  Extent add(std::string_view bytes);

  // Lets the next bytes begin in a new block if this one has at least this many.
  void endBlockIfOver(size_t bytes);

  // Appends the elements of all blocks to a document.
  void appendTo(std::string& html);

 private:
  void seal();

  std::string prefix_;
  std::string open_;
  std::vector<std::string> sealed_;
};

// Returns an extent as the page reads it: [block, offset, length].
nlohmann::json toJson(const Extent& extent);

}  // namespace harness::report
