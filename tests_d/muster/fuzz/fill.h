// Fills Cap'n Proto structs of any type with values that an Input decides.
//
// The schema drives it, so the messages are valid with hostile contents, without code for each
// type.
#pragma once

#include <capnp/dynamic.h>
#include <kj/function.h>

#include "tests_d/muster/fuzz/input.h"

namespace fuzz {

struct FillOptions {
  unsigned depthMax = 6;
  size_t bytesMax = 512;  // The length of one text or data.
  uint32_t listMax = 16;  // The length of one list.
  bool smallIds = false;  // UInt32 values are below 6, like table indexes of the RPC protocol.

  // Makes the capabilities for fields that hold one or any pointer. Such fields stay empty if null.
  kj::Maybe<kj::Function<capnp::DynamicCapability::Client(capnp::InterfaceSchema)>> capability;
  kj::Maybe<kj::Function<void(capnp::AnyPointer::Builder, Input&)>> anyPointer;
};

// Fills the fields of a struct. They stay as they are when `input` has ended.
void fill(capnp::DynamicStruct::Builder builder, Input& input, FillOptions& options,
          unsigned depth = 0);

// Reads every field, so that every pointer is followed and checked once.
void readAll(capnp::DynamicStruct::Reader reader);

}  // namespace fuzz
