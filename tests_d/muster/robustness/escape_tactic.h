// What the escape tactics are made of. Their files: escape_tactics.cc, families and what they do
// with signals and pipes; escape_disguises.cc, what makes a process hard to recognise or to reach.
#pragma once

#include <sys/types.h>

#include <functional>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace faults {

// Its name, and what becomes it.
using EscapeTactic = std::pair<std::string, int (*)()>;

const std::vector<EscapeTactic>& disguisedKinds();

constexpr int kLifeMs = 60'000;  // A bound for what no trial killed.

void say(const char* text);
[[noreturn]] void stay();
int ready();  // Says so, and stays.

// Runs `then` in a child; the caller goes on.
pid_t inChild(const std::function<void()>& then);

void ignore(std::initializer_list<int> signals);

}  // namespace faults
