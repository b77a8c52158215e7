// Reads an HTML report back, for tests: what its page would find in its blocks.
#pragma once

#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <openssl/evp.h>

#include "harness/os/files.h"
#include "harness/report/fields.h"

namespace harness::report {

// A directory that goes with the object.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    path_ = std::filesystem::temp_directory_path() / ("muster-html-" + randomUuid());
    std::filesystem::create_directories(path_ / "records");
  }
  ~ScratchDirectory() { std::filesystem::remove_all(path_); }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  std::string operator/(const std::string& name) const { return path_ / name; }
  std::string path() const { return path_; }

  void write(const std::string& name, std::string_view content) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << content;
  }

 private:
  std::filesystem::path path_;
};

class ReadReport {
 public:
  explicit ReadReport(std::string html) : html_(std::move(html)) {
    index_ = Json::parse(bytesOf("i", Json::array({0, 0, indexBytes()})));
  }

  const std::string& html() const { return html_; }
  const Json& index() const { return index_; }
  const Json& run() const { return index_["run"]; }

  std::string textOf(const char* column, size_t test) const {
    return index_["strings"][index_["columns"][column][test].get<size_t>()];
  }

  Json test(size_t place) const {
    return Json::parse(bytesOf("b", index_["columns"]["detail"][place]));
  }
  Json timeline() const { return Json::parse(bytesOf("b", run()["timeline"])); }

  // The bytes of an extent.
  std::string bytesOf(const std::string& prefix, const Json& extent) const {
    size_t block = extent[0];
    size_t offset = extent[1];
    size_t length = extent[2];
    std::string bytes;
    while (bytes.size() < length) {
      std::string part = blockOf(prefix + std::to_string(block++));
      if (part.empty()) break;
      bytes += part.substr(offset, length - bytes.size());
      offset = 0;
    }
    return bytes;
  }

 private:
  size_t indexBytes() const {
    std::string mark = "data-index-bytes=\"";
    return std::stoull(html_.substr(html_.find(mark) + mark.size(), 20));
  }

  std::string blockOf(const std::string& id) const {
    std::string mark = " id=\"" + id + "\">";
    size_t begin = html_.find(mark);
    if (begin == std::string::npos) return "";
    begin += mark.size();
    std::string text = html_.substr(begin, html_.find('<', begin) - begin);
    std::string packed(text.size(), '\0');
    int length = ::EVP_DecodeBlock(reinterpret_cast<unsigned char*>(packed.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
    packed.resize(static_cast<size_t>(length));
    return inflated(packed);
  }

  static std::string inflated(const std::string& packed) {
    z_stream stream{};
    ::inflateInit2(&stream, -15);
    std::string bytes(size_t{4} << 20, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    stream.next_out = reinterpret_cast<Bytef*>(bytes.data());
    stream.avail_out = static_cast<uInt>(bytes.size());
    ::inflate(&stream, Z_FINISH);
    bytes.resize(stream.total_out);
    ::inflateEnd(&stream);
    return bytes;
  }

  std::string html_;
  Json index_;
};

}  // namespace harness::report
