#include "services/logs/insights/rows.h"

#include <iterator>
#include <utility>

namespace brume::logs::insights {
namespace {

std::weak_ordering order_of(const SortKey& key, const Value& a, const Value& b) {
  return key.descending ? sort_order(b, a) : sort_order(a, b);
}

// Empty if a value is missing: such rows have no duplicates.
std::string duplicate_key(const Plan& plan, Frame& frame) {
  std::string out;
  for (const Node& node : plan.dedup) {
    const std::optional<std::string_view> text = to_text(frame.evaluate(node), frame.scratch());
    if (!text) return {};
    fmt::format_to(std::back_inserter(out), "{}:{}", text->size(), *text);
  }
  return out;
}

Row row_of(Frame& frame) {
  Row out;
  for (const Column& column : frame.stage().columns)
    if (const Value value = frame.evaluate(column.value); !value.missing()) out.emplace_back(column.name, print(value));
  if (frame.record() != nullptr) out.emplace_back("@ptr", frame.record()->pointer);
  return out;
}

}  // namespace

bool TopRows::Before::operator()(const Kept& a, const Kept& b) const {
  for (std::size_t i = 0; i < plan->sort.size(); ++i) {
    const std::weak_ordering order = order_of(plan->sort[i], a.keys[i].view(), b.keys[i].view());
    if (order != 0) return order < 0;
  }
  return a.turn < b.turn;
}

TopRows::TopRows(const Plan& plan, std::size_t limit, Bounds bounds)
    : plan_(&plan), limit_(limit), bounds_(bounds), rows_(Before{&plan}) {}

// Places in a set stay good when it is moved.
TopRows::TopRows(TopRows&&) noexcept = default;

bool TopRows::before_last(const std::vector<Value>& keys) const {
  const Kept& last = *std::prev(rows_.end());
  for (std::size_t i = 0; i < plan_->sort.size(); ++i) {
    const std::weak_ordering order = order_of(plan_->sort[i], keys[i], last.keys[i].view());
    if (order != 0) return order < 0;
  }
  return false;
}

Result<TopRows::Outcome> TopRows::add(Frame& frame) {
  keys_.clear();
  for (const SortKey& key : plan_->sort) keys_.push_back(frame.evaluate(key.value));
  if (full() && (plan_->limit_any || !before_last(keys_))) return Outcome::beyond;
  Kept kept;
  kept.keys = std::vector<OwnedValue>(keys_.begin(), keys_.end());
  if (!plan_->dedup.empty()) kept.duplicate = duplicate_key(*plan_, frame);
  kept.row = row_of(frame);
  return insert(std::move(kept));
}

Result<TopRows::Outcome> TopRows::insert(Kept kept) {
  kept.turn = turn_++;
  if (!kept.duplicate.empty()) {
    if (const auto known = by_duplicate_.find(kept.duplicate); known != by_duplicate_.end()) {
      if (!Before{plan_}(kept, *known->second)) return Outcome::duplicate;
      drop(known->second);
    }
  }
  kept.bytes = sizeof(kept) + 64 + 2 * kept.duplicate.size();
  for (const OwnedValue& key : kept.keys) kept.bytes += key.bytes();
  for (const auto& [name, value] : kept.row) kept.bytes += sizeof(Row::value_type) + name.size() + value.size();
  bytes_ += kept.bytes;
  const auto place = rows_.insert(std::move(kept)).first;
  if (!place->duplicate.empty()) by_duplicate_.emplace(place->duplicate, place);
  if (rows_.size() > limit_) {
    const auto last = std::prev(rows_.end());
    const bool itself = last == place;
    drop(last);
    if (itself) return Outcome::beyond;
  }
  if (bytes_ > bounds_.bytes)
    return fail("LimitExceededException",
                "The rows of the result take more than {} MiB; show fewer fields, or set a lower limit",
                bounds_.bytes >> 20);
  return full() && std::next(place) == rows_.end() ? Outcome::kept_last : Outcome::kept;
}

void TopRows::drop(Rows::iterator row) {
  bytes_ -= row->bytes;
  if (!row->duplicate.empty()) by_duplicate_.erase(row->duplicate);
  rows_.erase(row);
}

Result<void> TopRows::merge(TopRows&& other) {
  for (auto row = other.rows_.begin(); row != other.rows_.end();) {
    const auto next = std::next(row);
    BRUME_CHECK(insert(std::move(other.rows_.extract(row).value())));
    row = next;
  }
  return {};
}

std::vector<Row> TopRows::rows() const {
  std::vector<Row> out;
  out.reserve(rows_.size());
  for (const Kept& kept : rows_) out.push_back(kept.row);
  return out;
}

}  // namespace brume::logs::insights
