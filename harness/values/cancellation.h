// Ends the waiting of a test program that was told to end. It knows neither signals nor nodes: it
// moves the end of every DeadlineScope (muster/deadline.h), and wakes those that sleep here.
//
// The state belongs to the process, as scopes belong to threads: matchers, which gtest calls
// without any context of ours, must keep to it. All functions may be called from any thread.
#pragma once

#include <string>

#include <muster/deadline.h>

namespace harness {

// Ends the scopes of all threads now. `reason` is for texts, such as "cancelled: SIGINT".
void cancelScopes(const std::string& reason);

// Lets scopes, those that are open too, go on until `end` at the latest, for tear-downs.
void resumeScopes(muster::SteadyTime end);

// Returns the reason while scopes are cancelled; empty otherwise.
std::string scopesCancelledBy();

// Returns the time at which the scopes of all threads end at the latest; max() if there is none.
muster::SteadyTime scopesEnd();

// Sleeps until `end`, or until cancelScopes().
void sleepInScope(muster::SteadyTime end);

}  // namespace harness
