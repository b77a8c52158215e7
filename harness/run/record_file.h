// Reads a file of records (docs/reference/records.md): its items, and whether it is whole. It reads
// whatever is there, also a file that was cut anywhere, and never throws because of its content.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <nlohmann/json.hpp>

#include "harness/run/record_line.h"

namespace harness::run {

using Json = nlohmann::json;

// Why an item is aborted whose writer was killed.
inline constexpr char kRecordEnds[] = "the record ends";

// A test, a command, a fault: what has a begin and an end.
struct Item {
  enum class State {
    // It was announced, and did not begin.
    kAnnounced,
    // It began, and has no end.
    kBegun,
    kEnded,
    kAborted,
  };

  static constexpr int64_t kNever = -1;

  std::string id = {};
  std::string kind = {};

  // The item that it belongs to, as a place in RecordFile::items(). -1: none.
  int in = -1;
  State state = State::kAnnounced;

  // Nanoseconds since the file's first line, or kNever. `over` is that of its end or abort.
  int64_t announcedAt = kNever;
  int64_t begunAt = kNever;
  int64_t overAt = kNever;

  // Why it was aborted, or has no end. Empty otherwise.
  std::string because = {};

  // The numbers of its lines in the file.
  std::vector<uint32_t> lines = {};

  // It began, and had no end or abort of its own.
  bool isCut = false;
};

class RecordFile {
 public:
  enum class Ending {
    // The writer has written its last line.
    kClosed,
    // The writer lives.
    kRunning,
    // The writer was killed. Items that were open have the state kAborted.
    kKilled,
  };

  // Throws SystemError if the file cannot be read.
  static RecordFile read(const std::string& path);

  // Reads the content of a file whose writer lives no longer.
  static RecordFile parse(std::string name, std::string content, Ending withoutClose);

  // Reads the first line alone, since a record may be long. An object without fields: there is no
  // such file, or its first line cannot be read.
  static Json headerOf(const std::string& path);

  // The file's name without .jsonl, which names the writer.
  const std::string& name() const { return name_; }

  // The first line. An object without fields: it cannot be read.
  const Json& header() const { return header_; }
  Ending ending() const { return ending_; }

  // In the order in which they were announced or begun.
  const std::vector<Item>& items() const { return items_; }

  // Returns the place of an item in items(); -1: there is none of that id.
  int find(const std::string& id) const;

  // Returns the fields of the lines that announced, began and ended an item, the later before the
  // earlier where both have a field.
  Json fields(const Item& item) const;

  // Returns the same fields as they stand in the file, which costs a small part of that. They are
  // good for as long as this file. They begin with those of the line itself: a verb, "n", "at",
  // "kind" and "in".
  RecordLine plainFields(const Item& item) const;

  // Returns the lines that add something to an item: those of this `what`, or all if it is empty.
  std::vector<Json> additions(const Item& item, std::string_view what = {}) const;

  // CLOCK_BOOTTIME and CLOCK_REALTIME of the first line in nanoseconds; 0: unknown.
  int64_t clock() const { return clock_; }
  int64_t wall() const { return wall_; }

  // The boot of the machine in which `clock` counts; empty: unknown.
  const std::string& boot() const { return boot_; }

  // Sentences about what is damaged. Empty: nothing is, up to the end of the file.
  const std::vector<std::string>& problems() const { return problems_; }

  // Says that its writer was killed, so that the end is missing. Empty: the record is closed, or
  // goes on.
  const std::string& cut() const { return cut_; }

 private:
  // `line` is memory that one line after the other is taken apart in.
  void take(std::string_view text, uint32_t number, RecordLine& line);
  void takeHeader(std::string_view text);
  void takeItem(const RecordLine& line, uint32_t number);
  Item* itemOf(const std::string& id, uint32_t number);
  void finish(Ending withoutClose);
  std::string_view lineAt(uint32_t number) const;

  std::string name_;
  std::string content_;
  // Where each line begins and ends in content_.
  std::vector<std::pair<size_t, size_t>> places_;
  Json header_ = Json::object();
  int64_t clock_ = 0;
  int64_t wall_ = 0;
  std::string boot_;
  Ending ending_ = Ending::kKilled;
  std::vector<Item> items_;
  std::unordered_map<std::string, int> byId_;
  std::vector<std::string> problems_;
  std::string cut_;
  int64_t expected_ = 0;
  bool isClosed_ = false;
};

// Tells whether another process is writing the record at this path: its writer has a lock on it for
// as long as it lives.
bool isBeingWritten(const std::string& path);

}  // namespace harness::run
