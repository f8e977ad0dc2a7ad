#include "services/logs/insights/distinct.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>

namespace brume::logs::insights {
namespace {

constexpr std::size_t kMostExact = 4096;
constexpr int kIndexBits = 14;
constexpr std::size_t kRegisters = std::size_t(1) << kIndexBits;

// The library's hash may leave bits alike for short texts; every bit counts here (SplitMix64's finish).
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t x = std::hash<std::string_view>()(text);
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

}  // namespace

void Distinct::add(std::string_view text) {
  add_hash(hash_of(text));
}

void Distinct::add_hash(std::uint64_t hash) {
  if (!registers_.empty()) return note(hash);
  hashes_.insert(hash);
  if (hashes_.size() > kMostExact) to_registers();
}

void Distinct::to_registers() {
  registers_.resize(kRegisters);
  for (const std::uint64_t hash : hashes_) note(hash);
  hashes_ = {};
}

void Distinct::note(std::uint64_t hash) {
  std::uint8_t& most = registers_[hash >> (64 - kIndexBits)];
  most = std::max(most, std::uint8_t(std::min(std::countl_zero(hash << kIndexBits), 64 - kIndexBits) + 1));
}

void Distinct::merge(const Distinct& other) {
  for (const std::uint64_t hash : other.hashes_) add_hash(hash);
  if (other.registers_.empty()) return;
  if (registers_.empty()) to_registers();
  for (std::size_t i = 0; i < kRegisters; ++i) registers_[i] = std::max(registers_[i], other.registers_[i]);
}

double Distinct::count() const {
  if (registers_.empty()) return double(hashes_.size());
  constexpr auto m = double(kRegisters);
  double sum = 0;
  for (const std::uint8_t most : registers_) sum += std::ldexp(1.0, -int(most));
  const double estimate = 0.7213 / (1 + 1.079 / m) * m * m / sum;
  // Few are counted better by how many registers are empty.
  const auto empty = double(std::ranges::count(registers_, 0));
  return std::round(estimate <= 2.5 * m && empty > 0 ? m * std::log(m / empty) : estimate);
}

std::size_t Distinct::bytes() const {
  return sizeof(*this) + hashes_.size() * 40 + registers_.size();
}

}  // namespace brume::logs::insights
