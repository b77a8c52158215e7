#include "harness/run/record_file.h"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>

#include "harness/os/error.h"
#include "harness/os/fd.h"
#include "harness/os/files.h"
#include "harness/run/fields.h"
#include "schema/support/base/text.h"

namespace harness::run {
namespace {

// A file that is damaged everywhere tells so in few sentences.
constexpr size_t kProblemsMax = 20;

constexpr const char* kVerbs[] = {"announce", "begin", "add", "end", "abort"};

}  // namespace

bool isBeingWritten(const std::string& path) {
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  return file && ::fcntl(file.get(), F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
}

// The lock is looked at first: a writer that closes its file in between has written its last line.
RecordFile RecordFile::read(const std::string& path) {
  Ending withoutClose = isBeingWritten(path) ? Ending::kRunning : Ending::kKilled;
  return parse(std::filesystem::path(path).stem(), readFile(path), withoutClose);
}

RecordFile RecordFile::parse(std::string name, std::string content, Ending withoutClose) {
  RecordFile file;
  file.name_ = std::move(name);
  file.content_ = std::move(content);
  std::string_view all = file.content_;
  size_t begin = 0;
  for (size_t end; (end = all.find('\n', begin)) != std::string_view::npos; begin = end + 1) {
    file.places_.emplace_back(begin, end);
    file.take(all.substr(begin, end - begin), static_cast<uint32_t>(file.places_.size() - 1));
  }
  file.finish(withoutClose);
  return file;
}

void RecordFile::take(std::string_view text, uint32_t number) {
  // A writer whose line was torn by a full disk begins anew on the next one.
  Json line = Json::parse(text, nullptr, false);
  if (!line.is_object()) {
    problems_.push_back("line " + std::to_string(number + 1) + " cannot be read");
    return;
  }
  int64_t own = numberOf<int64_t>(line, "n", -1);
  if (own != expected_) {
    problems_.push_back("line " + std::to_string(number + 1) + " has the number " +
                        std::to_string(own) + ", and should have " + std::to_string(expected_));
  }
  expected_ = std::max(own, expected_) + 1;
  if (number == 0) {
    header_ = std::move(line);
    if (numberOf<int64_t>(header_, "records", 0) != 1) {
      problems_.push_back("the first line names no version of the format that is known here (1)");
    }
    return;
  }
  if (line.contains("close")) {
    isClosed_ = true;
    int64_t lost = numberOf<int64_t>(line, "lost", 0);
    if (lost > 0) problems_.push_back(std::to_string(lost) + " lines could not be written");
    return;
  }
  takeItem(line, number);
}

Item* RecordFile::itemOf(const std::string& id, uint32_t number) {
  int place = find(id);
  if (place >= 0) return &items_[static_cast<size_t>(place)];
  problems_.push_back("line " + std::to_string(number + 1) + " is about item " +
                      support::printable(id) + ", which was not announced");
  return nullptr;
}

void RecordFile::takeItem(const Json& line, uint32_t number) {
  const char* verb = nullptr;
  for (const char* each : kVerbs) {
    if (line.contains(each)) verb = each;
  }
  if (verb == nullptr) {
    problems_.push_back("line " + std::to_string(number + 1) + " has no verb");
    return;
  }
  std::string id = textOf(line, verb);
  std::string_view word = verb;
  int64_t at = numberOf<int64_t>(line, "at", 0);
  if (line.contains("kind") && find(id) < 0) {
    Item item;
    item.id = id;
    item.kind = textOf(line, "kind");
    item.in = find(textOf(line, "in"));
    byId_.emplace(id, static_cast<int>(items_.size()));
    items_.push_back(std::move(item));
  }
  Item* item = itemOf(id, number);
  if (item == nullptr) return;
  item->lines.push_back(number);
  if (word == "announce") item->announcedAt = at;
  if (word == "begin") {
    item->begunAt = at;
    item->state = Item::State::kBegun;
  }
  if (word == "end") {
    item->overAt = at;
    item->state = Item::State::kEnded;
  }
  if (word == "abort") {
    item->overAt = at;
    item->state = Item::State::kAborted;
    item->because = textOf(line, "because");
  }
}

void RecordFile::finish(Ending withoutClose) {
  bool isCut = !places_.empty() && places_.back().second + 1 < content_.size();
  if (places_.empty()) isCut = !content_.empty();
  ending_ = isClosed_ ? Ending::kClosed : withoutClose;
  if (header_.empty()) problems_.push_back("there is no first line");
  if (ending_ == Ending::kKilled) {
    cut_ = std::string("the record ends: its writer was killed") +
           (isCut ? "; the last line was cut" : "");
  }
  for (Item& item : items_) {
    bool isOpen = item.state == Item::State::kAnnounced || item.state == Item::State::kBegun;
    if (!isOpen || ending_ == Ending::kRunning) continue;
    item.isCut = item.state == Item::State::kBegun;
    item.state = Item::State::kAborted;
    item.because = kRecordEnds;
    if (ending_ == Ending::kClosed) {
      problems_.push_back("item " + support::printable(item.id) + " has neither end nor abort");
    }
  }
  if (problems_.size() > kProblemsMax) {
    size_t more = problems_.size() - kProblemsMax;
    problems_.resize(kProblemsMax);
    problems_.push_back("and " + std::to_string(more) + " more like these");
  }
}

int RecordFile::find(const std::string& id) const {
  auto found = byId_.find(id);
  return found == byId_.end() ? -1 : found->second;
}

Json RecordFile::lineAt(uint32_t number) const {
  auto [begin, end] = places_[number];
  Json line = Json::parse(std::string_view(content_).substr(begin, end - begin), nullptr, false);
  return line.is_object() ? line : Json::object();
}

Json RecordFile::fields(const Item& item) const {
  Json all = Json::object();
  for (uint32_t number : item.lines) {
    Json line = lineAt(number);
    if (line.contains("add")) continue;
    all.update(line);
  }
  for (const char* verb : kVerbs) all.erase(verb);
  for (const char* field : {"n", "at", "kind", "in"}) all.erase(field);
  return all;
}

std::vector<Json> RecordFile::additions(const Item& item, std::string_view what) const {
  std::vector<Json> found;
  for (uint32_t number : item.lines) {
    Json line = lineAt(number);
    if (!line.contains("add")) continue;
    if (what.empty() || textOf(line, "what") == what) found.push_back(std::move(line));
  }
  return found;
}

int64_t RecordFile::clock() const {
  return numberOf<int64_t>(header_, "clock", 0);
}

int64_t RecordFile::wall() const {
  return numberOf<int64_t>(header_, "wall", 0);
}

}  // namespace harness::run
