// The operators and functions of metric maths, each from values to a value. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "services/cloudwatch/expression/series.h"

namespace brume::cloudwatch::expression {

struct Range;

struct Argument {
  std::string word;  // AVG, DESC, REPEAT; empty: `value`
  Value value;
};

// Applies `f` to the number, or to each point; points for which it has no value are dropped, a number becomes NaN.
Result<Value> each_value(const Value& value, const std::function<std::optional<double>(double)>& f);

// `meaning` as in Node. Errors: ValidationError for arrays of different sizes.
Result<Value> combine(std::string_view meaning, const Value& left, const Value& right);

// Errors: ValidationError for names that are not functions (or not Brume's), and for arguments that do not fit.
Result<Value> call_function(const std::string& name, const std::vector<Argument>& arguments, const Range& range);

}  // namespace brume::cloudwatch::expression
