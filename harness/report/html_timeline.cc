#include "harness/report/html_timeline.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "schema/support/base/text.h"

namespace harness::report {
namespace {

// Seven bits a byte, the lowest first; the highest bit says that more follow.
void appendNumber(std::string& column, uint64_t number) {
  while (number >= 0x80) {
    column.push_back(static_cast<char>((number & 0x7f) | 0x80));
    number >>= 7;
  }
  column.push_back(static_cast<char>(number));
}

// Small numbers of either sign become small ones without.
uint64_t folded(int64_t number) {
  return (static_cast<uint64_t>(number) << 1) ^ static_cast<uint64_t>(number >> 63);
}

}  // namespace

int HtmlTimeline::nodeOf(int run, const std::string& name) {
  auto [place, isNew] = nodePlaces_.try_emplace({run, name}, static_cast<int>(nodes_.size()));
  if (isNew) nodes_.push_back({.run = run, .name = name});
  return place->second;
}

uint32_t HtmlTimeline::laneOf(const Slice& slice) {
  auto [place, isNew] = lanePlaces_.try_emplace({slice.run, slice.group, slice.lane},
                                                static_cast<uint32_t>(lanes_.size()));
  if (isNew) lanes_.push_back({.run = slice.run, .group = slice.group, .name = slice.lane});
  return place->second;
}

uint32_t HtmlTimeline::textOf(std::string_view text) {
  std::string whole(support::beginningOf(text, kTextBytesMax));
  if (whole.size() < text.size()) whole += "\u2026";
  auto [place, isNew] = textPlaces_.try_emplace(whole, static_cast<uint32_t>(textLengths_.size()));
  if (isNew) {
    texts_ += whole;
    textLengths_.push_back(static_cast<uint32_t>(whole.size()));
  }
  return place->second;
}

void HtmlTimeline::add(const Slice& slice) {
  slices_.push_back({.begin = slice.begin,
                     .end = std::max(slice.begin, slice.end),
                     .text = textOf(slice.text),
                     .lane = laneOf(slice),
                     .test = slice.test,
                     .file = slice.file,
                     .item = slice.item,
                     .row = 0,
                     .state = slice.state});
}

// Groups come as the page shows them, run by run: tests, faults, nodes, and the others at the end.
void HtmlTimeline::sort() {
  std::vector<uint32_t> order(lanes_.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  auto keyOf = [this](uint32_t lane) {
    int group = lanes_[lane].group;
    int rank = group == kTests ? -2 : group == kFaults ? -1 : group == kOther ? INT32_MAX : group;
    return std::tuple(lanes_[lane].run, rank, lane);
  };
  std::sort(order.begin(), order.end(),
            [&](uint32_t one, uint32_t other) { return keyOf(one) < keyOf(other); });
  std::vector<uint32_t> ranks(lanes_.size());
  std::vector<Lane> sorted;
  for (uint32_t i = 0; i < order.size(); ++i) {
    ranks[order[i]] = i;
    sorted.push_back(lanes_[order[i]]);
  }
  lanes_ = std::move(sorted);
  for (Stored& slice : slices_) slice.lane = ranks[slice.lane];
}

void HtmlTimeline::placeInRows() {
  auto byTime = [](const Stored& one, const Stored& other) {
    return std::tuple(one.lane, one.begin, other.end) <
           std::tuple(other.lane, other.begin, one.end);
  };
  std::stable_sort(slices_.begin(), slices_.end(), byTime);
  std::array<int64_t, kRowsMax> ends{};
  for (size_t i = 0; i < slices_.size(); ++i) {
    Stored& slice = slices_[i];
    if (i == 0 || slices_[i - 1].lane != slice.lane) ends.fill(INT64_MIN);
    bool isInstant = slice.begin == slice.end;
    while (!isInstant && slice.row + 1 < kRowsMax && ends[slice.row] > slice.begin) ++slice.row;
    ends[slice.row] = std::max(ends[slice.row], slice.end);
  }
  std::stable_sort(slices_.begin(), slices_.end(), [](const Stored& one, const Stored& other) {
    return std::tuple(one.lane, one.row) < std::tuple(other.lane, other.row);
  });
}

Json HtmlTimeline::write(HtmlBlocks& blocks) {
  sort();
  placeInRows();
  Json tracks = Json::array();
  std::array<std::string, 7> columns;
  const Stored* last = nullptr;
  for (const Stored& slice : slices_) {
    if (last == nullptr || last->lane != slice.lane || last->row != slice.row) {
      const Lane& lane = lanes_[slice.lane];
      tracks.push_back({{"run", lane.run},
                        {"group", lane.group},
                        {"lane", lane.name},
                        {"row", slice.row},
                        {"count", 0}});
      last = nullptr;
    }
    tracks.back()["count"] = tracks.back()["count"].get<int64_t>() + 1;
    appendNumber(columns[0], folded(slice.begin - (last == nullptr ? 0 : last->begin)));
    appendNumber(columns[1], static_cast<uint64_t>(slice.end - slice.begin));
    appendNumber(columns[2], static_cast<uint64_t>(slice.state));
    appendNumber(columns[3], folded(int64_t{slice.text} - (last == nullptr ? 0 : last->text)));
    appendNumber(columns[4], folded(int64_t{slice.test} - (last == nullptr ? 0 : last->test)));
    appendNumber(columns[5], static_cast<uint64_t>(slice.file));
    appendNumber(columns[6], folded(int64_t{slice.item} - (last == nullptr ? 0 : last->item)));
    last = &slice;
  }
  Json head = {{"count", slices_.size()}, {"tracks", std::move(tracks)}};
  blocks.endBlockIfOver(1);
  for (const std::string& column : columns) head["columns"].push_back(toJson(blocks.add(column)));
  std::string lengths;
  for (uint32_t length : textLengths_) appendNumber(lengths, length);
  head["textCount"] = textLengths_.size();
  head["textLengths"] = toJson(blocks.add(lengths));
  head["texts"] = toJson(blocks.add(texts_));
  return head;
}

}  // namespace harness::report
