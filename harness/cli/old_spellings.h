// Earlier spellings of commands and options. They are understood for one release after a renaming,
// with a note that names the present spelling; help and completion do not show them.
#pragma once

#include <string>
#include <vector>

namespace harness {

struct OldSpelling {
  // The command as it is spelt now; for an action, its group.
  const char* command;
  // An option with its dashes, or an action.
  const char* old;
  const char* now;
};

const std::vector<OldSpelling>& oldSpellings();

// Null: `spelling` is no old spelling of `command`.
const OldSpelling* findOldSpelling(const std::string& command, const std::string& spelling);

// "--patience is now spelt --connect-timeout; the old spelling ends with the next release"
std::string noteOn(const OldSpelling& spelling);

}  // namespace harness
