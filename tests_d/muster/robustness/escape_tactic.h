// The parts that escape tactics are made of.
//
// escape_tactics.cc holds tactics of families, signals and pipes. escape_disguises.cc holds those
// that make a process hard to recognise or to reach.
#pragma once

#include <sys/types.h>

#include <functional>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace robustness {

// The name of a tactic, and the function by which the calling process follows it.
using EscapeTactic = std::pair<std::string, int (*)()>;

const std::vector<EscapeTactic>& disguisedTactics();

// Payloads that no trial killed end after this time.
constexpr int kLifeMs = 60'000;

void say(const char* text);
[[noreturn]] void stay();
// Says "ready", and stays.
int ready();

// Runs `then` in a child; the caller goes on.
pid_t inChild(const std::function<void()>& then);

void ignore(std::initializer_list<int> signals);

}  // namespace robustness
