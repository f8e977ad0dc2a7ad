// Reads a query: its commands, in order, into a plan.
//
// The language is CloudWatch Logs Insights QL as its user guide describes it. Commands and functions that Brume does
// not have are refused by name. What the guide does not say and this decides: a name may be given once only (`as`,
// `parse`), `filter` comes before `limit`; `sort`, `limit` and `dedup` come after the last `stats`.
#pragma once

#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "services/logs/insights/plan.h"

namespace brume::logs::insights {

constexpr std::size_t kLongestQuery = 10'000;  // characters; StartQuery's queryString
constexpr std::size_t kMostRows = 10'000;      // of a result; also what it has without `limit`
constexpr std::size_t kMostStats = 2;          // stats commands of a query

// `now` is what now() answers. Errors: MalformedQueryException, a sentence and where in the query.
Result<Plan> parse_query(std::string_view text, Timestamp now);

}  // namespace brume::logs::insights
