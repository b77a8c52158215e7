// The values of this room: marks, lines and notes, as schema/log.capnp describes them. Nothing here
// reads a log.
#pragma once

#include <stdint.h>

#include <optional>
#include <string>
#include <vector>

#include "schema/log.capnp.h"

namespace nodeagent::logs {

// A part of this length of a longer line is a line.
constexpr size_t kLineBytesMax = 64 << 10;

struct FileId {
  uint64_t device = 0;
  uint64_t inode = 0;
  // 0: the file system does not tell.
  int64_t bornNs = 0;

  auto operator<=>(const FileId&) const = default;
};

// How far one file is known.
struct Place {
  std::string path;
  FileId id;
  uint64_t offset = 0;
  // The check sum of the bytes right before `offset`.
  uint32_t tailBytes = 0;
  uint32_t tailCrc32c = 0;
  // The lines that have been read since the first mark.
  uint64_t line = 0;
};

struct Mark {
  enum class Kind { kUnspecified, kFiles, kJournal, kKernel };
  Kind kind = Kind::kUnspecified;
  std::vector<Place> files;
  std::string cursor;
  uint64_t kernel = 0;
  std::string bootId;
};

struct Line {
  std::string file;
  std::string text;
  uint64_t number = 0;
  uint64_t offset = 0;
  FileId id;
  bool isCut = false;
  bool isUnfinished = false;
};

struct Note {
  std::string file;
  wire::LogNote::Kind kind = wire::LogNote::Kind::UNSPECIFIED;
  std::string text;

  bool operator==(const Note&) const = default;
};

// A part of a slice.
struct Part {
  std::vector<Line> lines;
  std::vector<Note> notes;
  Mark next;
  // There is more behind `next`.
  bool hasMore = false;
};

// Bounds one part.
struct PartLimits {
  size_t linesMax = 10'000;
  size_t bytesMax = 1 << 20;
  // Counts the bytes of files, whether lines match or not.
  uint64_t scannedMax = 16 << 20;
  // Counts lines as they are in a message, with the paths of their files. A message has to fit into
  // a frame (support::kFrameBytesMax) together with the next mark and the notes.
  size_t messageBytesMax = 2 << 20;
};

// The next mark and the notes of a part have at most these bytes in a message, with those of the
// lines less than a frame has.
constexpr size_t kMarkBytesMax = 1 << 20;
constexpr size_t kNotesMax = 64;

// Counts what the lines of a part have of its limits.
class PartSize {
 public:
  explicit PartSize(const PartLimits& limits) : limits_(limits) {}

  void add(const Line& line) {
    ++lines_;
    bytes_ += line.text.size();
    messageBytes_ += line.text.size() + line.file.size() + kLineBytes;
  }

  // Tells whether no line is to be added any more.
  bool isFull() const {
    return lines_ >= limits_.linesMax || bytes_ >= limits_.bytesMax || fillsMessage();
  }

  // Tells whether the message has no space for a line, although it may for the limits.
  bool fillsMessage() const { return messageBytes_ >= limits_.messageBytesMax; }

 private:
  // What a line takes beside its text and path.
  static constexpr size_t kLineBytes = 72;

  PartLimits limits_;
  size_t lines_ = 0;
  size_t bytes_ = 0;
  size_t messageBytes_ = 0;
};

}  // namespace nodeagent::logs
