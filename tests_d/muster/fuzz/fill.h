// Fills Cap'n Proto structs by their schema with whatever an Input says: valid messages with
// hostile contents, of any type, without a line of code per type.
#pragma once

#include <capnp/dynamic.h>
#include <kj/function.h>

#include "tests_d/muster/fuzz/input.h"

namespace fuzz {

struct FillOptions {
  unsigned depthMax = 6;
  size_t bytesMax = 512;  // Of one text.
  uint32_t listMax = 16;  // Elements.
  bool smallIds = false;  // UInt32 values below 6, as table indexes of the RPC protocol are.

  // What stands in fields that are capabilities, or of any pointer type. Null: nothing.
  kj::Maybe<kj::Function<capnp::DynamicCapability::Client(capnp::InterfaceSchema)>> capability;
  kj::Maybe<kj::Function<void(capnp::AnyPointer::Builder, Input&)>> anyPointer;
};

// Leaves fields as they are when `input` has ended.
void fill(capnp::DynamicStruct::Builder builder, Input& input, FillOptions& options,
          unsigned depth = 0);

// Reads every field, so that every pointer is followed and checked once.
void readAll(capnp::DynamicStruct::Reader reader);

}  // namespace fuzz
