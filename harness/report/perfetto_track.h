// Writes the packets of a Perfetto trace: tracks, slices on them, instants, and clocks. What a run
// makes of them is perfetto.cc's.
//
// Slices of one track must lie inside each other or apart. Things that overlap by chance therefore
// get further tracks of the same name, which the viewer shows as one.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace harness::report {

// Clocks of a packet, as protos/perfetto/common/builtin_clock.proto numbers them. From
// kClockOfNodes on they are ours.
inline constexpr uint32_t kClockRealtime = 1;
inline constexpr uint32_t kClockBoottime = 6;
inline constexpr uint32_t kClockOfNodes = 128;

// Names and values that the viewer shows of an event.
using Annotations = std::vector<std::pair<std::string, std::string>>;

struct TraceSlice {
  // Nanoseconds on CLOCK_BOOTTIME.
  int64_t begin = 0;
  int64_t end = 0;
  std::string name = {};
  std::string category = {};
  Annotations annotations = {};
};

enum class Overlap {
  // A slice that lies inside another one is a part of it.
  kNests,
  // It only happens at the same time.
  kByChance,
};

class TraceWriter {
 public:
  // Returns the id of a new track; `parent` 0: it has none. Tracks stand in the order in which they
  // are made.
  uint64_t addTrack(const std::string& name, uint64_t parent = 0);

  // Adds slices in any order to a track, and to new ones of its name as far as they need some.
  void addSlices(uint64_t track, std::vector<TraceSlice> slices, Overlap overlap);

  // `clock` is the one of `time`.
  void addInstant(uint64_t track, int64_t time, uint32_t clock, const std::string& name,
                  const std::string& category, const Annotations& annotations = {});

  // Says what several clocks showed at one time.
  void addClocks(const std::vector<std::pair<uint32_t, int64_t>>& readings);

  std::string take() { return std::move(trace_); }

 private:
  struct Track {
    std::string name;
    uint64_t parent;
  };

  void addDescriptor(uint64_t track);
  void addLane(uint64_t track, const std::vector<const TraceSlice*>& slices);
  void addEvent(int64_t time, uint32_t clock, const std::string& event);
  void addPacket(const std::string& packet);

  std::string trace_;
  std::map<uint64_t, Track> tracks_;
};

}  // namespace harness::report
