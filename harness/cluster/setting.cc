#include "harness/cluster/setting.h"

#include <algorithm>

#include "schema/support/base/suggestion.h"
#include "schema/support/base/text.h"

namespace harness {

Setting::Setting(std::string name, std::string text)
    : Setting(std::move(name), std::move(text), Place()) {}

Setting::Setting(std::string name, std::string text, Place place)
    : kind_(Kind::kText),
      name_(std::move(name)),
      place_(std::move(place)),
      text_(std::move(text)) {}

Setting::Setting(std::string name, const std::vector<std::string>& texts)
    : kind_(Kind::kList), name_(std::move(name)) {
  for (const std::string& text : texts) items_.emplace_back(name_, text);
}

Setting Setting::list(std::string name, std::vector<Setting> items, Place place) {
  Setting setting = nothing(std::move(name), std::move(place));
  setting.kind_ = Kind::kList;
  setting.items_ = std::move(items);
  return setting;
}

Setting Setting::map(std::string name, std::vector<Setting> keys, std::vector<Setting> values,
                     Place place) {
  Setting setting = nothing(std::move(name), std::move(place));
  setting.kind_ = Kind::kMap;
  setting.keys_ = std::move(keys);
  setting.items_ = std::move(values);
  return setting;
}

Setting Setting::nothing(std::string name, Place place) {
  Setting setting;
  setting.name_ = std::move(name);
  setting.place_ = std::move(place);
  return setting;
}

Setting Setting::withText(std::string text) const {
  return Setting(name_, std::move(text), place_);
}

void Setting::fail(const std::string& reason) const {
  if (place_.file.empty()) throw ClusterFileError(reason);
  throw ClusterFileError(place_.file + ":" + std::to_string(place_.line) + ":" +
                         std::to_string(place_.column) + ": " + reason);
}

void Setting::failAt(size_t position, const std::string& reason) const {
  Setting inside = *this;
  inside.place_.column += place_.quote + position;
  inside.fail(reason);
}

void Setting::expect(Kind kind) const {
  if (kind_ == kind) return;
  auto word = [this](Kind of) -> std::string {
    switch (of) {
      case Kind::kText:
        return kind_ == Kind::kText ? "\"" + text_ + "\"" : "text";
      case Kind::kList:
        return "a list";
      case Kind::kMap:
        return "a map";
      case Kind::kNothing:
        break;
    }
    return "nothing";
  };
  fail(name_ + ": expected " + word(kind) + " and found " + word(kind_));
}

const std::string& Setting::text() const {
  expect(Kind::kText);
  if (text_.empty()) fail(name_ + ": expected text and found none");
  return text_;
}

std::vector<std::string> Setting::texts() const {
  std::vector<std::string> all;
  for (const Setting& item : items()) all.push_back(item.text());
  return all;
}

size_t Setting::word(const std::vector<std::string>& words) const {
  auto found = std::find(words.begin(), words.end(), text());
  if (found == words.end()) {
    fail(name_ + ": there is no \"" + text_ + "\"" + support::suggestion(text_, words));
  }
  return static_cast<size_t>(found - words.begin());
}

void Setting::expectUtf8() const {
  switch (kind_) {
    case Kind::kText:
      if (support::isUtf8(text_)) return;
      fail(name_ + ": \"" + support::escaped(text_) + "\" is not UTF-8");
    case Kind::kList:
      for (const Setting& item : items_) item.expectUtf8();
      return;
    case Kind::kMap:
      for (const Setting& value : items_) value.expectUtf8();
      return;
    case Kind::kNothing:
      return;
  }
}

const std::vector<Setting>& Setting::items() const {
  expect(Kind::kList);
  return items_;
}

const std::vector<Setting>& Setting::keys() const {
  expect(Kind::kMap);
  return keys_;
}

const std::vector<Setting>& Setting::values() const {
  expect(Kind::kMap);
  return items_;
}

void Setting::expectKeys(const std::vector<std::string>& known) const {
  for (const Setting& key : keys()) {
    if (std::find(known.begin(), known.end(), key.text()) != known.end()) continue;
    key.fail("unknown key \"" + key.text() + "\"" + support::suggestion(key.text(), known));
  }
}

const Setting* Setting::find(const std::string& key) const {
  for (size_t i = 0; i < keys().size(); ++i) {
    if (keys_[i].text_ == key) return &items_[i];
  }
  return nullptr;
}

}  // namespace harness
