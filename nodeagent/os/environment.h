// Returns the process's environment in the forms that other code needs.
#pragma once

#include <map>
#include <string>

#include <kj/array.h>
#include <kj/string.h>

namespace nodeagent {

std::map<std::string, std::string> environmentMap();

// Returns the environment as items "NAME=value".
kj::Array<kj::String> ownEnvironment();

// Returns the environment as items "NAME=value", with `more`, which has that form too, at the end.
kj::Array<kj::String> environmentWith(kj::StringPtr more);

}  // namespace nodeagent
