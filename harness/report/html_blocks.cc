#include "harness/report/html_blocks.h"

#include <zlib.h>

#include <algorithm>
#include <new>

#include <openssl/evp.h>

namespace harness::report {
namespace {

// The browser's DecompressionStream('deflate-raw') reads it.
constexpr int kRawWindowBits = -15;
constexpr int kMemoryLevel = 9;

std::string deflated(std::string_view bytes) {
  z_stream stream{};
  if (::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kRawWindowBits, kMemoryLevel,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
  std::string result(::deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  // The bound makes one call enough.
  ::deflate(&stream, Z_FINISH);
  result.resize(stream.total_out);
  ::deflateEnd(&stream);
  return result;
}

std::string inBase64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  int length = ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                 reinterpret_cast<const unsigned char*>(bytes.data()),
                                 static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(length));
  return text;
}

}  // namespace

Extent HtmlBlocks::add(std::string_view bytes) {
  if (open_.size() >= kBlockBytesMax) seal();
  Extent extent{.block = sealed_.size(), .offset = open_.size(), .length = bytes.size()};
  while (!bytes.empty()) {
    if (open_.size() >= kBlockBytesMax) seal();
    size_t part = std::min(bytes.size(), kBlockBytesMax - open_.size());
    open_.append(bytes.substr(0, part));
    bytes.remove_prefix(part);
  }
  return extent;
}

void HtmlBlocks::endBlockIfOver(size_t bytes) {
  if (!open_.empty() && open_.size() >= bytes) seal();
}

void HtmlBlocks::seal() {
  sealed_.push_back(inBase64(deflated(open_)));
  open_.clear();
}

void HtmlBlocks::appendTo(std::string& html) {
  endBlockIfOver(1);
  for (size_t i = 0; i < sealed_.size(); ++i) {
    html += "<script type=\"application/octet-stream;base64\" id=\"" + prefix_ + std::to_string(i) +
            "\">" + sealed_[i] + "</script>\n";
  }
}

nlohmann::json toJson(const Extent& extent) {
  return nlohmann::json::array({extent.block, extent.offset, extent.length});
}

}  // namespace harness::report
