// Encodes the fields of one protobuf message (https://protobuf.dev/programming-guides/encoding), as
// many of its types as traces need. It knows no message.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace harness::report {

class ProtoWriter {
 public:
  // A field of an integer or an enumeration.
  ProtoWriter& number(uint32_t field, uint64_t value) {
    varint(uint64_t{field} << 3);
    varint(value);
    return *this;
  }

  // A field of a string, of bytes, or of a message that is encoded.
  ProtoWriter& bytes(uint32_t field, std::string_view value) {
    varint(uint64_t{field} << 3 | 2);
    varint(value.size());
    message_ += value;
    return *this;
  }

  const std::string& message() const { return message_; }

 private:
  // Seven bits a byte, the least first; the highest bit says that more follow.
  void varint(uint64_t value) {
    for (; value > 0x7f; value >>= 7) message_ += static_cast<char>(value | 0x80);
    message_ += static_cast<char>(value);
  }

  std::string message_;
};

}  // namespace harness::report
