// The query and ec2 protocols' requests: parameters such as `Filter.1.Value.2=x`, by form body or URL.
//
// Reading is strict: every index is a number from 1 to 100,000, no parameter is given twice, nesting is at most 32
// deep. Elements are taken in the order of their indices, gaps allowed. Leaves constraints to validate.h, answers to
// xml.h.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/reflect.h"
#include "base/result.h"

namespace brume::aws {

enum class QueryDialect : std::uint8_t { query, ec2 };

using Parameters = std::vector<std::pair<std::string, std::string>>;

// Reads the members of `shape` from `parameters`. `Action`, `Version` and those of a presigned URL (X-Amz-…) are passed
// over. Unknown parameters: ignored by query; ec2 answers UnknownParameter. Values that are not of their type:
// InvalidParameterValue (ec2), MalformedInput (query). Also: MalformedQueryString. `shape` may be null: no input.
Result<void> read_query(QueryDialect dialect, const Shape* shape, void* value, const Parameters& parameters);

// The form body of a request: Action, Version and the members. `shape` may be null.
std::string write_query(QueryDialect dialect, std::string_view action, std::string_view version, const Shape* shape,
                        const void* value);

// The member's name in requests.
std::string query_name(QueryDialect dialect, const Member& member);

}  // namespace brume::aws
