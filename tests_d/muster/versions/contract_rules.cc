#include "tests_d/muster/versions/contract_rules.h"

#include <map>
#include <set>
#include <tuple>

#include <kj/string.h>

#include "schema/common.capnp.h"

namespace versions {
namespace {

// Requests must not hold what an older agent ignores. An older controller may ignore the new parts
// of an answer.
enum class Direction { kRequest, kAnswer };

class Comparison {
 public:
  Comparison(uint16_t beforeMinor, uint16_t nowMinor)
      : beforeMinor_(beforeMinor), nowMinor_(nowMinor) {}

  void compare(capnp::InterfaceSchema before, capnp::InterfaceSchema now) {
    if (!isFirst(before, now, Direction::kRequest)) return;
    auto oldMethods = before.getMethods();
    auto methods = now.getMethods();
    if (oldMethods.size() > methods.size()) say(nameOf(now), "lost a method");
    for (unsigned i = 0; i < oldMethods.size() && i < methods.size(); ++i) {
      compare(oldMethods[i].getParamType(), methods[i].getParamType(), Direction::kRequest);
      compare(oldMethods[i].getResultType(), methods[i].getResultType(), Direction::kAnswer);
    }
    auto oldBases = before.getSuperclasses();
    auto bases = now.getSuperclasses();
    if (oldBases.size() != bases.size()) return say(nameOf(now), "extends other interfaces");
    for (unsigned i = 0; i < bases.size(); ++i) compare(oldBases[i], bases[i]);
  }

  std::vector<std::string> takeFaults() { return std::move(faults_); }

 private:
  void compare(capnp::StructSchema before, capnp::StructSchema now, Direction direction) {
    if (!isFirst(before, now, direction)) return;
    std::map<unsigned, capnp::StructSchema::Field> earlier = byOrdinal(before);
    std::map<unsigned, capnp::StructSchema::Field> later = byOrdinal(now);
    for (auto& [ordinal, field] : earlier) {
      auto found = later.find(ordinal);
      if (found == later.end()) {
        say(nameOf(now), "lost field @" + std::to_string(ordinal));
      } else {
        compare(field, found->second, nameOf(now), direction);
      }
    }
    for (auto& [ordinal, field] : later) {
      if (earlier.count(ordinal) == 0) requireSince(field, nameOf(now), direction);
    }
  }

  void compare(capnp::StructSchema::Field before, capnp::StructSchema::Field now,
               const std::string& where, Direction direction) {
    std::string name = where + "." + now.getProto().getName().cStr();
    bool samePlace =
        before.getProto().isSlot() == now.getProto().isSlot() &&
        before.getProto().getDiscriminantValue() == now.getProto().getDiscriminantValue() &&
        (!now.getProto().isSlot() ||
         before.getProto().getSlot().getOffset() == now.getProto().getSlot().getOffset());
    if (!samePlace) return say(name, "moved");
    compare(before.getType(), now.getType(), name, direction);
  }

  void compare(capnp::Type before, capnp::Type now, const std::string& name, Direction direction) {
    // A typed capability may become an untyped one: both are pointers of the same kind.
    bool bothCapabilities = before.isInterface() && now.isAnyPointer();
    if (before.which() != now.which() && !bothCapabilities) return say(name, "changed its type");
    if (now.isStruct()) compare(before.asStruct(), now.asStruct(), direction);
    if (now.isInterface()) compare(before.asInterface(), now.asInterface());
    if (now.isEnum()) compare(before.asEnum(), now.asEnum(), direction);
    if (now.isList()) {
      compare(before.asList().getElementType(), now.asList().getElementType(), name, direction);
    }
  }

  void compare(capnp::EnumSchema before, capnp::EnumSchema now, Direction direction) {
    if (!isFirst(before, now, direction)) return;
    auto values = now.getEnumerants();
    if (before.getEnumerants().size() > values.size()) say(nameOf(now), "lost a value");
    for (unsigned i = before.getEnumerants().size(); i < values.size(); ++i) {
      requireSince(values[i], nameOf(now), direction);
    }
  }

  // A new group consists of new fields. The first member of a union is what its absence means.
  void requireSince(capnp::StructSchema::Field field, const std::string& where,
                    Direction direction) {
    if (!field.getProto().isGroup())
      return requireSince<capnp::StructSchema::Field>(field, where, direction);
    for (auto member : field.getType().asStruct().getFields()) {
      if (member.getProto().getDiscriminantValue() == 0) continue;
      requireSince(member, where + "." + field.getProto().getName().cStr(), direction);
    }
  }

  template <typename Declaration>
  void requireSince(Declaration declaration, const std::string& where, Direction direction) {
    if (direction == Direction::kAnswer) return;
    std::string name = where + "." + declaration.getProto().getName().cStr();
    for (auto annotation : declaration.getProto().getAnnotations()) {
      if (annotation.getId() != wire::SINCE_ANNOTATION) continue;
      uint16_t since = annotation.getValue().getUint16();
      if (since > beforeMinor_ && since <= nowMinor_) return;
      return say(name, "has $Common.since(" + std::to_string(since) + "), which is not above " +
                           std::to_string(beforeMinor_) + " and at most " +
                           std::to_string(nowMinor_) + ", the protocolMinor");
    }
    say(name, "is new in a request and has no $Common.since");
  }

  // By the order in which the fields were declared, which is what @N gives.
  static std::map<unsigned, capnp::StructSchema::Field> byOrdinal(capnp::StructSchema schema) {
    std::map<unsigned, capnp::StructSchema::Field> fields;
    for (auto field : schema.getFields()) {
      auto ordinal = field.getProto().getOrdinal();
      // A group has no number of its own; its first field's would do, and the order is as good.
      unsigned number =
          ordinal.isExplicit() ? ordinal.getExplicit() : 1000 + field.getProto().getCodeOrder();
      fields.emplace(number, field);
    }
    return fields;
  }

  // Ends the recursion of types that hold themselves, and names each fault once.
  bool isFirst(capnp::Schema before, capnp::Schema now, Direction direction) {
    return compared_.emplace(before.getProto().getId(), now.getProto().getId(), direction).second;
  }

  static std::string nameOf(capnp::Schema schema) { return schema.getShortDisplayName().cStr(); }

  void say(const std::string& name, const std::string& fault) {
    faults_.push_back(name + " " + fault);
  }

  uint16_t beforeMinor_;
  uint16_t nowMinor_;
  std::set<std::tuple<uint64_t, uint64_t, Direction>> compared_;
  std::vector<std::string> faults_;
};

}  // namespace

std::vector<std::string> changesThatBreak(capnp::InterfaceSchema before, capnp::InterfaceSchema now,
                                          uint16_t beforeMinor, uint16_t nowMinor) {
  Comparison comparison(beforeMinor, nowMinor);
  comparison.compare(before, now);
  return comparison.takeFaults();
}

}  // namespace versions
