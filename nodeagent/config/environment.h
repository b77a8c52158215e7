// The process's environment, in the forms that others want.
#pragma once

#include <map>
#include <string>

#include <kj/array.h>
#include <kj/string.h>

namespace nodeagent {

std::map<std::string, std::string> environmentMap();

// As "NAME=value" each, with `more`, which is of that form, at the end.
kj::Array<kj::String> environmentWith(kj::StringPtr more);

}  // namespace nodeagent
