// Units of samples as small numbers, as they are kept.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace brume::cloudwatch {

// 0 is "None", which is also what a sample without a unit has. None for what is no unit of CloudWatch's.
std::optional<std::uint8_t> unit_code(std::string_view unit);
// Its name ("None" for 0). The code must be one that unit_code() gave.
std::string_view unit_name(std::uint8_t code);
// How many codes there are.
std::uint8_t unit_codes();

}  // namespace brume::cloudwatch
