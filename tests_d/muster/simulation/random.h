// The one source of chance of a simulation, all of which follows from its seed.
#pragma once

#include <stdint.h>

namespace simulation {

// Mixes the bits of a number by SplitMix64.
inline uint64_t mixed(uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

class Random {
 public:
  explicit Random(uint64_t seed) : state_(mixed(seed)) {}

  uint64_t next() { return mixed(state_ += 0x9e3779b97f4a7c15u); }

  // Draws a number from `least` to `most`, both included.
  int64_t between(int64_t least, int64_t most) {
    return least + static_cast<int64_t>(next() % static_cast<uint64_t>(most - least + 1));
  }

  bool chance(unsigned percent) { return next() % 100 < percent; }

 private:
  uint64_t state_;
};

}  // namespace simulation
