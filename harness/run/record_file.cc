#include "harness/run/record_file.h"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "harness/os/error.h"
#include "harness/os/fd.h"
#include "harness/os/files.h"
#include "harness/run/fields.h"
#include "schema/support/base/text.h"

namespace harness::run {
namespace {

// A file that is damaged everywhere tells so in few sentences.
constexpr size_t kProblemsMax = 20;

// A first line has no texts of tests or nodes.
constexpr size_t kHeaderBytesMax = 64 << 10;

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

Json RecordFile::headerOf(const std::string& path) {
  std::string line(kHeaderBytesMax, '\0');
  std::ifstream stream(path, std::ios::binary);
  stream.read(line.data(), static_cast<std::streamsize>(line.size()));
  line.resize(std::min(static_cast<size_t>(stream.gcount()), line.find('\n')));
  Json header = Json::parse(line, nullptr, false);
  return header.is_object() ? header : Json::object();
}

RecordFile RecordFile::parse(std::string name, std::string content, Ending withoutClose) {
  RecordFile file;
  file.name_ = std::move(name);
  file.content_ = std::move(content);
  std::string_view all = file.content_;
  RecordLine line;
  size_t begin = 0;
  for (size_t end; (end = all.find('\n', begin)) != std::string_view::npos; begin = end + 1) {
    file.places_.emplace_back(begin, end);
    file.take(all.substr(begin, end - begin), static_cast<uint32_t>(file.places_.size() - 1), line);
  }
  file.finish(withoutClose);
  return file;
}

void RecordFile::take(std::string_view text, uint32_t number, RecordLine& line) {
  line.clear();
  // A writer whose line was torn by a full disk begins anew on the next one.
  if (!line.add(text)) {
    problems_.push_back("line " + std::to_string(number + 1) + " cannot be read");
    return;
  }
  int64_t own = line.number("n").value_or(-1);
  if (own != expected_) {
    problems_.push_back("line " + std::to_string(number + 1) + " has the number " +
                        std::to_string(own) + ", and should have " + std::to_string(expected_));
  }
  expected_ = std::max(own, expected_) + 1;
  if (number == 0) {
    takeHeader(text);
  } else if (line.has("close")) {
    isClosed_ = true;
    int64_t lost = line.number("lost").value_or(0);
    if (lost > 0) problems_.push_back(std::to_string(lost) + " lines could not be written");
  } else {
    takeItem(line, number);
  }
}

void RecordFile::takeHeader(std::string_view text) {
  header_ = Json::parse(text, nullptr, false);
  if (!header_.is_object()) header_ = Json::object();
  clock_ = numberOf<int64_t>(header_, "clock", 0);
  wall_ = numberOf<int64_t>(header_, "wall", 0);
  boot_ = textOf(header_, "boot");
  if (numberOf<int64_t>(header_, "records", 0) != 1) {
    problems_.push_back("the first line names no version of the format that is known here (1)");
  }
}

Item* RecordFile::itemOf(const std::string& id, uint32_t number) {
  int place = find(id);
  if (place >= 0) return &items_[static_cast<size_t>(place)];
  problems_.push_back("line " + std::to_string(number + 1) + " is about item " +
                      support::printable(id) + ", which was not announced");
  return nullptr;
}

void RecordFile::takeItem(const RecordLine& line, uint32_t number) {
  const char* verb = nullptr;
  for (const char* each : kVerbs) {
    if (line.has(each)) verb = each;
  }
  if (verb == nullptr) {
    problems_.push_back("line " + std::to_string(number + 1) + " has no verb");
    return;
  }
  std::string id = line.text(verb);
  std::string_view word = verb;
  int64_t at = line.number("at").value_or(0);
  if (line.has("kind") && find(id) < 0) {
    Item item;
    item.id = id;
    item.kind = line.text("kind");
    item.in = find(line.text("in"));
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
    item->because = line.text("because");
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

std::string_view RecordFile::lineAt(uint32_t number) const {
  auto [begin, end] = places_[number];
  return std::string_view(content_).substr(begin, end - begin);
}

Json RecordFile::fields(const Item& item) const {
  Json all = Json::object();
  for (uint32_t number : item.lines) {
    Json line = Json::parse(lineAt(number), nullptr, false);
    if (!line.is_object() || line.contains("add")) continue;
    all.update(line);
  }
  for (const char* verb : kVerbs) all.erase(verb);
  for (const char* field : {"n", "at", "kind", "in"}) all.erase(field);
  return all;
}

RecordLine RecordFile::plainFields(const Item& item) const {
  RecordLine all;
  RecordLine line;
  for (uint32_t number : item.lines) {
    line.clear();
    if (line.add(lineAt(number)) && !line.has("add")) all.add(lineAt(number));
  }
  return all;
}

// A test may have thousands of additions, and few are of one `what`.
std::vector<Json> RecordFile::additions(const Item& item, std::string_view what) const {
  std::vector<Json> found;
  RecordLine line;
  for (uint32_t number : item.lines) {
    line.clear();
    if (!line.add(lineAt(number)) || !line.has("add")) continue;
    if (!what.empty() && line.text("what") != what) continue;
    found.push_back(Json::parse(lineAt(number), nullptr, false));
  }
  return found;
}

}  // namespace harness::run
