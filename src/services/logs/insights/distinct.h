// How many different texts there were.
//
// Exact up to 4,096 of them. With more, HyperLogLog (Flajolet et al., 2007) with 16,384 registers: a standard error of
// 0.8 %, as the guide says of count_distinct that it is an approximation then. Merging is exact in the same sense.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace brume::logs::insights {

class Distinct {
 public:
  void add(std::string_view text);
  void merge(const Distinct& other);
  [[nodiscard]] double count() const;
  // Bytes it takes, roughly.
  [[nodiscard]] std::size_t bytes() const;

 private:
  void add_hash(std::uint64_t hash);
  void to_registers();
  void note(std::uint64_t hash);

  std::unordered_set<std::uint64_t> hashes_;
  std::vector<std::uint8_t> registers_;  // empty while exact
};

}  // namespace brume::logs::insights
