// Groups failures that are equal but for what differs from run to run: numbers, addresses, times,
// temporary names. It does not say what caused them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace harness::history {

// Returns the text with placeholders for what differs from run to run:
//
//   <time>       2026-12-01T02:45:01.123Z, 02:45:01, Dec  1 02:45:01
//   <uuid>       550e8400-e29b-41d4-a716-446655440000
//   <address>    10.7.0.12, 10.7.0.12:7400, fe80::1, [fe80::1]:80
//   <pointer>    0x7ffd3a10
//   <temporary>  what follows /tmp/, /var/tmp/, /run/ and /dev/shm/, up to the next slash or blank
//   <hex>        words of at least eight hexadecimal digits, of which one is a digit
//   <n>          other numbers, with their decimals; not those in words that begin with a letter,
//                such as server1 and x86_64
//
// The result has 1 KiB at most.
std::string normalised(std::string_view text);

// One failure of one run.
struct FailureOf {
  std::string run = {};
  std::string test = {};
  std::string text = {};

  // Where it was reported. Empty: nowhere.
  std::string file = {};
  int line = 0;
};

struct FailureCluster {
  // What all have in common: the normalised text, and "FILE:LINE".
  std::string text = {};
  std::string place = {};

  // Whole texts differ, and this is one of them.
  std::string sample = {};

  // In the order in which they came, each once.
  std::vector<std::string> tests = {};
  std::vector<std::string> runs = {};
  size_t count = 0;
};

// Returns the clusters, those with most tests first, then those with most failures. Only the first
// failure of a test in a run should be given: what follows it is often its consequence.
std::vector<FailureCluster> clustersOf(const std::vector<FailureOf>& failures);

// "kv_test.cc:12"; empty without a file.
std::string placeText(const std::string& file, int line);

}  // namespace harness::history
