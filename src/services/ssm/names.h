// Parameter names, as PutParameter's documentation bounds them.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace brume::ssm {

// Errors: ValidationException (characters, the prefixes aws and ssm, "/" missing in a hierarchy),
// HierarchyLevelLimitExceededException.
Result<void> check_name(std::string_view name);

// Is `name` below `path` ("/web/" or "/web")? Directly below unless `recursive`.
bool is_below(std::string_view name, std::string_view path, bool recursive);

}  // namespace brume::ssm
