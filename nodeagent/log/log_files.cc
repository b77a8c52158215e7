#include "nodeagent/log/log_files.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include <kj/io.h>

#include "nodeagent/log/slice_plan.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::logs {
namespace {

using NoteKind = wire::LogNote::Kind;

constexpr size_t kChunkBytes = 256 << 10;
constexpr int kLooksMax = 4;
static_assert(kChunkBytes > kLineBytesMax);

// Reads stretches until a limit is reached.
class SliceReader {
 public:
  SliceReader(const PartLimits& limits, const LineFilter& filter, Part& part)
      : limits_(limits), filter_(filter), part_(part), size_(limits), chunk_(kChunkBytes, '\0') {}

  // Returns the place where the stretch is to be read on, which is its end unless a limit was
  // reached.
  Place read(const Stretch& stretch) {
    if (stretch.start.offset >= stretch.end) return stretch.start;
    int fd = openLog(stretch.file.path);
    if (fd < 0) {
      part_.notes.push_back({stretch.file.path, NoteKind::UNREADABLE,
                             std::string("cannot be opened: ") + support::errnoText(-fd).cStr()});
      return placeAt(-1, stretch.file, stretch.end, stretch.start.line);
    }
    kj::AutoCloseFd open(fd);
    FoundFile now;
    // It was renamed since it was found, and another has its name: the next part finds it.
    if (!look(open.get(), &now) || now.id != stretch.file.id) {
      part_.hasMore = true;
      return stretch.start;
    }
    offset_ = stretch.start.offset;
    line_ = stretch.start.line;
    Stop stop = Stop::kNone;
    while (offset_ < stretch.end && !isFull() && stop == Stop::kNone) {
      stop = readChunk(open, stretch);
    }
    if (stop == Stop::kError || stop == Stop::kEnd) return placeBehindTrouble(open, stretch, stop);
    if (offset_ < stretch.end && isFull()) part_.hasMore = true;
    return placeAt(open, stretch.file, offset_, line_);
  }

  bool isFull() const { return size_.isFull() || scanned_ >= limits_.scannedMax; }

 private:
  // Why reading stopped before the stretch ended: its last line has no end yet, there are no more
  // bytes, or they cannot be read.
  enum class Stop { kNone, kUnfinished, kEnd, kError };

  void note(const Stretch& stretch, NoteKind kind, const std::string& text) {
    part_.notes.push_back({stretch.file.path, kind, text});
  }

  // Says what is missing behind offset_, and returns where to go on.
  Place placeBehindTrouble(int fd, const Stretch& stretch, Stop stop) {
    std::string at = "behind byte " + std::to_string(offset_);
    FoundFile now;
    if (stop == Stop::kEnd && look(fd, &now) && now.size < stretch.end) {
      if (now.size >= offset_) {
        note(stretch, NoteKind::TRUNCATED,
             "became shorter while it was read; what was " + at + " is unknown");
        return placeAt(fd, stretch.file, offset_, line_);
      }
      // The next part begins at its beginning.
      part_.hasMore = true;
      note(stretch, NoteKind::TRUNCATED,
           "was emptied while it was read; what was " + at + " is unknown");
      return Place{stretch.file.path, stretch.file.id};
    }
    std::string why = stop == Stop::kEnd ? "it ends there, before its size says so"
                                         : std::string(support::errnoText(error_).cStr());
    note(stretch, NoteKind::UNREADABLE, "cannot be read " + at + ": " + why);
    return placeAt(-1, stretch.file, stretch.end, line_);
  }

  // Reads on at offset_.
  Stop readChunk(int fd, const Stretch& stretch) {
    size_t wanted = std::min<uint64_t>(chunk_.size(), stretch.end - offset_);
    ssize_t count = 0;
    do {
      count = ::pread(fd, chunk_.data(), wanted, static_cast<off_t>(offset_));
    } while (count < 0 && errno == EINTR);
    error_ = errno;
    if (count < 0) return Stop::kError;
    if (count == 0) return Stop::kEnd;
    std::string_view bytes(chunk_.data(), static_cast<size_t>(count));
    bool isLast = stretch.hasFixedEnd && offset_ + bytes.size() == stretch.end;
    size_t whole = bytes.rfind('\n') == std::string_view::npos ? 0 : bytes.rfind('\n') + 1;
    size_t usable = isLast || bytes.size() - whole > kLineBytesMax ? bytes.size() : whole;
    // The bytes that are missing may be those of a file that became shorter.
    if (usable == 0) return bytes.size() < wanted ? Stop::kEnd : Stop::kUnfinished;
    scanned_ += usable;
    if (!filter_.matchesAll() && !filter_.mayMatchIn(bytes.substr(0, usable))) {
      skip(bytes.substr(0, usable), isLast);
      return Stop::kNone;
    }
    takeLines(bytes.substr(0, usable), isLast, stretch.file);
    return Stop::kNone;
  }

