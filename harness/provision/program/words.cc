#include "harness/provision/program/words.h"

#include <stdexcept>
#include <utility>

namespace harness {
namespace {

using Kind = ProvisionError::Kind;

constexpr std::pair<Kind, const char*> kErrors[] = {
    {Kind::kFailed, "failed"},
    {Kind::kNoSuchCluster, "no-such-cluster"},
    {Kind::kNoPermission, "no-permission"},
    {Kind::kNotPossibleHere, "not-possible-here"},
    {Kind::kNoAnswer, "no-answer"},
};

constexpr std::pair<Power, const char*> kPowers[] = {
    {Power::kOn, "on"},
    {Power::kFrozen, "frozen"},
    {Power::kOff, "off"},
};

}  // namespace

std::string wordFor(ProvisionError::Kind kind) {
  for (const auto& [each, word] : kErrors) {
    if (each == kind) return word;
  }
  return kErrors[0].second;
}

ProvisionError::Kind errorKindOf(const std::string& word) {
  for (const auto& [kind, each] : kErrors) {
    if (each == word) return kind;
  }
  return Kind::kFailed;
}

std::string wordFor(Power power) {
  for (const auto& [each, word] : kPowers) {
    if (each == power) return word;
  }
  return kPowers[0].second;
}

Power powerOf(const std::string& word) {
  for (const auto& [power, each] : kPowers) {
    if (each == word) return power;
  }
  throw std::invalid_argument("power \"" + word + "\" is neither on, frozen nor off");
}

std::string wordFor(Tenure tenure) {
  return tenure == Tenure::kOwned ? "owned" : "standing";
}

Tenure tenureOf(const std::string& word) {
  if (word == "owned") return Tenure::kOwned;
  if (word == "standing") return Tenure::kStanding;
  throw std::invalid_argument("tenure \"" + word + "\" is neither owned nor standing");
}

}  // namespace harness
