// What an aggregation function has seen of a group's records, in whatever order they came.
//
// As the guide's "Functions to use with stats" say; what it leaves open: the deviation is the population's; minimum and
// maximum are of numbers if there are any, else of texts in sort order; percentiles are in quantiles.h. Maps and lists
// are not aggregated, missing values neither.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "services/logs/insights/distinct.h"
#include "services/logs/insights/plan.h"
#include "services/logs/insights/quantiles.h"
#include "services/logs/insights/value.h"

namespace brume::logs::insights {

class Accumulator {
 public:
  // One value; `time` is the record's, for earliest and latest. All calls are with the same aggregate.
  void add(const Aggregate& aggregate, const Value& value, double time, Scratch& scratch);
  void merge(const Aggregate& aggregate, const Accumulator& other);
  [[nodiscard]] OwnedValue result(const Aggregate& aggregate) const;
  // Bytes it takes, roughly.
  [[nodiscard]] std::size_t bytes() const;

 private:
  void keep_if(bool better, const Value& value);
  void add_extreme(const Aggregate& aggregate, const Value& value);

  std::uint64_t count_ = 0;                  // of records, or of values that count
  double sum_ = 0, mean_ = 0, squares_ = 0;  // `squares_`: of the differences from the mean (Welford)
  double time_ = 0;
  OwnedValue kept_;
  std::unique_ptr<Quantiles> quantiles_;
  std::unique_ptr<Distinct> distinct_;
};

}  // namespace brume::logs::insights
