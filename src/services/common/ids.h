// Identifiers and ARNs as AWS forms them.
#pragma once

#include <string>
#include <string_view>

#include "env/random.h"

namespace brume::services {

// "vpc-0a1b…": the prefix, a dash and 17 hexadecimal digits, the first of them 0.
std::string new_id(env::Random& random, std::string_view prefix);
// Is `id` "<prefix>-" and 8 or 17 hexadecimal digits? (A malformed id is a different error from an unknown one.)
bool well_formed_id(std::string_view id, std::string_view prefix);
// "arn:aws:<service>:<region>:000000000000:<resource>"
std::string arn(std::string_view service, std::string_view region, std::string_view resource);

}  // namespace brume::services
