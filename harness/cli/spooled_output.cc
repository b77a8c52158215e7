#include "harness/cli/spooled_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

#include "harness/os/error.h"

namespace harness {
namespace {

constexpr size_t kPartBytes = 256 << 10;

// Makes a file that goes with its descriptor.
Fd makeNamelessFile(const std::string& directory) {
  Fd file(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file) return file;
  // Not every file system can make one without a name.
  std::string path = directory + "/muster-XXXXXX";
  file = Fd(::mkostemp(path.data(), O_CLOEXEC));
  check(file.get(), "make a file in " + directory);
  ::unlink(path.c_str());
  return file;
}

}  // namespace

void SpooledOutput::append(std::string_view bytes) {
  if (bytes.empty()) return;
  hash_.update({reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()});
  size_ += bytes.size();
  last_ = bytes.back();
  memory_ += bytes;
  if (memory_.size() > kMemoryBytesMax) spill();
}

void SpooledOutput::spill() {
  std::string directory = std::filesystem::temp_directory_path();
  if (!file_) file_ = makeNamelessFile(directory);
  writeAll(file_.get(), memory_, "output of a node to a file in " + directory);
  memory_.clear();
}

bool SpooledOutput::operator==(const SpooledOutput& other) const {
  return size_ == other.size_ && hash_.digest() == other.hash_.digest();
}

void SpooledOutput::give(const ByteSink& sink) const {
  uint64_t filed = size_ - memory_.size();
  std::string part(filed == 0 ? 0 : kPartBytes, '\0');
  for (uint64_t at = 0; at < filed;) {
    ssize_t count = ::pread(file_.get(), part.data(), part.size(), static_cast<off_t>(at));
    check(count, "read the output of a node from its file");
    if (count == 0) failSystem("read the output of a node from its file: it became shorter", 0);
    sink(std::string_view(part).substr(0, static_cast<size_t>(count)));
    at += static_cast<uint64_t>(count);
  }
  if (!memory_.empty()) sink(memory_);
}

}  // namespace harness
