// Makes a function a fuzz target.
//
//   MUSTER_FUZZ_TARGET(frame) {           // In frame_fuzz.cc, with `input` in scope.
//     ...                                 // A bug throws, fails an assertion or a sanitizer.
//   }
//
// The function is libFuzzer's entry in the build `fuzz`. In other builds corpus_test.cc calls it
// with each file of the saved corpus.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tests_d/muster/fuzz/input.h"

#ifdef MUSTER_LIBFUZZER
#define MUSTER_FUZZ_ENTRY(name) extern "C" int LLVMFuzzerTestOneInput
#else
#define MUSTER_FUZZ_ENTRY(name) extern "C" int musterFuzz_##name
#endif

#define MUSTER_FUZZ_TARGET(name)                              \
  static void fuzzOne(fuzz::Input& input);                    \
  MUSTER_FUZZ_ENTRY(name)(const uint8_t* data, size_t size) { \
    fuzz::Quiet quiet;                                        \
    fuzz::Input input(kj::arrayPtr(data, size));              \
    fuzzOne(input);                                           \
    return 0;                                                 \
  }                                                           \
  static void fuzzOne([[maybe_unused]] fuzz::Input& input)
