// Output that shows by itself where it belongs.
//
// Each line has its stream's name, its number and a check sum, and the whole text follows from name
// and length. Payloads write it, and the model checks it.
#pragma once

#include <cstdint>
#include <string>

namespace robustness {

// Returns the CRC-32 of IEEE 802.3.
uint32_t checksum(const std::string& text);

// Returns the line "<name> <number> <filler> <check sum>\n" of 20 to 120 bytes. `name` must not
// contain spaces.
std::string streamLine(const std::string& name, uint64_t number);

// Returns the lines 0 to lines-1.
std::string streamText(const std::string& name, uint64_t lines);

enum class Extent {
  kWhole,     // The text has all lines.
  kBeginning  // The text may end anywhere, also within a line.
};

// Says where `text` differs from the stream of `lines` lines, and how. Bytes can be missing,
// repeated, out of order, foreign or damaged. Empty if there is no difference.
std::string streamFlaw(const std::string& name, uint64_t lines, const std::string& text,
                       Extent extent);

}  // namespace robustness
