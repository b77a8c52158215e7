// The generator behind nemesis plans. Its arithmetic is fixed, so one seed gives one plan on every
// machine; the distributions of the standard library differ from one library to the next.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>

namespace harness::nemesis {

// Steps splitmix64, by Sebastiano Vigna, public domain: https://prng.di.unimi.it/splitmix64.c
inline uint64_t splitmix64(uint64_t& state) {
  uint64_t z = (state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// Returns FNV-1a of 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/
inline uint64_t fnv1a(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (char each : text) hash = (hash ^ static_cast<unsigned char>(each)) * 0x100000001b3;
  return hash;
}

// Is xoshiro256**, by David Blackman and Sebastiano Vigna, public domain:
// https://prng.di.unimi.it/xoshiro256starstar.c. Its state is filled by splitmix64, as they advise.
class Random {
 public:
  explicit Random(uint64_t seed) {
    for (uint64_t& word : state_) word = splitmix64(seed);
  }

  uint64_t next() {
    uint64_t result = rotated(state_[1] * 5, 7) * 9;
    uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotated(state_[3], 45);
    return result;
  }

  // Returns a number below `count`, which is not 0. The values below the greatest multiple of
  // `count` are equally likely; others are drawn again.
  uint64_t below(uint64_t count) {
    uint64_t surplus = (std::numeric_limits<uint64_t>::max() % count + 1) % count;
    uint64_t drawn = next();
    while (drawn > std::numeric_limits<uint64_t>::max() - surplus) drawn = next();
    return drawn % count;
  }

  // Returns a number from `least` to `most`, both included.
  int64_t between(int64_t least, int64_t most) {
    return least + static_cast<int64_t>(below(static_cast<uint64_t>(most - least) + 1));
  }

 private:
  static uint64_t rotated(uint64_t value, int bits) {
    return (value << bits) | (value >> (64 - bits));
  }

  std::array<uint64_t, 4> state_;
};

}  // namespace harness::nemesis
