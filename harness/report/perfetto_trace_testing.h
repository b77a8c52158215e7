// Reads a Perfetto trace again, for tests: its tracks, slices, instants and clocks, as a viewer
// would. It refuses what is no protobuf, and slices that do not close.
#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace harness::report {

// One protobuf message: its fields by number, in their order.
class DecodedMessage {
 public:
  explicit DecodedMessage(std::string_view bytes) {
    while (!bytes.empty()) {
      uint64_t key = varint(bytes);
      uint32_t field = static_cast<uint32_t>(key >> 3);
      if ((key & 7) == 0) {
        numbers_[field].push_back(varint(bytes));
      } else if ((key & 7) == 2) {
        uint64_t size = varint(bytes);
        if (size > bytes.size()) throw std::runtime_error("a field is cut");
        texts_[field].emplace_back(bytes.substr(0, size));
        bytes.remove_prefix(size);
      } else {
        throw std::runtime_error("a field of an unexpected type");
      }
    }
  }

  uint64_t number(uint32_t field) const {
    auto found = numbers_.find(field);
    return found == numbers_.end() ? 0 : found->second.back();
  }
  std::string text(uint32_t field) const {
    auto found = texts_.find(field);
    return found == texts_.end() ? "" : found->second.back();
  }
  const std::vector<std::string>& texts(uint32_t field) { return texts_[field]; }
  bool has(uint32_t field) const { return texts_.count(field) != 0; }

 private:
  static uint64_t varint(std::string_view& bytes) {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (bytes.empty()) throw std::runtime_error("a number is cut");
      auto byte = static_cast<unsigned char>(bytes.front());
      bytes.remove_prefix(1);
      value |= uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return value;
    }
    throw std::runtime_error("a number is too long");
  }

  std::map<uint32_t, std::vector<uint64_t>> numbers_;
  std::map<uint32_t, std::vector<std::string>> texts_;
};

struct DecodedTrace {
  struct Event {
    // The names of its track and those above, as "run r/node server1/commands".
    std::string track;
    uint64_t lane = 0;
    std::string name;
    std::string category;
    uint64_t begin = 0;
    uint64_t end = 0;
    uint64_t clock = 0;
    std::map<std::string, std::string> annotations;
  };

  explicit DecodedTrace(const std::string& bytes) {
    DecodedMessage trace(bytes);
    for (const std::string& packet : trace.texts(1)) take(DecodedMessage(packet));
    for (const auto& [track, open] : open_) {
      if (!open.empty()) throw std::runtime_error("a slice has no end");
    }
  }

  // Null: there is none of this name.
  const Event* find(const std::string& name) const {
    for (const Event& event : events) {
      if (event.name == name) return &event;
    }
    return nullptr;
  }

  std::vector<Event> events;
  // For each snapshot, the clocks and what they showed.
  std::vector<std::map<uint64_t, uint64_t>> clocks;

 private:
  void take(DecodedMessage packet) {
    if (packet.number(10) != 1) throw std::runtime_error("a packet of no sequence");
    if (packet.has(60)) takeTrack(DecodedMessage(packet.text(60)));
    if (packet.has(6)) takeClocks(DecodedMessage(packet.text(6)));
    if (packet.has(11)) takeEvent(packet, DecodedMessage(packet.text(11)));
  }

  void takeTrack(const DecodedMessage& track) {
    uint64_t parent = track.number(5);
    if (parent != 0 && names_.count(parent) == 0) throw std::runtime_error("no parent");
    names_[track.number(1)] = (parent == 0 ? "" : names_[parent] + "/") + track.text(2);
  }

  void takeClocks(DecodedMessage snapshot) {
    std::map<uint64_t, uint64_t> readings;
    for (const std::string& one : snapshot.texts(1)) {
      DecodedMessage clock(one);
      readings[clock.number(1)] = clock.number(2);
    }
    clocks.push_back(readings);
  }

  void takeEvent(const DecodedMessage& packet, DecodedMessage event) {
    uint64_t track = event.number(11);
    if (names_.count(track) == 0) throw std::runtime_error("an event of no track");
    uint64_t time = packet.number(8);
    if (event.number(9) == 2) {
      std::vector<size_t>& open = open_[track];
      if (open.empty()) throw std::runtime_error("an end without a begin");
      events[open.back()].end = time;
      open.pop_back();
      return;
    }
    std::vector<size_t>& open = open_[track];
    if (event.number(9) == 1) open.push_back(events.size());
    Event made{.track = names_[track],
               .lane = track,
               .name = event.text(23),
               .category = event.text(22),
               .begin = time,
               .clock = packet.number(58)};
    for (const std::string& one : event.texts(4)) {
      DecodedMessage annotation(one);
      made.annotations[annotation.text(10)] = annotation.text(6);
    }
    events.push_back(made);
  }

  std::map<uint64_t, std::string> names_;
  // The places in `events` of what is open on each track.
  std::map<uint64_t, std::vector<size_t>> open_;
};

}  // namespace harness::report
