// Holds the page of the HTML report as the build has made it of page/*. It knows nothing of a run.
#pragma once

#include <string_view>

namespace harness::report {

// A document with the marks @TITLE@, @STYLE@, @INDEX_BYTES@, @BLOCKS@ and @SCRIPT@, each once.
extern const std::string_view kPageShell;
extern const std::string_view kPageStyle;
extern const std::string_view kPageScript;

}  // namespace harness::report
