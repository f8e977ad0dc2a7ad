// Base64 (RFC 4648) with padding.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace brume {

std::string base64_encode(std::string_view bytes);
// Strict but for line breaks, which MIME encoders add. Errors: ValidationError.
Result<std::string> base64_decode(std::string_view text);

}  // namespace brume
