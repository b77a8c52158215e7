// Gathers what the timeline of the HTML report shows: intervals and instants in lanes. It writes
// them by columns, in which equal and growing numbers need few bytes (page/slices.js reads them).
// It draws nothing.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "harness/report/fields.h"
#include "harness/report/html_blocks.h"

namespace harness::report {

// Where a run stands in a report of several.
struct HtmlRunPlace {
  int run = 0;

  // How many files of records the runs before it have: the page numbers the files of all runs.
  int fileBase = 0;

  // Nanoseconds from its begin to its end.
  int64_t length = 0;
};

// How it stands with an interval. The page gives each a colour and a word.
enum class SliceState : uint8_t {
  kPlain = 0,
  kFailed = 1,
  // It has no end of its own.
  kCut = 2,
  kRunning = 3,
  // A command that ended with another status than 0, which may be what its test wants.
  kNonZero = 4,
  kWarning = 5,
  // The outcome of a test is added to it.
  kOutcome = 16,
};

struct Slice {
  // The place of its run in the report.
  int run = 0;

  // The node that it belongs to, or one of HtmlTimeline's groups.
  int group = 0;

  // The lane within the group: "commands".
  std::string lane = {};

  // Nanoseconds since its run's begin. Equal ones: an instant.
  int64_t begin = 0;
  int64_t end = 0;
  SliceState state = SliceState::kPlain;
  std::string text = {};

  // The place of its test in the report; -1: none.
  int test = -1;

  // Its record: places among the files of all runs, and in RecordFile::items.
  int file = 0;
  int item = 0;
};

class HtmlTimeline {
 public:
  // Groups that are none of a node.
  static constexpr int kTests = -1;
  static constexpr int kFaults = -2;
  static constexpr int kOther = -3;

  // Longer texts are cut in the timeline. The page of the test has them whole.
  static constexpr size_t kTextBytesMax = 160;

  // Intervals that overlap have rows of their own in a lane, up to this number. Beyond it they
  // share the last one.
  static constexpr int kRowsMax = 8;

  // A node of a run. Those of other runs are other nodes, whatever their names are.
  struct Node {
    int run = 0;
    std::string name = {};
  };

  // Returns the place of a node, which is a new one if the run has none of this name yet.
  int nodeOf(int run, const std::string& name);
  const std::vector<Node>& nodes() const { return nodes_; }

  void add(const Slice& slice);

  size_t size() const { return slices_.size(); }

  // Adds the columns and the texts to the blocks, and returns what the page needs to read them.
  Json write(HtmlBlocks& blocks);

 private:
  struct Stored {
    int64_t begin;
    int64_t end;
    uint32_t text;
    uint32_t lane;
    int32_t test;
    int32_t file;
    int32_t item;
    uint16_t row;
    SliceState state;
  };

  struct Lane {
    int run = 0;
    int group = 0;
    std::string name = {};
  };

  uint32_t laneOf(const Slice& slice);
  uint32_t textOf(std::string_view text);
  void sort();
  void placeInRows();

  std::vector<Node> nodes_;
  std::map<std::pair<int, std::string>, int> nodePlaces_;
  std::vector<Lane> lanes_;
  std::map<std::tuple<int, int, std::string>, uint32_t> lanePlaces_;
  std::string texts_;
  std::vector<uint32_t> textLengths_;
  std::unordered_map<std::string, uint32_t> textPlaces_;
  std::vector<Stored> slices_;
};

}  // namespace harness::report
