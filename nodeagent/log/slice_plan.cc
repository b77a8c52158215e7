#include "nodeagent/log/slice_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>

#include <kj/io.h>

#include "schema/support/base/crc32c.h"

namespace nodeagent::logs {
namespace {

using NoteKind = wire::LogNote::Kind;

constexpr size_t kTailBytesMax = 256;

// Returns the check sum of the bytes before `offset`. Absent: they cannot be read.
std::optional<uint32_t> tailAt(int fd, uint64_t offset, uint32_t bytes) {
  kj::byte buffer[kTailBytesMax];
  if (bytes > kTailBytesMax || bytes > offset) return std::nullopt;
  ssize_t count = ::pread(fd, buffer, bytes, static_cast<off_t>(offset - bytes));
  if (count != static_cast<ssize_t>(bytes)) return std::nullopt;
  return support::crc32c(kj::arrayPtr(buffer, bytes));
}

// Tells whether the file still has what stood before the place.
bool holds(const FoundFile& file, const Place& place) {
  if (file.size < place.offset) return false;
  if (place.tailBytes == 0) return true;
  int fd = openLog(file.path);
  if (fd < 0) return true;  // Reading it says what is wrong.
  kj::AutoCloseFd open(fd);
  // It was renamed since it was found: another file does not tell.
  FoundFile now;
  if (!look(open.get(), &now) || now.id != file.id) return true;
  return tailAt(open, place.offset, place.tailBytes) == place.tailCrc32c;
}

// Orders rotated files. The file system's clock is coarse; of two that were written in the same
// tick the one with the higher number is older, as programs that rotate count.
bool isOlder(const FoundFile& a, const FoundFile& b) {
  if (a.modifiedNs != b.modifiedNs) return a.modifiedNs < b.modifiedNs;
  if (a.path.size() != b.path.size()) return a.path.size() > b.path.size();
  return a.path > b.path;
}

// Decides what the slice has of each file that there is.
class Planner {
 public:
  explicit Planner(const FilesRequest& request) : request_(request) {
    for (const Place& place : request.from) from_[place.id] = &place;
  }

  SlicePlan plan() {
    if (request_.to) {
      takeMarked();
    } else {
      takePresent();
    }
    noteMissing();
    for (const auto& [directory, problem] : directories_.problems()) {
      note(directory, NoteKind::UNREADABLE, problem);
    }
    for (Stretch& stretch : plan_.stretches) begin(stretch);
    for (Stretch& stretch : plan_.stretches) beginNew(stretch);
    return std::move(plan_);
  }

 private:
  // The slice ends where the files end now.
  void takePresent() {
    // A file that was renamed stays what it was, whatever its new name.
    std::vector<FoundFile> files;
    for (const Place& place : request_.from) {
      if (const FoundFile* now = find(place)) files.push_back(*now);
    }
    std::vector<FoundFile> matching = directories_.matching(request_.pattern);
    std::erase_if(files, [&](const FoundFile& file) {
      return std::any_of(matching.begin(), matching.end(),
                         [&](const FoundFile& other) { return other.id == file.id; });
    });
    files.insert(files.end(), matching.begin(), matching.end());
    std::vector<FoundFile> rotated = directories_.rotatedOf(request_.pattern);
    std::stable_sort(rotated.begin(), rotated.end(), isOlder);
    for (const FoundFile& file : rotated) add(file, file.size, false);
    for (const FoundFile& file : files) add(file, file.size, false);
  }

  // The slice ends at a mark.
  void takeMarked() {
    // Rotated files are the first of a mark, as they are older than what else there is.
    const std::string pattern = nameOf(request_.pattern);
    auto other = std::find_if(request_.to->begin(), request_.to->end(), [&](const Place& place) {
      return !isRotatedMatch(nameOf(place.path), pattern);
    });
    for (auto place = request_.to->begin(); place != other; ++place) takeUntil(*place);
    takeRenamed();
    for (auto place = other; place != request_.to->end(); ++place) takeUntil(*place);
  }

  void takeUntil(const Place& place) {
    const FoundFile* now = find(place);
    auto before = from_.find(place.id);
    uint64_t known = before == from_.end() ? 0 : before->second->offset;
    if (now && holds(*now, place)) {
      add(*now, place.offset, true);
    } else if (known != place.offset) {
      note(place.path, now ? NoteKind::TRUNCATED : NoteKind::GONE,
           now ? "was emptied after the slice, of which nothing is left"
               : "is not in its directory any more");
      present_.insert(place.id);
    } else {
      present_.insert(place.id);
    }
  }

  // A file that was renamed to a name that is none of the pattern and none of a rotated file is in
  // no mark since. Where the mark found its end is not known, and nobody reads it later, so its
  // present end counts.
  void takeRenamed() {
    for (const Place& place : request_.from) {
      bool isMarked = std::any_of(request_.to->begin(), request_.to->end(),
                                  [&](const Place& marked) { return marked.id == place.id; });
      const FoundFile* now = isMarked ? nullptr : find(place);
      if (now) add(*now, now->size, true);
    }
  }

