// What the kinds of changes share: checks of names that a peer sent, and the calls of the node's
// programs.
#pragma once

#include <stdint.h>

#include <initializer_list>

#include <kj/array.h>
#include <kj/string.h>

#include "nodeagent/change/change_kind.h"

namespace nodeagent::change {

constexpr int64_t kToolNs = 10'000'000'000;

// Return a copy of what a peer sent. `field` names it in the failure of kind invalid. An interface
// has 1 to 15 bytes without spaces and slashes; a host name is one of RFC 1123; an account is one
// that useradd takes.
kj::String interfaceName(kj::StringPtr field, kj::StringPtr name);
kj::String hostName(kj::StringPtr field, kj::StringPtr name);
kj::String accountName(kj::StringPtr field, kj::StringPtr name);

// Returns a number in decimal, and the number of a text that this returned.
kj::String decimal(uint64_t number);
uint64_t numberOf(kj::StringPtr decimal);

kj::Array<kj::String> words(std::initializer_list<kj::StringPtr> words);

// Runs a program and returns its output. Fails with kind unsupported, naming the package, if it is
// missing; otherwise as `kindOf` its output, with the last line of that.
kj::String runTool(const Surroundings& node, kj::StringPtr package,
                   kj::ArrayPtr<const kj::String> argv, int64_t limitNs = kToolNs);

// Runs ip(8) with these words, in the same way.
kj::String ip(const Surroundings& node, std::initializer_list<kj::StringPtr> words);

// Does what ip() does. False: it failed because the interface or address is not there.
bool ipIfThere(const Surroundings& node, std::initializer_list<kj::StringPtr> words);

// Returns what ip shows of an interface, on one line; null if there is none.
kj::Maybe<kj::String> interfaceLine(const Surroundings& node, kj::StringPtr interface);

// Fails with kind notFound if there is no such interface, and with conflict if there is one.
void requireInterface(const Surroundings& node, kj::StringPtr interface);
void requireNoInterface(const Surroundings& node, kj::StringPtr interface);

}  // namespace nodeagent::change
