// Reads and tries the certificates that the configuration names.
#pragma once

#include <kj/common.h>

#include "nodeagent/config/options.h"
#include "schema/support/tls/tls.h"

namespace nodeagent {

// Returns null if the configuration names none. Throws for any fault in them, so that a listener
// made with the result can shake hands.
kj::Maybe<support::Credentials> readCredentials(const Options& options);

}  // namespace nodeagent
