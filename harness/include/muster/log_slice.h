// Names logs of a node, and holds what was read of them: marks, lines, and what is missing. The
// calls are in log.h.
//
//   LogSlice slice = Log(node, "/var/log/kvd/*.log").since(mark);
//   EXPECT_TRUE(slice.isWhole()) << testing::PrintToString(slice);
//   for (const LogLine& line : slice.lines) std::cout << line.text << "\n";
//
// All of them are plain values, which need no cluster and ask no node. They do not follow a log: a
// slice is what there was when it was read.
//
// Things to get right:
//   * A mark belongs to one node and one source. Another node refuses it.
//   * Lines are bytes of the node. Print them by PrintTo, or make them printable first.
//   * Slices that follow each other have each line once. A line that was not finished at a mark
//     comes in two parts, one in each of them.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

namespace muster {

// Names files, units, the kernel's log or containers. A text alone is a pattern of paths.
class LogSource {
 public:
  enum class Kind { kFiles, kUnit, kKernel, kContainer };

  // Stand for the files of an absolute path, whose components may have *, ? and [...]. They are
  // looked for at each call, and rotated files of theirs belong to them: app.log.1, app.log-2026.
  LogSource(std::string pattern) : name_(std::move(pattern)) {}
  LogSource(const char* pattern) : name_(pattern) {}

  // Stands for the journal's entries of a unit, such as "sshd.service"; empty means all units. The
  // node needs systemd.
  static LogSource unit(std::string name) { return LogSource(Kind::kUnit, std::move(name)); }

  // Stands for the kernel's log. Containers and local nodes often cannot read it.
  static LogSource kernel() { return LogSource(Kind::kKernel, "kernel"); }

  // Stands for the output of a container of podman or docker, by its name or id. Lines are as the
  // log driver writes them: k8s-file and json-file put time and stream before the text. A container
  // that is made anew has a new log, which counts from its beginning.
  static LogSource container(std::string name) {
    return LogSource(Kind::kContainer, std::move(name));
  }

  Kind kind() const { return kind_; }

  // Returns the pattern, the unit or the container.
  const std::string& name() const { return name_; }

  bool operator==(const LogSource&) const = default;

 private:
  LogSource(Kind kind, std::string name) : kind_(kind), name_(std::move(name)) {}

  Kind kind_ = Kind::kFiles;
  std::string name_;
};

// Says how much of a source had been written on one node. It is a place, not a time: inodes with
// offsets, or the journal's cursor. The node keeps nothing of it, so it stays valid when the agent
// is restarted.
struct LogMark {
  // Say what it is a mark of.
  std::string node = {};
  LogSource source = "";

  // Is what the node said. It means nothing to others, and may be kept in a file.
  std::string bytes = {};
};

// One line, as the node has read it.
struct LogLine {
  std::string node = {};

  // Is the path that the file had when it was read, the unit, or "kernel".
  std::string file = {};

  // Is the line without its newline, as bytes.
  std::string text = {};

  // Counts the lines of the file since the mark, from 1. 0 means that it is not from a file.
  uint64_t number = 0;

  // Are the place of its first byte, and the file, whatever its name. Together with the node they
  // name the line.
  uint64_t offset = 0;
  uint64_t device = 0;
  uint64_t inode = 0;

  // A longer line than 64 KiB comes in parts: this is one, and the next line goes on with it.
  bool isCut = false;

  // The program had not written its newline when the slice ended.
  bool isUnfinished = false;
};

// Says that a slice may lack lines, and why: a file was emptied, removed or compressed meanwhile.
struct LogNote {
  std::string node = {};
  std::string file = {};
  std::string text = {};
};

// Everything that lies between two marks. A test that relies on a line not being there looks at
// isWhole() as well.
struct LogSlice {
  // In order within each file; rotated files come before those that have replaced them.
  std::vector<LogLine> lines = {};
  std::vector<LogNote> notes = {};

  // Is the mark where it ended: the next slice begins there.
  LogMark end = {};

  // Tells whether nothing is known to be missing.
  bool isWhole() const { return notes.empty(); }
};

// Print "files \"/var/log/x.log\"", the place and the text of a line, and all lines, for gtest.
// What is not printable becomes \xNN.
void PrintTo(const LogSource& source, std::ostream* out);
void PrintTo(const LogMark& mark, std::ostream* out);
void PrintTo(const LogLine& line, std::ostream* out);
void PrintTo(const LogNote& note, std::ostream* out);
void PrintTo(const LogSlice& slice, std::ostream* out);

}  // namespace muster
