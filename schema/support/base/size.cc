#include "schema/support/base/size.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

namespace support {

std::optional<uint64_t> sizeFromText(std::string_view text) {
  uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  unit.remove_prefix(std::min(unit.size(), unit.find_first_not_of(' ')));
  constexpr std::pair<std::string_view, int> kUnits[] = {{"", 0},     {"KiB", 10}, {"MiB", 20},
                                                         {"GiB", 30}, {"TiB", 40}, {"K", 10},
                                                         {"M", 20},   {"G", 30},   {"T", 40}};
  auto known = std::find_if(std::begin(kUnits), std::end(kUnits),
                            [&](const auto& each) { return unit == each.first; });
  if (known == std::end(kUnits) || number > (UINT64_MAX >> known->second)) return std::nullopt;
  return number << known->second;
}

}  // namespace support
