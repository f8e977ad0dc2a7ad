// `*` (any run) and `?` (any one character), as EC2 filters use them; `\` escapes.
#pragma once

#include <string_view>

namespace brume::services {

bool wildcard_match(std::string_view pattern, std::string_view text);

}  // namespace brume::services
