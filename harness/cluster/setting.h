// A setting is a value of a cluster file that only the cluster's provisioner understands, with its
// place in the file. No YAML is seen here.
#pragma once

#include <cstddef>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace harness {

// An error in a cluster file. Its text is "FILE:LINE:COLUMN: ", the mistake, and how it would be
// right; the place is missing where a program made the plan.
class ClusterFileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A text, a list or a map. The accessors throw ClusterFileError with the place for a value of
// another type: a setting that a kind has read once is a checked one.
class Setting {
 public:
  enum class Kind { kNothing, kText, kList, kMap };

  // `line` and `column` count from 1. An empty file: a program made the value.
  struct Place {
    std::string file;
    size_t line = 0;
    size_t column = 0;
    // 1 if a quote precedes the text there.
    size_t quote = 0;
  };

  Setting() = default;

  // `name` is that of the key, for texts.
  Setting(std::string name, std::string text);
  Setting(std::string name, std::string text, Place place);
  Setting(std::string name, const std::vector<std::string>& texts);
  static Setting list(std::string name, std::vector<Setting> items, Place place);
  // `keys` and `values` are of one length.
  static Setting map(std::string name, std::vector<Setting> keys, std::vector<Setting> values,
                     Place place);
  static Setting nothing(std::string name, Place place);

  // Returns a setting of another text at the same place, such as its meaning for one of several
  // nodes.
  Setting withText(std::string text) const;

  Kind kind() const { return kind_; }
  const std::string& name() const { return name_; }
  const Place& place() const { return place_; }

  // Throws ClusterFileError.
  [[noreturn]] void fail(const std::string& reason) const;
  // Throws it with the place of the character `position` of the text.
  [[noreturn]] void failAt(size_t position, const std::string& reason) const;

  // Returns the text, which is not empty.
  const std::string& text() const;
  // Returns the items of a list of texts, each not empty.
  std::vector<std::string> texts() const;
  // Fails unless each text in it is UTF-8, since a cluster's description is JSON.
  void expectUtf8() const;
  // Returns the index of the text in `words`, which must hold it.
  size_t word(const std::vector<std::string>& words) const;

  const std::vector<Setting>& items() const;
  // Keys and values of a map stand in the order of the file; no key is there twice.
  const std::vector<Setting>& keys() const;
  const std::vector<Setting>& values() const;
  // Fails unless it is a map whose keys are all in `known`.
  void expectKeys(const std::vector<std::string>& known) const;
  // Returns the value of a key of a map; null if it is not there.
  const Setting* find(const std::string& key) const;

 private:
  void expect(Kind kind) const;

  Kind kind_ = Kind::kNothing;
  std::string name_;
  Place place_;
  std::string text_;
  std::vector<Setting> keys_;
  // Items of a list, values of a map.
  std::vector<Setting> items_;
};

// By key.
using Settings = std::map<std::string, Setting>;

}  // namespace harness
