#include "harness/runner/program_output.h"

#include <algorithm>
#include <filesystem>

#include "schema/support/base/text.h"

namespace harness::runner {
namespace {

constexpr uint64_t kFileBytesMax = uint64_t{64} << 20;
constexpr size_t kTailBytes = 256 << 10;
constexpr size_t kTestBytesMax = 16 << 10;

}  // namespace

void ProgramOutputFile::append(std::string_view bytes) {
  tail_ += bytes;
  if (tail_.size() > 2 * kTailBytes) tail_.erase(0, tail_.size() - kTailBytes);
  if (written_ + bytes.size() > kFileBytesMax) {
    if (dropped_ == 0) file_ << "\n(what follows is beyond 64 MiB and was dropped)\n";
    dropped_ += bytes.size();
    return;
  }
  if (!file_.is_open()) {
    std::error_code ignored;
    std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), ignored);
    file_.open(path_, std::ios::binary);
  }
  file_ << bytes << std::flush;
  hasFailed_ = hasFailed_ || !file_;
  written_ += bytes.size();
}

std::string ProgramOutputFile::last() const {
  return std::string(support::endOf(tail_, kTestBytesMax));
}

// A test that is repeated in one process is found by its last mark.
std::string ProgramOutputFile::ofTest(const std::string& name) const {
  size_t begin = tail_.rfind("[ RUN      ] " + name + "\n");
  if (begin == std::string::npos) return "";
  begin = tail_.find('\n', begin) + 1;
  size_t end = tail_.size();
  for (const char* mark : {"[       OK ] ", "[  FAILED  ] ", "[  SKIPPED ] "}) {
    end = std::min(end, tail_.find(mark + name, begin));
  }
  return std::string(
      support::endOf(std::string_view(tail_).substr(begin, end - begin), kTestBytesMax));
}

void ProgramOutputFile::note(run::RecordWriter& writer, const std::string& item) const {
  std::string name = path_.substr(path_.rfind('/') + 1);
  if (written_ > 0) {
    std::string id =
        writer.begin("artifact", item, {{"path", "output/" + name}, {"type", "output"}});
    if (dropped_ > 0) writer.add(id, "hidden", {{"count", dropped_}, {"text", "bytes of output"}});
    writer.end(id, {{"bytes", written_}});
  }
  if (!hasFailed_) return;
  writer.add(
      item, "failure",
      {{"text", "the output of the program could not be kept: " + name}, {"infrastructure", true}});
}

}  // namespace harness::runner
