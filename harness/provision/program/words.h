// The words of the provisioner protocol (docs/reference/provisioner-protocol.md) that both of its
// sides use.
#pragma once

#include <cstddef>
#include <string>

#include <nlohmann/json.hpp>

#include "harness/provision/error.h"
#include "harness/provision/provisioner.h"

namespace harness {

// Keeps the order of keys, which is that of the cluster file in a plan.
using ProtocolJson = nlohmann::ordered_json;

inline constexpr int kProtocolVersion = 1;

// A longer line is not read by either side.
inline constexpr size_t kProtocolLineMax = 64 << 20;

// The beginning of a program's name; the kind's word follows.
inline constexpr char kProgramPrefix[] = "muster-provisioner-";

// The abilities of a kind, as it names them.
inline constexpr char kFreezeAbility[] = "freeze";
inline constexpr char kPowerAbility[] = "power";

// The error of a plan that cannot be; the others are those of ProvisionError.
inline constexpr char kBadPlanWord[] = "bad-plan";

std::string wordFor(ProvisionError::Kind kind);
// An unknown word is kFailed.
ProvisionError::Kind errorKindOf(const std::string& word);

std::string wordFor(Power power);
// Throws std::invalid_argument for another word.
Power powerOf(const std::string& word);

std::string wordFor(Tenure tenure);
// Throws std::invalid_argument for another word.
Tenure tenureOf(const std::string& word);

}  // namespace harness