  void add(const FoundFile& file, uint64_t end, bool hasFixedEnd) {
    if (isCompressedName(nameOf(file.path))) return;
    if (!present_.insert(file.id).second) return;
    plan_.stretches.push_back({file, Place{file.path, file.id}, end, hasFixedEnd});
  }

  const FoundFile* find(const Place& place) {
    const FoundFile* found = nullptr;
    for (const FoundFile& file : directories_.filesIn(directoryOf(place.path))) {
      if (file.id != place.id) continue;
      // One of several hard links has the name that it had.
      if (!found || file.path == place.path) found = &file;
    }
    return found;
  }

  // Places whose file is not there any more.
  void noteMissing() {
    for (const Place& place : request_.from) {
      if (present_.contains(place.id) || isRotatedPlace(place)) continue;
      const FoundFile* compressed = nullptr;
      for (const FoundFile& file : directories_.filesIn(directoryOf(place.path))) {
        if (isRotatedName(nameOf(file.path), nameOf(place.path)) &&
            isCompressedName(nameOf(file.path))) {
          compressed = &file;
        }
      }
      if (compressed) {
        note(compressed->path, NoteKind::COMPRESSED,
             "a rotated " + nameOf(place.path) +
                 " is compressed; what was written to it behind byte " +
                 std::to_string(place.offset) + " is not read");
      } else {
        note(place.path, NoteKind::GONE,
             "is not in its directory any more; what was written to it behind byte " +
                 std::to_string(place.offset) + " is unknown");
      }
    }
  }

  // An old file that rotation removes at last has nothing new.
  bool isRotatedPlace(const Place& place) const {
    return std::any_of(request_.from.begin(), request_.from.end(), [&](const Place& other) {
      return directoryOf(other.path) == directoryOf(place.path) &&
             isRotatedName(nameOf(place.path), nameOf(other.path));
    });
  }

  // Says where a known file begins.
  void begin(Stretch& stretch) {
    auto known = from_.find(stretch.file.id);
    if (known == from_.end()) return;
    const Place& place = *known->second;
    if (holds(stretch.file, place)) {
      stretch.start = place;
      stretch.start.path = stretch.file.path;
      return;
    }
    emptied_.push_back(&place);
    note(stretch.file.path, NoteKind::TRUNCATED,
         "was emptied in place; it is read from its beginning");
  }

  // Says where a new file begins: at 0, unless it is the copy that was made of another one before
  // that was emptied, or any other copy.
  void beginNew(Stretch& stretch) {
    if (from_.contains(stretch.file.id)) return;
    for (const Place& place : request_.from) {
      if (place.tailBytes == 0 || place.offset > stretch.end) continue;
      if (directoryOf(place.path) != directoryOf(stretch.file.path)) continue;
      if (!isRotatedName(nameOf(stretch.file.path), nameOf(place.path))) continue;
      if (!holds(stretch.file, place)) continue;
      bool isEmptied = std::find(emptied_.begin(), emptied_.end(), &place) != emptied_.end();
      if (isEmptied) {
        stretch.start = place;
        stretch.start.path = stretch.file.path;
        stretch.start.id = stretch.file.id;
      } else {
        stretch.start.offset = stretch.end;
      }
      return;
    }
  }

  void note(const std::string& file, NoteKind kind, const std::string& text) {
    plan_.notes.push_back({file, kind, text});
  }

  const FilesRequest& request_;
  Directories directories_;
  std::map<FileId, const Place*> from_;
  std::set<FileId> present_;
  std::vector<const Place*> emptied_;
  SlicePlan plan_;
};

}  // namespace

// A file that is renamed while its directory is listed may have neither name in the list. It is not
// missing unless a second look misses it too.
SlicePlan planSlice(const FilesRequest& request) {
  SlicePlan plan = Planner(request).plan();
  bool misses = std::any_of(plan.notes.begin(), plan.notes.end(), [](const Note& note) {
    return note.kind == NoteKind::GONE || note.kind == NoteKind::COMPRESSED;
  });
  return misses ? Planner(request).plan() : plan;
}

Place placeAt(int fd, const FoundFile& file, uint64_t offset, uint64_t line) {
  Place place{file.path, file.id, offset, 0, 0, line};
  auto bytes = static_cast<uint32_t>(std::min<uint64_t>(offset, kTailBytesMax));
  if (fd < 0 || bytes == 0) return place;
  if (auto crc = tailAt(fd, offset, bytes)) {
    place.tailBytes = bytes;
    place.tailCrc32c = *crc;
  }
  return place;
}

int openLog(const std::string& path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  return fd < 0 ? -errno : fd;
}

}  // namespace nodeagent::logs
