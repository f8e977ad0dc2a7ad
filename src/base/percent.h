// Percent-encoding (RFC 3986).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace brume {

// All but RFC 3986's unreserved characters become %XX; `keep` are left alone as well.
std::string percent_encode(std::string_view text, std::string_view keep = "");
// `plus_is_space` as in forms. Errors: MalformedQueryString for a broken escape.
Result<std::string> percent_decode(std::string_view text, bool plus_is_space);

}  // namespace brume
