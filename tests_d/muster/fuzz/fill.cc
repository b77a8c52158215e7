#include "tests_d/muster/fuzz/fill.h"

#include <string.h>

#include <algorithm>

#include <capnp/any.h>
#include <kj/debug.h>

namespace fuzz {
namespace {

using capnp::DynamicList;
using capnp::DynamicStruct;
using capnp::DynamicValue;
using Which = capnp::schema::Type::Which;

// Returns a value of a type without pointers. Null if the type has pointers.
kj::Maybe<DynamicValue::Reader> scalar(capnp::Type type, Input& input, const FillOptions& options) {
  switch (type.which()) {
    case Which::VOID:
      return DynamicValue::Reader(capnp::VOID);
    case Which::BOOL:
      return DynamicValue::Reader(input.byte() % 2 == 1);
    case Which::INT8:
      return DynamicValue::Reader(static_cast<int8_t>(input.number()));
    case Which::INT16:
      return DynamicValue::Reader(static_cast<int16_t>(input.number()));
    case Which::INT32:
      return DynamicValue::Reader(static_cast<int32_t>(input.number()));
    case Which::INT64:
      return DynamicValue::Reader(static_cast<int64_t>(input.number()));
    case Which::UINT8:
      return DynamicValue::Reader(input.byte());
    case Which::UINT16:
      return DynamicValue::Reader(static_cast<uint16_t>(input.number()));
    case Which::UINT32:
      if (options.smallIds && input.byte() % 16 != 0) return DynamicValue::Reader(input.below(6));
      return DynamicValue::Reader(static_cast<uint32_t>(input.number()));
    case Which::UINT64:
      return DynamicValue::Reader(input.number());
    case Which::FLOAT32:
    case Which::FLOAT64:
      return DynamicValue::Reader(static_cast<double>(input.number()));
    case Which::ENUM:
      return DynamicValue::Reader(
          capnp::DynamicEnum(type.asEnum(), static_cast<uint16_t>(input.byte() % 16)));
    default:
      return nullptr;
  }
}

void fillList(DynamicList::Builder list, Input& input, FillOptions& options, unsigned depth) {
  capnp::Type element = list.getSchema().getElementType();
  for (unsigned i = 0; i < list.size() && !input.empty(); ++i) {
    if (element.isStruct()) {
      fill(list[i].as<DynamicStruct>(), input, options, depth + 1);
    } else if (element.isText() || element.isData()) {
      std::string text = input.text(options.bytesMax);
      if (element.isText()) {
        list.set(i, capnp::Text::Reader(text.c_str(), text.size()));
      } else {
        list.set(i,
                 capnp::Data::Reader(reinterpret_cast<const kj::byte*>(text.data()), text.size()));
      }
    } else {
      KJ_IF_MAYBE (value, scalar(element, input, options)) list.set(i, *value);
    }
  }
}

void fillField(DynamicStruct::Builder builder, capnp::StructSchema::Field field, Input& input,
               FillOptions& options, unsigned depth) {
  capnp::Type type = field.getType();
  KJ_IF_MAYBE (value, scalar(type, input, options)) return builder.set(field, *value);
  if (type.isText() || type.isData()) {
    std::string text = input.text(options.bytesMax);
    auto target = builder.init(field, static_cast<unsigned>(text.size()));
    if (type.isText()) {
      memcpy(target.as<capnp::Text>().begin(), text.data(), text.size());
    } else {
      memcpy(target.as<capnp::Data>().begin(), text.data(), text.size());
    }
  } else if (type.isList()) {
    // Long lists are rare, because one that is longer than the input only costs time.
    uint32_t count = input.byte() % 64 == 63 ? options.listMax * 100 : input.below(options.listMax);
    fillList(builder.init(field, count).as<DynamicList>(), input, options, depth);
  } else if (type.isStruct()) {
    if (depth < options.depthMax)
      fill(builder.init(field).as<DynamicStruct>(), input, options, depth + 1);
  } else if (type.isInterface()) {
    KJ_IF_MAYBE (make, options.capability) builder.set(field, (*make)(type.asInterface()));
  } else if (type.isAnyPointer()) {
    KJ_IF_MAYBE (make, options.anyPointer)
      (*make)(builder.init(field).as<capnp::AnyPointer>(), input);
  }
}

void readValue(const DynamicValue::Reader& value) {
  switch (value.getType()) {
    case DynamicValue::STRUCT:
      return readAll(value.as<DynamicStruct>());
    case DynamicValue::LIST:
      for (auto element : value.as<DynamicList>()) readValue(element);
      return;
    case DynamicValue::TEXT:
      KJ_ASSERT(value.as<capnp::Text>().cStr()[value.as<capnp::Text>().size()] == '\0');
      return;
    default:
      return;
  }
}

}  // namespace

void fill(DynamicStruct::Builder builder, Input& input, FillOptions& options, unsigned depth) {
  auto schema = builder.getSchema();
  for (auto field : schema.getNonUnionFields()) {
    if (input.empty()) return;
    if (input.byte() % 4 != 0) fillField(builder, field, input, options, depth);
  }
  auto alternatives = schema.getUnionFields();
  if (alternatives.size() > 0 && !input.empty()) {
    fillField(builder, alternatives[input.below(alternatives.size())], input, options, depth);
  }
}

void readAll(DynamicStruct::Reader reader) {
  for (auto field : reader.getSchema().getNonUnionFields()) {
    if (reader.has(field)) readValue(reader.get(field));
  }
  // A null pointer reads as the default value, whose own union may hold the same null pointer
  // again.
  KJ_IF_MAYBE (field, reader.which()) {
    if (reader.has(*field)) readValue(reader.get(*field));
  }
}

}  // namespace fuzz
