// Scalars as text: what the query, XML and URI forms of a value share.
#pragma once

#include <string>
#include <string_view>

#include "base/reflect.h"
#include "base/result.h"

namespace brume::aws {

// `fallback`: of timestamps whose format the model leaves open. The shape must be a scalar's.
std::string to_text(const Shape& shape, const Member* member, const void* value,
                    TimeFormat fallback = TimeFormat::iso8601);

// Strict: the whole text is the value. Timestamps may be of any of AWS's formats. Errors: SerializationException,
// saying what was expected; callers add the place.
Result<void> from_text(const Shape& shape, void* out, std::string_view text);

// As from_text(), for the result's timestamps.
Result<Timestamp> parse_any_time(std::string_view text);

}  // namespace brume::aws
