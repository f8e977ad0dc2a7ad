// Percent-encoding (RFC 3986).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace brume {

// Everything but letters, digits and "-_.~" as %XX; `keep_slash` leaves '/' as well.
std::string percent_encode(std::string_view text, bool keep_slash = false);
// Decodes %XX, and '+' as a space if `plus_is_space`. Errors: ValidationError for a broken escape.
Result<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

}  // namespace brume
