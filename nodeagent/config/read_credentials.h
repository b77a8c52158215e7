// The certificates that the configuration names, read and tried.
#pragma once

#include <kj/common.h>

#include "nodeagent/config/options.h"
#include "schema/support/tls/tls.h"

namespace nodeagent {

// Null if the configuration names none. Throws what is wrong with them, whatever it is: a listener
// made with what this returns can shake hands.
kj::Maybe<support::Credentials> readCredentials(const Options& options);

}  // namespace nodeagent
