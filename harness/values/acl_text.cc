#include "harness/values/acl_text.h"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>
#include <vector>

#include "harness/values/failure_text.h"

namespace harness {
namespace {

// The numbers are those of linux/posix_acl_xattr.h.
constexpr uint32_t kVersion = 2;
constexpr uint32_t kNoId = UINT32_MAX;
constexpr size_t kHeaderBytes = 4;
constexpr size_t kEntryBytes = 8;

// More entries do not fit into an attribute.
constexpr size_t kEntriesMax = 8191;
constexpr size_t kTextBytesMax = 1 << 20;

// The tags are those of linux/posix_acl.h, in the order of a list.
enum Tag : uint16_t {
  kOwner = 0x01,
  kUser = 0x02,
  kOwningGroup = 0x04,
  kGroup = 0x08,
  kMask = 0x10,
  kOther = 0x20,
};

struct AclEntry {
  uint16_t tag = 0;
  uint16_t rights = 0;
  uint32_t id = kNoId;

  bool isNamed() const { return tag == kUser || tag == kGroup; }
  auto place() const { return std::tuple(tag, id); }
};

[[noreturn]] void refuse(const std::string& entry, const std::string& problem) {
  throw AclError("access control list: entry " + inQuotes(entry) + ": " + problem);
}

std::string trimmed(const std::string& text) {
  size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

std::vector<std::string> split(const std::string& text, const char* separators) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = std::min(text.find_first_of(separators, begin), text.size());
    parts.push_back(trimmed(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return parts;
}

uint16_t rightsOf(const std::string& entry, const std::string& text) {
  if (text.size() == 1 && text[0] >= '0' && text[0] <= '7') {
    return static_cast<uint16_t>(text[0] - '0');
  }
  uint16_t rights = 0;
  bool isRight = !text.empty() && text.size() <= 3;
  for (char c : text) {
    uint16_t right = c == 'r' ? 4 : c == 'w' ? 2 : c == 'x' ? 1 : 0;
    isRight = isRight && (c == '-' || (right != 0 && (rights & right) == 0));
    rights = static_cast<uint16_t>(rights | right);
  }
  if (!isRight) refuse(entry, inQuotes(text) + " are no rights, such as rw-, r-x or 6");
  return rights;
}

uint32_t idOf(const std::string& entry, const std::string& name,
              const std::function<uint32_t(const std::string&)>& look) {
  if (name.find_first_not_of("0123456789") != std::string::npos) return look(name);
  uint64_t id = name.size() > 10 ? kNoId : std::stoull(name);
  if (id >= kNoId) refuse(entry, name + " is no id, which is less than 4294967295");
  return static_cast<uint32_t>(id);
}

AclEntry entryOf(const std::string& text, const AclNames& names) {
  std::vector<std::string> parts = split(text, ":");
  // "m:rw-" and "o:r--" are short for those with an empty name.
  bool isShort =
      parts.size() == 2 && !parts[0].empty() && (parts[0][0] == 'm' || parts[0][0] == 'o');
  if (isShort) parts.insert(parts.begin() + 1, "");
  if (parts.size() != 3) refuse(text, "is not TYPE:NAME:RIGHTS, such as u:alice:rw- or g::r--");
  const auto& [type, name, rights] = std::tie(parts[0], parts[1], parts[2]);
  AclEntry entry;
  entry.rights = rightsOf(text, rights);
  if (type == "u" || type == "user") {
    entry.tag = name.empty() ? kOwner : kUser;
    if (!name.empty()) entry.id = idOf(text, name, names.user);
  } else if (type == "g" || type == "group") {
    entry.tag = name.empty() ? kOwningGroup : kGroup;
    if (!name.empty()) entry.id = idOf(text, name, names.group);
  } else if (type == "m" || type == "mask" || type == "o" || type == "other") {
    if (!name.empty()) refuse(text, "mask and others have no name");
    entry.tag = type[0] == 'm' ? kMask : kOther;
  } else {
    refuse(text, inQuotes(type) + " is none of u, g, m and o");
  }
  return entry;
}

bool has(const std::vector<AclEntry>& entries, uint16_t tag) {
  return std::any_of(entries.begin(), entries.end(),
                     [&](const AclEntry& entry) { return entry.tag == tag; });
}

// Adds the mask that a list with names must have.
void completeMask(std::vector<AclEntry>& entries) {
  bool needsOne = has(entries, kUser) || has(entries, kGroup);
  if (!needsOne || has(entries, kMask)) return;
  AclEntry mask{kMask, 0, kNoId};
  for (const AclEntry& entry : entries) {
    if (!entry.isNamed() && entry.tag != kOwningGroup) continue;
    mask.rights = static_cast<uint16_t>(mask.rights | entry.rights);
  }
  entries.push_back(mask);
}

void append(std::string& to, uint64_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) to += static_cast<char>(value >> (8 * i));
}

uint32_t numberAt(const std::string& bytes, size_t at, size_t count) {
  uint32_t number = 0;
  for (size_t i = count; i-- > 0;) number = number << 8 | static_cast<uint8_t>(bytes[at + i]);
  return number;
}

std::string rightsText(uint32_t rights) {
  std::string text = "---";
  if ((rights & 4) != 0) text[0] = 'r';
  if ((rights & 2) != 0) text[1] = 'w';
  if ((rights & 1) != 0) text[2] = 'x';
  return text;
}

std::string entryText(const AclEntry& entry, const AclNames& names) {
  std::string name;
  if (entry.isNamed()) {
    name = entry.tag == kUser ? names.userName(entry.id) : names.groupName(entry.id);
    if (name.empty()) name = std::to_string(entry.id);
  }
  bool isGroup = entry.tag == kOwningGroup || entry.tag == kGroup;
  const char* type = entry.tag == kMask ? "m" : entry.tag == kOther ? "o" : isGroup ? "g" : "u";
  return std::string(type) + ":" + name + ":" + rightsText(entry.rights);
}

bool isTag(uint32_t tag) {
  return tag != 0 && tag <= kOther && (tag & (tag - 1)) == 0;
}

}  // namespace

std::string aclBytes(const std::string& text, const AclNames& names) {
  if (text.size() > kTextBytesMax) throw AclError("access control list: is longer than 1 MiB");
  std::vector<AclEntry> entries;
  std::set<std::tuple<uint16_t, uint32_t>> places;
  for (const std::string& part : split(text, ",\n")) {
    // A text may end with a comma or a newline.
    if (part.empty()) continue;
    entries.push_back(entryOf(part, names));
    if (!places.insert(entries.back().place()).second) refuse(part, "stands there twice");
  }
  for (auto [tag, example] : {std::pair(kOwner, "u::rw-"), std::pair(kOwningGroup, "g::r--"),
                              std::pair(kOther, "o::r--")}) {
    if (has(entries, tag)) continue;
    throw AclError("access control list " + inQuotes(text) + ": lacks an entry such as " + example);
  }
  completeMask(entries);
  if (entries.size() > kEntriesMax) {
    throw AclError("access control list: " + std::to_string(entries.size()) + " entries, at most " +
                   std::to_string(kEntriesMax));
  }
  std::sort(entries.begin(), entries.end(),
            [](const AclEntry& a, const AclEntry& b) { return a.place() < b.place(); });
  std::string bytes;
  append(bytes, kVersion, kHeaderBytes);
  for (const AclEntry& entry : entries) {
    append(bytes, entry.tag, 2);
    append(bytes, entry.rights, 2);
    append(bytes, entry.id, 4);
  }
  return bytes;
}

std::string aclText(const std::string& bytes, const AclNames& names) {
  bool isList = bytes.size() >= kHeaderBytes && (bytes.size() - kHeaderBytes) % kEntryBytes == 0 &&
                numberAt(bytes, 0, kHeaderBytes) == kVersion;
  std::string text;
  for (size_t at = kHeaderBytes; isList && at < bytes.size(); at += kEntryBytes) {
    AclEntry entry;
    entry.tag = static_cast<uint16_t>(numberAt(bytes, at, 2));
    entry.rights = static_cast<uint16_t>(numberAt(bytes, at + 2, 2));
    entry.id = numberAt(bytes, at + 4, 4);
    isList = isTag(entry.tag) && entry.rights <= 7;
    if (isList) text += (text.empty() ? "" : ",") + entryText(entry, names);
  }
  if (!isList) throw AclError("access control list: its attribute has a form that is not known");
  return text;
}

std::string aclOfMode(uint32_t mode) {
  return "u::" + rightsText(mode >> 6 & 7) + ",g::" + rightsText(mode >> 3 & 7) +
         ",o::" + rightsText(mode & 7);
}

}  // namespace harness
