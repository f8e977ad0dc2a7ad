// Compressed bodies and files.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace brume::aws {

// The content of one gzip member. Errors: RequestEntityTooLarge (413) beyond `limit` bytes, SerializationException for
// what is not whole gzip.
Result<std::string> gunzip(std::string_view bytes, std::size_t limit);
// As one gzip member; members one after another are a gzip file too.
std::string gzip(std::string_view bytes);

}  // namespace brume::aws
