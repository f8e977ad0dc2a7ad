#include "services/logs/insights/groups.h"

#include <algorithm>
#include <utility>

namespace brume::logs::insights {
namespace {

// A key's text begins with its kind and ends with its length, so that no two combinations have the same.
void append_key(std::string& out, const Value& value, Scratch& scratch) {
  if (value.missing() || value.kind == Value::Kind::json) {
    out += '-';
    return;
  }
  if (value.kind == Value::Kind::time) {
    out += 't';
    out.append(reinterpret_cast<const char*>(&value.number), sizeof value.number);
    return;
  }
  const std::string_view text = *to_text(value, scratch);
  const std::size_t size = text.size();
  out += 'x';
  out += text;
  out.append(reinterpret_cast<const char*>(&size), sizeof size);
}

bool before(const std::vector<OwnedValue>& a, const std::vector<OwnedValue>& b, std::size_t keys) {
  for (std::size_t i = 0; i < keys; ++i) {
    const std::weak_ordering order = sort_order(a[i].view(), b[i].view());
    const bool times = a[i].kind == Value::Kind::time && b[i].kind == Value::Kind::time;
    if (order != 0) return times ? order > 0 : order < 0;
  }
  return false;
}

}  // namespace

Result<Groups::Group*> Groups::make(const std::string& key, std::vector<OwnedValue> values) {
  if (groups_.size() >= bounds_.groups)
    return fail("LimitExceededException",
                "The stats command has more than {} groups; group by fewer or coarser values, or filter before",
                bounds_.groups);
  Group& group = groups_[key];
  group.keys = std::move(values);
  group.accumulators.resize(stage_->aggregates.size());
  bytes_ += sizeof(group) + 2 * key.size() + 64;
  return &group;
}

Result<void> Groups::grew(Group& group) {
  std::size_t bytes = 0;
  for (const Accumulator& accumulator : group.accumulators) bytes += accumulator.bytes();
  bytes_ += bytes - group.bytes;
  group.bytes = bytes;
  if (bytes_ > bounds_.bytes)
    return fail("LimitExceededException",
                "The groups of the stats command take more than {} MiB; group by fewer values, or filter before",
                bounds_.bytes >> 20);
  return {};
}

Result<void> Groups::add(Frame& frame) {
  key_.clear();
  values_.clear();
  for (const Column& key : stage_->keys) {
    values_.push_back(frame.evaluate(key.value));
    append_key(key_, values_.back(), frame.scratch());
  }
  auto found = groups_.find(key_);
  Group* group = found == groups_.end() ? nullptr : &found->second;
  bool growing = false;
  if (group == nullptr) {
    BRUME_TRY(made, make(key_, std::vector<OwnedValue>(values_.begin(), values_.end())));
    group = made;
    growing = true;
  }
  double time = 0;
  if (stage_->needs_time) time = to_number(frame.evaluate(stage_->time)).value_or(0);
  for (std::size_t i = 0; i < stage_->aggregates.size(); ++i) {
    const Aggregate& aggregate = stage_->aggregates[i];
    const Value value = aggregate.all ? Value{} : frame.evaluate(aggregate.argument);
    group->accumulators[i].add(aggregate, value, time, frame.scratch());
    growing = growing || aggregate.kind >= Aggregate::Kind::percentile ||
              aggregate.kind == Aggregate::Kind::count_distinct || aggregate.kind == Aggregate::Kind::minimum ||
              aggregate.kind == Aggregate::Kind::maximum;
  }
  return growing ? grew(*group) : Result<void>();
}

Result<void> Groups::merge(Groups&& other) {
  for (auto& [key, from] : other.groups_) {
    const auto found = groups_.find(key);
    Group* into = found == groups_.end() ? nullptr : &found->second;
    if (into == nullptr) {
      BRUME_TRY(made, make(key, std::move(from.keys)));
      into = made;
    }
    for (std::size_t i = 0; i < stage_->aggregates.size(); ++i)
      into->accumulators[i].merge(stage_->aggregates[i], from.accumulators[i]);
    BRUME_CHECK(grew(*into));
  }
  return {};
}

std::vector<std::vector<OwnedValue>> Groups::rows() const {
  std::vector<std::vector<OwnedValue>> out;
  Frame frame(*stage_);
  for (const auto& [key, group] : groups_) {
    std::vector<OwnedValue> aggregates, results;
    for (std::size_t i = 0; i < stage_->aggregates.size(); ++i)
      aggregates.push_back(group.accumulators[i].result(stage_->aggregates[i]));
    for (const Column& column : stage_->results) {
      frame.begin_group(aggregates, results);
      results.emplace_back(frame.evaluate(column.value));
    }
    std::vector<OwnedValue> row = group.keys;
    row.insert(row.end(), std::make_move_iterator(results.begin()), std::make_move_iterator(results.end()));
    out.push_back(std::move(row));
  }
  std::ranges::sort(out, [&](const auto& a, const auto& b) { return before(a, b, stage_->keys.size()); });
  return out;
}

}  // namespace brume::logs::insights
