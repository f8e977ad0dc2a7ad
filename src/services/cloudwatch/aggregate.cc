#include "services/cloudwatch/aggregate.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace brume::cloudwatch {
namespace {

constexpr int kFinestBuckets = 6;  // 2^6 of them where values double

// In ascending order of the value, for finite values.
std::int64_t bucket(double value, int fineness) {
  if (value == 0) return 0;
  // Values are at least 2^-1074: moved up, so that the sign of a bucket is the value's.
  const auto size = std::int64_t(std::floor(std::ldexp(std::log2(std::abs(value)) + 1080, fineness))) + 1;
  return value < 0 ? -size : size;
}

// Puts together neighbours with the same `group(value)`.
template <typename F>
void merge_neighbours(std::vector<ValueCount>& values, F&& group) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < values.size();) {
    const auto which = group(values[i].value);
    ValueCount all = values[i];
    for (++i; i < values.size() && group(values[i].value) == which; ++i) {
      all.count += values[i].count;
      all.value += (values[i].value - all.value) * (values[i].count / all.count);
    }
    values[kept++] = all;
  }
  values.resize(kept);
}

// Sorted values, each once, at most kMaxValues.
void tidy(std::vector<ValueCount>& values) {
  merge_neighbours(values, [](double value) { return value; });
  for (int fineness = kFinestBuckets; values.size() > kMaxValues; --fineness)
    merge_neighbours(values, [&](double value) { return bucket(value, fineness); });
}

}  // namespace

std::vector<ValueCount> Aggregate::distribution() const {
  return values.empty() ? std::vector<ValueCount>{{minimum, count}} : values;
}

Aggregate one_value(double value, double count) {
  return {.sum = value * count, .count = count, .minimum = value, .maximum = value, .values = {}};
}

Aggregate of_values(std::vector<ValueCount> values) {
  std::erase_if(values, [](const ValueCount& v) { return v.count == 0; });
  std::ranges::sort(values, {}, &ValueCount::value);
  Aggregate all;
  for (const ValueCount& v : values) {
    all.sum += v.value * v.count;
    all.count += v.count;
  }
  all.minimum = values.front().value;
  all.maximum = values.back().value;
  tidy(values);
  if (all.minimum != all.maximum) all.values = std::move(values);
  return all;
}

void add(Aggregate& total, const Aggregate& more) {
  if (more.count == 0) return;
  if (total.count == 0) {
    total = more;
    return;
  }
  const bool same = total.minimum == total.maximum && more.minimum == more.maximum && total.minimum == more.minimum;
  if (same) {
    // A product is nearer to the truth than many additions, and less to keep.
    const auto exact = [](const Aggregate& a) { return a.sum == a.minimum * a.count; };
    if (exact(total) && exact(more)) {
      total.count += more.count;
      total.sum = total.minimum * total.count;
      return;
    }
  } else {
    if (total.values_known() && more.values_known()) {
      const auto a = total.distribution(), b = more.distribution();
      total.values.clear();
      total.values.reserve(a.size() + b.size());
      std::ranges::merge(a, b, std::back_inserter(total.values), {}, &ValueCount::value, &ValueCount::value);
      tidy(total.values);
    } else {
      total.values.clear();
    }
  }
  total.sum += more.sum;
  total.count += more.count;
  total.minimum = std::min(total.minimum, more.minimum);
  total.maximum = std::max(total.maximum, more.maximum);
}

Aggregate put_together(const std::vector<Aggregate>& all) {
  const double value = all.front().minimum;
  const auto is_it = [&](const Aggregate& a) { return a.minimum == value && a.maximum == value; };
  Aggregate total = all.front();
  if (all.size() < 3 || std::ranges::all_of(all, is_it)) {
    for (std::size_t i = 1; i < all.size(); ++i) add(total, all[i]);
    return total;
  }
  std::vector<ValueCount> values;
  const bool known = std::ranges::all_of(all, &Aggregate::values_known);
  for (const Aggregate& each : all) {
    if (known && each.values.empty()) values.push_back({each.minimum, each.count});
    if (known) values.insert(values.end(), each.values.begin(), each.values.end());
    if (&each == &all.front()) continue;
    total.sum += each.sum;
    total.count += each.count;
    total.minimum = std::min(total.minimum, each.minimum);
    total.maximum = std::max(total.maximum, each.maximum);
  }
  std::ranges::stable_sort(values, {}, &ValueCount::value);
  tidy(values);
  total.values = std::move(values);
  return total;
}

}  // namespace brume::cloudwatch
