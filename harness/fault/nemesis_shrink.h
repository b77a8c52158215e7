// Makes a nemesis plan smaller, as long as it still makes a test fail.
#pragma once

#include <cstddef>
#include <functional>

#include "harness/fault/nemesis_plan.h"

namespace harness::nemesis {

struct Shrunk {
  // The smallest plan that failed.
  Plan plan;

  // How often `fails` was asked.
  size_t runs = 0;

  // False: there was no time for smaller ones.
  bool isDone = false;
};

// Returns the smallest plan for which `fails` was true: it leaves out steps (ddmin, by Zeller and
// Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002), lets those that are left
// begin after a second, and halves their durations, down to half a second. `plan` itself is taken
// to fail. It ends after `runsMost` questions, or when `mayGoOn` is false.
Shrunk shrink(
    const Plan& plan, const std::function<bool(const Plan&)>& fails, size_t runsMost,
    const std::function<bool()>& mayGoOn = [] { return true; });

}  // namespace harness::nemesis
