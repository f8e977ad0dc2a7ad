// Percentiles of numbers as they come.
//
// Exact up to 512 numbers (nearest rank: the smallest number that at least so many percent are not above). With more,
// a DDSketch (Masson, Rim, Lee: "DDSketch", VLDB 2019): counts in buckets whose bounds grow by a factor of 1.01, so
// that an answer is within 0.5 % of the exact one. Merging gives what adding all to one would, within the same error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace brume::logs::insights {

class Quantiles {
 public:
  // Finite numbers only.
  void add(double number);
  void merge(const Quantiles& other);
  // `percent` from 0 to 100. There must be a number.
  [[nodiscard]] double at(double percent) const;
  [[nodiscard]] std::uint64_t count() const { return count_; }
  // Bytes it takes, roughly.
  [[nodiscard]] std::size_t bytes() const;

 private:
  void to_sketch();
  void add_to_sketch(double number);

  std::uint64_t count_ = 0;
  bool sketch_ = false;
  std::vector<double> exact_;
  std::map<int, std::uint64_t> negative_, positive_;  // by the logarithm of the absolute value
  std::uint64_t zeros_ = 0;
};

}  // namespace brume::logs::insights
