#include "services/cloudwatch/units.h"

#include <algorithm>
#include <iterator>

namespace brume::cloudwatch {
namespace {

// The API's StandardUnit. The order is kept on disk: new ones go to the end.
constexpr std::string_view kUnits[] = {"None",
                                       "Seconds",
                                       "Microseconds",
                                       "Milliseconds",
                                       "Bytes",
                                       "Kilobytes",
                                       "Megabytes",
                                       "Gigabytes",
                                       "Terabytes",
                                       "Bits",
                                       "Kilobits",
                                       "Megabits",
                                       "Gigabits",
                                       "Terabits",
                                       "Percent",
                                       "Count",
                                       "Bytes/Second",
                                       "Kilobytes/Second",
                                       "Megabytes/Second",
                                       "Gigabytes/Second",
                                       "Terabytes/Second",
                                       "Bits/Second",
                                       "Kilobits/Second",
                                       "Megabits/Second",
                                       "Gigabits/Second",
                                       "Terabits/Second",
                                       "Count/Second"};

}  // namespace

std::optional<std::uint8_t> unit_code(std::string_view unit) {
  if (unit.empty()) return 0;
  const auto* found = std::ranges::find(kUnits, unit);
  if (found == std::end(kUnits)) return {};
  return std::uint8_t(found - std::begin(kUnits));
}

std::string_view unit_name(std::uint8_t code) {
  return kUnits[code];
}

std::uint8_t unit_codes() {
  return std::uint8_t(std::size(kUnits));
}

}  // namespace brume::cloudwatch
