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
};

}  // namespace nodeagent::logs
