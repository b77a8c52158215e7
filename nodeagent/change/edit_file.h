// Edits files of the node that others read and write too, such as /etc/hosts. What a change adds
// are whole lines that carry its id, by which they are found again however the file was edited
// meanwhile.
#pragma once

#include <sys/types.h>

#include <kj/function.h>
#include <kj/string.h>

#include "schema/support/base/id.h"

namespace nodeagent::change {

// Gives the file the content that `edit` makes of its content, in one step unless it is a bind
// mount, which nothing replaces. The file keeps mode, owner and attributes. Fails with kind
// unsupported for one of more than 1 MiB.
void editFile(kj::StringPtr path, kj::FunctionParam<kj::String(kj::StringPtr)> edit);

// Makes a file that must not be there.
void writeNewFile(kj::StringPtr path, kj::StringPtr content, mode_t mode);

// Returns the comment that a line of the change `id` ends with.
kj::String markOf(const support::Id& id);

// Returns the content without the lines that have the mark of `id`.
kj::String withoutMarkedLines(kj::StringPtr content, const support::Id& id);

}  // namespace nodeagent::change
