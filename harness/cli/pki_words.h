// The words of `muster pki`: the options that its actions share, and how certificates and tokens
// are shown.
#pragma once

#include <string>
#include <vector>

#include "harness/cli/arguments.h"
#include "harness/cli/options.h"
#include "harness/cli/table.h"
#include "harness/pki/directory.h"
#include "harness/pki/tokens.h"

namespace harness {

inline constexpr TextOption kPkiDirectory({
    .name = "dir",
    .value = "DIRECTORY",
    .help = "where the authority is; by default $MUSTER_PKI, else ./pki",
    .completes = WordKind::kDirectories,
});

inline constexpr ListOption kSan({
    .name = "san",
    .value = "NAME",
    .help = "another name that the certificate is for; may be given several times",
});

constexpr CountOption daysOption(const char* initial, const char* help) {
  return CountOption({.name = "days", .value = "N", .help = help, .initial = initial},
                     {.least = 1, .most = 3650});
}

inline constexpr CountOption kNodeDays =
    daysOption("90", "how many days the certificate of the node is valid");

// The directory that --dir, $MUSTER_PKI or the default names.
PkiDirectory openDirectory(const Arguments& arguments);

// Prints the paths of one certificate and its key, or all that is known of it as JSON.
void print(const Issued& issued, const Arguments& arguments);

Json jsonOf(const Issued& issued);
Json jsonOf(const TokenRecord& record);

// "2026-11-21T04:00:00Z", from the seconds since 1970.
std::string timeText(int64_t seconds);

}  // namespace harness
