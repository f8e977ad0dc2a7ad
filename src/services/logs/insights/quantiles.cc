#include "services/logs/insights/quantiles.h"

#include <algorithm>
#include <cmath>
#include <ranges>

namespace brume::logs::insights {
namespace {

constexpr std::size_t kMostExact = 512;
constexpr double kGrowth = 1.01;

int bucket_of(double positive) {
  return int(std::ceil(std::log(positive) / std::log(kGrowth)));
}
// The number of a bucket that is equally far, as a ratio, from both its bounds.
double middle_of(int bucket) {
  return 2 * std::pow(kGrowth, bucket) / (kGrowth + 1);
}

}  // namespace

void Quantiles::add(double number) {
  ++count_;
  if (sketch_) return add_to_sketch(number);
  exact_.push_back(number);
  if (exact_.size() > kMostExact) to_sketch();
}

void Quantiles::to_sketch() {
  sketch_ = true;
  for (const double number : exact_) add_to_sketch(number);
  exact_ = {};
}

void Quantiles::add_to_sketch(double number) {
  if (number == 0)
    ++zeros_;
  else if (number > 0)
    ++positive_[bucket_of(number)];
  else
    ++negative_[bucket_of(-number)];
}

void Quantiles::merge(const Quantiles& other) {
  if (!other.sketch_) {
    for (const double number : other.exact_) add(number);
    return;
  }
  if (!sketch_) to_sketch();
  count_ += other.count_;
  zeros_ += other.zeros_;
  for (const auto& [bucket, count] : other.positive_) positive_[bucket] += count;
  for (const auto& [bucket, count] : other.negative_) negative_[bucket] += count;
}

double Quantiles::at(double percent) const {
  const auto rank = std::max<std::uint64_t>(1, std::uint64_t(std::ceil(percent / 100 * double(count_))));
  if (!sketch_) {
    std::vector<double> sorted = exact_;
    std::ranges::nth_element(sorted, sorted.begin() + std::ptrdiff_t(rank - 1));
    return sorted[rank - 1];
  }
  std::uint64_t seen = 0;
  for (const auto& [bucket, count] : std::views::reverse(negative_))
    if ((seen += count) >= rank) return -middle_of(bucket);
  if ((seen += zeros_) >= rank) return 0;
  for (const auto& [bucket, count] : positive_)
    if ((seen += count) >= rank) return middle_of(bucket);
  return positive_.empty() ? 0 : middle_of(positive_.rbegin()->first);
}

std::size_t Quantiles::bytes() const {
  return sizeof(*this) + exact_.capacity() * sizeof(double) + (negative_.size() + positive_.size()) * 64;
}

}  // namespace brume::logs::insights