  // Goes over lines of which none matches. Longer ones than a line may be are counted as the parts
  // that they would be read as.
  void skip(std::string_view bytes, bool isLast) {
    size_t at = 0;
    while (at < bytes.size()) {
      size_t length = lengthOfLine(bytes.substr(at), isLast);
      if (length == 0) break;
      at += length;
      ++line_;
    }
    offset_ += at;
  }

  // Returns the bytes of the first line with its newline. 0: it has no end yet.
  static size_t lengthOfLine(std::string_view bytes, bool isLast) {
    const void* newline = ::memchr(bytes.data(), '\n', std::min(bytes.size(), kLineBytesMax + 1));
    if (newline) return static_cast<const char*>(newline) - bytes.data() + 1;
    if (bytes.size() > kLineBytesMax) return kLineBytesMax;
    return isLast ? bytes.size() : 0;
  }

  void takeLines(std::string_view bytes, bool isLast, const FoundFile& file) {
    size_t at = 0;
    while (at < bytes.size() && !size_.isFull()) {
      size_t length = lengthOfLine(bytes.substr(at), isLast);
      if (length == 0) break;
      std::string_view text = bytes.substr(at, length);
      bool isWhole = text.back() == '\n';
      if (isWhole) text.remove_suffix(1);
      ++line_;
      if (filter_.matches(text)) {
        bool isCut = !isWhole && length == kLineBytesMax;
        part_.lines.push_back({file.path, std::string(text), line_, offset_ + at, file.id, isCut,
                               !isWhole && !isCut});
        size_.add(part_.lines.back());
      }
      at += length;
    }
    offset_ += at;
  }

  const PartLimits limits_;
  const LineFilter& filter_;
  Part& part_;
  PartSize size_;
  std::string chunk_;
  uint64_t offset_ = 0;
  uint64_t line_ = 0;
  uint64_t scanned_ = 0;
  int error_ = 0;
};

// A mark travels in one message, with that of the slice's end.
void requireSendable(const std::vector<Place>& places) {
  constexpr size_t kPlaceBytes = 64;
  size_t bytes = 0;
  for (const Place& place : places) bytes += kPlaceBytes + place.path.size();
  if (bytes <= kMarkBytesMax) return;
  support::fail(wire::Error::Kind::OVERLOADED, "files: the paths of the ", places.size(),
                " files have over ", kMarkBytesMax >> 20,
                " MiB together; name fewer, or such with shorter paths");
}

}  // namespace

// Two looks in a row that find the same files make a mark: a file that is renamed meanwhile may be
// missing in one of them.
std::vector<Place> markFiles(const std::string& pattern) {
  FilesRequest all;
  all.pattern = pattern;
  std::vector<Place> places;
  std::set<FileId> before;
  for (int look = 0; look < kLooksMax; ++look) {
    places.clear();
    std::set<FileId> found;
    for (const Stretch& stretch : planSlice(all).stretches) {
      kj::AutoCloseFd open(std::max(-1, openLog(stretch.file.path)));
      places.push_back(placeAt(open, stretch.file, stretch.end, 0));
      found.insert(stretch.file.id);
    }
    if (look > 0 && found == before) break;
    before = std::move(found);
  }
  if (places.size() > kFilesMax) {
    support::fail(wire::Error::Kind::OVERLOADED, "files: the pattern stands for over ", kFilesMax,
                  " files, rotated ones among them");
  }
  requireSendable(places);
  return places;
}

Part readFiles(const FilesRequest& request, const LineFilter& filter) {
  return readPlanned(planSlice(request), request.limits, filter);
}

Part readPlanned(SlicePlan plan, const PartLimits& limits, const LineFilter& filter) {
  Part part;
  part.notes = std::move(plan.notes);
  part.next.kind = Mark::Kind::kFiles;
  SliceReader reader(limits, filter, part);
  for (const Stretch& stretch : plan.stretches) {
    if (reader.isFull() && stretch.start.offset < stretch.end) {
      part.hasMore = true;
      part.next.files.push_back(stretch.start);
    } else {
      part.next.files.push_back(reader.read(stretch));
    }
  }
  requireSendable(part.next.files);
  return part;
}

}  // namespace nodeagent::logs
