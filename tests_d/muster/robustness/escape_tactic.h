// What the kinds of the zoo are made of. Their files: zoo.cc, families and what they do with
// signals and pipes; zoo_disguises.cc, what makes a process hard to recognise or to reach.
#pragma once

#include <sys/types.h>

#include <functional>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace faults {

// Its name, and what becomes it.
using ZooKind = std::pair<std::string, int (*)()>;

const std::vector<ZooKind>& disguisedKinds();

constexpr int kLifeMs = 60'000;  // A bound for what no trial killed.

void say(const char* text);
[[noreturn]] void stay();
int ready();  // Says so, and stays.

// Runs `then` in a child; the caller goes on.
pid_t inChild(const std::function<void()>& then);

void ignore(std::initializer_list<int> signals);

}  // namespace faults
