// Fn::Cidr's arithmetic.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace brume::cloudformation::templates {

// The first `count` (1 to 256) blocks with `host_bits` of host part (IPv4: 1 to 31, IPv6: 1 to 127) inside a block.
Result<std::vector<std::string>> split_cidr(std::string_view block, int count, int host_bits);

}  // namespace brume::cloudformation::templates
