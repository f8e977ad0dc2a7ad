#include "services/logs/insights/accumulator.h"

#include <cmath>
#include <optional>

namespace brume::logs::insights {

using Kind = Aggregate::Kind;

void Accumulator::keep_if(bool better, const Value& value) {
  if (!kept_.view().missing() && !better) return;
  kept_.kind = value.kind;
  kept_.number = value.number;
  kept_.text = value.text;
}

void Accumulator::add_extreme(const Aggregate& aggregate, const Value& value) {
  const bool least = aggregate.kind == Kind::minimum;
  const std::optional<double> number = to_number(value), kept = to_number(kept_.view());
  if (number && kept) return keep_if(least ? *number < *kept : *number > *kept, value);
  if (number || kept) return keep_if(number.has_value(), value);
  const std::weak_ordering order = sort_order(value, kept_.view());
  keep_if(least ? order < 0 : order > 0, value);
}

void Accumulator::add(const Aggregate& aggregate, const Value& value, double time, Scratch& scratch) {
  if (aggregate.all) {
    ++count_;
    return;
  }
  if (value.missing() || value.kind == Value::Kind::json) return;
  switch (aggregate.kind) {
    case Kind::count:
      ++count_;
      return;
    case Kind::count_distinct:
      if (!distinct_) distinct_ = std::make_unique<Distinct>();
      distinct_->add(*to_text(value, scratch));
      return;
    case Kind::sum:
    case Kind::average:
    case Kind::deviation:
    case Kind::percentile: {
      const std::optional<double> number = to_number(value);
      if (!number) return;
      ++count_;
      sum_ += *number;
      const double before = *number - mean_;
      mean_ += before / double(count_);
      squares_ += before * (*number - mean_);
      if (aggregate.kind == Kind::percentile) {
        if (!quantiles_) quantiles_ = std::make_unique<Quantiles>();
        quantiles_->add(*number);
      }
      return;
    }
    case Kind::minimum:
    case Kind::maximum:
      return add_extreme(aggregate, value);
    case Kind::earliest:
    case Kind::latest: {
      const bool better = aggregate.kind == Kind::earliest ? time < time_ : time > time_;
      if (kept_.view().missing() || better) time_ = time;
      return keep_if(better, value);
    }
    case Kind::sorts_first:
      return keep_if(sort_order(value, kept_.view()) < 0, value);
    case Kind::sorts_last:
      return keep_if(sort_order(value, kept_.view()) > 0, value);
  }
}

void Accumulator::merge(const Aggregate& aggregate, const Accumulator& other) {
  if (const std::uint64_t both = count_ + other.count_; both > 0) {
    const double apart = other.mean_ - mean_;
    const double share = double(other.count_) / double(both);
    squares_ += other.squares_ + apart * apart * double(count_) * share;
    mean_ += apart * share;
    sum_ += other.sum_;
    count_ = both;
  }
  if (other.quantiles_) {
    if (!quantiles_) quantiles_ = std::make_unique<Quantiles>();
    quantiles_->merge(*other.quantiles_);
  }
  if (other.distinct_) {
    if (!distinct_) distinct_ = std::make_unique<Distinct>();
    distinct_->merge(*other.distinct_);
  }
  Scratch none;
  const bool keeps =
      aggregate.kind >= Kind::earliest || aggregate.kind == Kind::minimum || aggregate.kind == Kind::maximum;
  if (keeps) add(aggregate, other.kept_.view(), other.time_, none);
}

OwnedValue Accumulator::result(const Aggregate& aggregate) const {
  const auto number = [&](double value) { return count_ > 0 ? OwnedValue(Value::of(value)) : OwnedValue(); };
  switch (aggregate.kind) {
    case Kind::count:
      return OwnedValue(Value::of(double(count_)));
    case Kind::count_distinct:
      return OwnedValue(Value::of(distinct_ ? distinct_->count() : 0.0));
    case Kind::sum:
      return number(sum_);
    case Kind::average:
      return number(sum_ / double(count_));
    case Kind::deviation:
      return number(std::sqrt(squares_ / double(count_)));
    case Kind::percentile:
      return quantiles_ ? OwnedValue(Value::of(quantiles_->at(aggregate.percent))) : OwnedValue();
    default:
      return kept_;
  }
}

std::size_t Accumulator::bytes() const {
  return sizeof(*this) + kept_.text.capacity() + (quantiles_ ? quantiles_->bytes() : 0) +
         (distinct_ ? distinct_->bytes() : 0);
}

}  // namespace brume::logs::insights
