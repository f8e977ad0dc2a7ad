// The groups of a stats command: one for each combination of values of what follows `by`.
//
// Their number and the memory they take are bounded; over a bound, adding fails and says which. Two tables of the same
// stage can be merged, so that parts of a log may be scanned by themselves.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "services/logs/insights/accumulator.h"
#include "services/logs/insights/frame.h"

namespace brume::logs::insights {

// What a run may take. Errors over a bound have the code LimitExceededException.
struct Bounds {
  std::size_t groups = 100'000;
  std::size_t bytes = std::size_t(256) << 20;  // of groups or of rows that are kept, roughly
};

class Groups {
 public:
  // The stage has to outlive it.
  Groups(const Stage& stage, Bounds bounds) : stage_(&stage), bounds_(bounds) {}

  // The record or row that `frame` is at, which passed the filters.
  Result<void> add(Frame& frame);
  Result<void> merge(Groups&& other);
  // The columns of each group, keys first. Ordered by the keys: times newest first, all else as `sort` does.
  [[nodiscard]] std::vector<std::vector<OwnedValue>> rows() const;

 private:
  struct Group {
    std::vector<OwnedValue> keys;
    std::vector<Accumulator> accumulators;
    std::size_t bytes = 0;
  };
  Result<Group*> make(const std::string& key, std::vector<OwnedValue> values);
  Result<void> grew(Group& group);

  const Stage* stage_;
  Bounds bounds_;
  std::unordered_map<std::string, Group> groups_;
  std::size_t bytes_ = 0;
  std::string key_;  // of the record at hand; kept for its memory
  std::vector<Value> values_;
};

}  // namespace brume::logs::insights
