// Samples of a metric put together: how many, their sum, least and greatest, and the values themselves while they are
// known.
//
// Associative and commutative but for rounding, so samples may be put together in any order and grouping: raw ones
// into minutes, minutes into hours. Values are exact while there are at most kMaxValues distinct ones; beyond, near
// values of one sign are put together (buckets of 1.1%, 2.2%, … of their size, as fine as the bound allows), each kept
// as its mean.
#pragma once

#include <cstddef>
#include <vector>

namespace brume::cloudwatch {

constexpr std::size_t kMaxValues = 512;

struct ValueCount {
  double value = 0, count = 0;
  bool operator==(const ValueCount&) const = default;
};

struct Aggregate {
  double sum = 0, count = 0, minimum = 0, maximum = 0;
  // Ascending, each value once. Empty where all values are the same (minimum == maximum), or where they are not known
  // because a statistic set of different values is among the samples.
  std::vector<ValueCount> values;

  [[nodiscard]] bool values_known() const { return minimum == maximum || !values.empty(); }
  // The values, also where all are the same. They must be known.
  [[nodiscard]] std::vector<ValueCount> distribution() const;
  bool operator==(const Aggregate&) const = default;
};

// `count` (more than 0) samples of one value.
Aggregate one_value(double value, double count = 1);
// Values in any order, each with a count; those of count 0 are left out. At least one must count.
Aggregate of_values(std::vector<ValueCount> values);
// Adds `more` to `total`. An aggregate of count 0 is neutral.
void add(Aggregate& total, const Aggregate& more);
// The sum of one or more, none of count 0: at less cost than one by one where there are many values.
Aggregate put_together(const std::vector<Aggregate>& all);

}  // namespace brume::cloudwatch
