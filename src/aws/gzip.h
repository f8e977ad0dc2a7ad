// Request bodies that clients compress.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace brume::aws {

// The content of one gzip member. Errors: RequestEntityTooLarge (413) beyond `limit` bytes, SerializationException for
// what is not whole gzip.
Result<std::string> gunzip(std::string_view bytes, std::size_t limit);

}  // namespace brume::aws
