// Output that tells by itself where it belongs: each line has its stream's name, its number and a
// check sum, and the whole text follows from name and length. Written by the payload, checked by
// the model.
#pragma once

#include <cstdint>
#include <string>

namespace faults {

// CRC-32 of IEEE 802.3.
uint32_t checksum(const std::string& text);

// "<name> <number> <filler> <check sum>\n", 20 to 120 bytes; `name` without spaces.
std::string streamLine(const std::string& name, uint64_t number);

// Lines 0 to lines-1.
std::string streamText(const std::string& name, uint64_t lines);

enum class Extent {
  kWhole,     // All lines.
  kBeginning  // Any beginning of the text, also in the middle of a line.
};

// Says where `text` is not what the stream of `lines` lines is, and in which way: bytes are
// missing, repeated, in another order, foreign or damaged. Empty: it is.
std::string streamFlaw(const std::string& name, uint64_t lines, const std::string& text,
                       Extent extent);

}  // namespace faults
