// The language of SEARCH(): which metrics a search term finds ("CloudWatch search expression syntax", user guide).
//
// ' {Namespace, Dimension, …} term AND (MetricName="exact" OR InstanceType=micro) NOT other '. A word finds tokens:
// pieces of names between capitals, digits and other characters. A single token is found in any case, several in a row
// as they are written, or, where the word itself has characters between them, in any case. Quotes ask for the whole
// name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "services/cloudwatch/metric_reader.h"

namespace brume::cloudwatch::expression {

struct SearchTerm {
  enum class Kind : std::uint8_t { all_of, any_of, none_of, match } kind = Kind::all_of;
  std::vector<SearchTerm> terms;
  // A match: `text` in `property` (MetricName, Namespace, a dimension), or in any name or value if that is empty.
  std::string property, text;
  bool exact = false;
};

struct Search {
  std::optional<std::string> metric_namespace;
  std::vector<std::string> dimensions;  // if there are any, the metric has these and no others
  SearchTerm term;
};

// At most 1,024 characters. Errors: ValidationError.
Result<Search> parse_search(std::string_view text);

bool matches(const Search& search, const MetricId& metric);

// "SDBFailure-trial3" → SDB, Failure, trial, 3
std::vector<std::string_view> tokens(std::string_view text);

}  // namespace brume::cloudwatch::expression
