#include "harness/values/helper_codec.h"

#include <cstring>

namespace harness {
namespace {

using muster::HelperTypeError;
using muster::HelperValue;

void putSize(std::string& to, size_t size) {
  // Nothing larger fits into a frame, which is looked at before it is sent.
  if (size > kHelperFrameBytesMax) throw HelperTypeError("a value is larger than 16 MiB");
  for (int shift = 24; shift >= 0; shift -= 8) to += static_cast<char>(size >> shift & 0xff);
}

void putWord(std::string& to, uint64_t word) {
  for (int shift = 56; shift >= 0; shift -= 8) to += static_cast<char>(word >> shift & 0xff);
}

void put(std::string& to, const HelperValue& value, size_t depth) {
  if (depth > kHelperDepthMax) throw HelperTypeError("a value has more than 64 levels");
  if (to.size() > kHelperFrameBytesMax) throw HelperTypeError("a value is larger than 16 MiB");
  if (const auto* truth = value.get<bool>()) {
    to += *truth ? 'T' : 'F';
  } else if (const auto* integer = value.get<int64_t>()) {
    to += 'i';
    putWord(to, static_cast<uint64_t>(*integer));
  } else if (const auto* number = value.get<double>()) {
    uint64_t word = 0;
    std::memcpy(&word, number, sizeof word);
    to += 'd';
    putWord(to, word);
  } else if (const auto* text = value.get<std::string>()) {
    to += 's';
    putSize(to, text->size());
    to += *text;
  } else if (const auto* list = value.get<HelperValue::List>()) {
    to += 'l';
    putSize(to, list->size());
    for (const HelperValue& each : *list) put(to, each, depth + 1);
  } else if (const auto* map = value.get<HelperValue::Map>()) {
    to += 'm';
    putSize(to, map->size());
    for (const auto& [name, each] : *map) {
      putSize(to, name.size());
      to += name;
      put(to, each, depth + 1);
    }
  } else {
    to += 'n';
  }
}

class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : rest_(bytes) {}

  HelperValue whole() {
    HelperValue value = next(0);
    if (!rest_.empty()) throw HelperTypeError("bytes follow the value");
    return value;
  }

 private:
  std::string_view take(size_t size) {
    if (rest_.size() < size) throw HelperTypeError("the value is cut off");
    std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  uint64_t word(size_t size) {
    uint64_t result = 0;
    for (char byte : take(size)) result = result << 8 | static_cast<unsigned char>(byte);
    return result;
  }

  // Each item has a byte at least, so that a count is no reason to allocate beyond the frame.
  size_t count() {
    uint64_t result = word(4);
    if (result > rest_.size()) throw HelperTypeError("the value is cut off");
    return result;
  }

  std::string text() { return std::string(take(word(4))); }

  HelperValue next(size_t depth) {
    if (depth > kHelperDepthMax) throw HelperTypeError("a value has more than 64 levels");
    switch (char type = take(1)[0]) {
      case 'n':
        return HelperValue();
      case 'T':
      case 'F':
        return HelperValue(type == 'T');
      case 'i':
        return HelperValue(static_cast<int64_t>(word(8)));
      case 'd': {
        uint64_t bits = word(8);
        double number = 0;
        std::memcpy(&number, &bits, sizeof number);
        return HelperValue(number);
      }
      case 's':
        return HelperValue(text());
      case 'l': {
        HelperValue::List list;
        for (size_t left = count(); left > 0; --left) list.push_back(next(depth + 1));
        return HelperValue(std::move(list));
      }
      case 'm': {
        HelperValue::Map map;
        for (size_t left = count(); left > 0; --left) {
          std::string name = text();
          map.insert_or_assign(std::move(name), next(depth + 1));
        }
        return HelperValue(std::move(map));
      }
      default:
        throw HelperTypeError("there is no type of value " +
                              std::to_string(static_cast<unsigned char>(type)));
    }
  }

  std::string_view rest_;
};

}  // namespace

std::string encodeHelperFrame(const HelperValue& value) {
  std::string body;
  put(body, value, 0);
  std::string frame;
  putSize(frame, body.size());
  return frame + body;
}

size_t helperFrameSize(std::string_view header) {
  size_t size = 0;
  for (char byte : header.substr(0, kHelperFrameHeaderBytes)) {
    size = size << 8 | static_cast<unsigned char>(byte);
  }
  if (size > kHelperFrameBytesMax) {
    throw HelperTypeError("a frame of " + std::to_string(size) + " bytes is announced");
  }
  return size;
}

std::optional<HelperValue> takeHelperFrame(std::string& bytes) {
  if (bytes.size() < kHelperFrameHeaderBytes) return std::nullopt;
  size_t end = kHelperFrameHeaderBytes + helperFrameSize(bytes);
  if (bytes.size() < end) return std::nullopt;
  HelperValue value = decodeHelperValue(
      std::string_view(bytes).substr(kHelperFrameHeaderBytes, end - kHelperFrameHeaderBytes));
  bytes.erase(0, end);
  return value;
}

HelperValue decodeHelperValue(std::string_view bytes) {
  return Decoder(bytes).whole();
}

const HelperValue& helperField(const HelperValue& map, const std::string& name) {
  const HelperValue::Map& fields = map.asMap();
  auto found = fields.find(name);
  if (found == fields.end()) throw HelperTypeError("\"" + name + "\" is missing");
  return found->second;
}

}  // namespace harness
