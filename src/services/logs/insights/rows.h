// The rows of a result as they are found: the first so many by the query's order, without duplicates if it has dedup.
//
// Of rows that the order does not tell apart, the one that was added first comes first. dedup keeps the first row of
// each combination of values; rows in which one is missing are all kept ("dedup" of the guide).
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "services/logs/insights/frame.h"
#include "services/logs/insights/groups.h"

namespace brume::logs::insights {

// Fields and their values, in order; without those that are missing.
using Row = std::vector<std::pair<std::string, std::string>>;

class TopRows {
 public:
  // At most `limit` of them. The plan has to outlive it.
  TopRows(const Plan& plan, std::size_t limit, Bounds bounds);
  TopRows(TopRows&&) noexcept;
  TopRows& operator=(TopRows&&) = delete;

  // What became of the record or row that `frame` is at.
  enum class Outcome : std::uint8_t {
    kept,
    kept_last,  // and now there are as many as are wanted, of which it is the last
    beyond,     // there are as many as are wanted, and it is not before the last of them
    duplicate
  };
  // Errors: LimitExceededException, the rows take too much memory.
  Result<Outcome> add(Frame& frame);
  Result<void> merge(TopRows&& other);

  [[nodiscard]] bool full() const { return rows_.size() >= limit_; }
  [[nodiscard]] std::vector<Row> rows() const;

 private:
  struct Kept {
    std::vector<OwnedValue> keys;
    std::uint64_t turn = 0;
    std::string duplicate;  // what dedup compares; empty if it does not
    Row row;
    std::size_t bytes = 0;
  };
  struct Before {
    const Plan* plan;
    bool operator()(const Kept& a, const Kept& b) const;
  };
  using Rows = std::set<Kept, Before>;

  [[nodiscard]] bool before_last(const std::vector<Value>& keys) const;
  Result<Outcome> insert(Kept kept);
  void drop(Rows::iterator row);

  const Plan* plan_;
  std::size_t limit_;
  Bounds bounds_;
  Rows rows_;
  std::unordered_map<std::string, Rows::iterator> by_duplicate_;
  std::uint64_t turn_ = 0;
  std::size_t bytes_ = 0;
  std::vector<Value> keys_;  // of the row at hand; kept for its memory
};

}  // namespace brume::logs::insights
