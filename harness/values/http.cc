#include <strings.h>

#include <ostream>

#include <muster/http.h>

#include "schema/support/base/text.h"

namespace muster {
namespace {

constexpr size_t kBodyShownBytes = 1000;

}  // namespace

std::string HttpResponse::header(const std::string& name) const {
  for (const auto& [each, value] : headers) {
    if (::strcasecmp(each.c_str(), name.c_str()) == 0) return value;
  }
  return "";
}

void PrintTo(const HttpResponse& response, std::ostream* out) {
  *out << "status " << response.status;
  for (const auto& [name, value] : response.headers) {
    *out << "\n  " << support::printable(name) << ": " << support::printable(value);
  }
  std::string_view shown = support::beginningOf(response.body, kBodyShownBytes);
  *out << "\n  body of " << response.body.size() << " bytes: " << support::printable(shown);
  if (shown.size() < response.body.size()) *out << "…";
}

}  // namespace muster
