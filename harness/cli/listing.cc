#include "harness/cli/listing.h"

#include <iostream>

namespace harness {

int showListing(const Arguments& arguments, const char* name, Json list, const std::string& table,
                const std::vector<muster::NodeError>& errors) {
  if (arguments[kJson]) {
    printJson({{name, std::move(list)}, {"errors", errorsJson(errors)}});
  } else {
    std::cout << table;
  }
  complain(arguments.command(), errors);
  return errors.empty() ? kExitOk : kExitUnavailable;
}

}  // namespace harness
