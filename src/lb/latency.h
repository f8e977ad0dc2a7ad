// Response times, counted in buckets: a bucket's width is at most a sixteenth of its values, so a percentile read from
// them is off by at most 3 %. (Log-linear buckets, as in HdrHistogram.)
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace brume::lb {

inline constexpr std::size_t kLatencyBuckets = 512;  // up to 2^36 µs; what takes longer is in the last

constexpr std::size_t latency_bucket(std::int64_t microseconds) {
  const auto value = std::uint64_t(std::max<std::int64_t>(microseconds, 0));
  const int shift = std::max(0, int(std::bit_width(value)) - 5);
  return std::min(std::size_t(shift) * 16 + std::size_t(value >> shift), kLatencyBuckets - 1);
}

// The middle of a bucket, in seconds.
constexpr double latency_of(std::size_t bucket) {
  const std::size_t shift = bucket < 32 ? 0 : bucket / 16 - 1;
  const double lowest = double((bucket - shift * 16) << shift);
  return (lowest + double((std::size_t{1} << shift) - 1) / 2) / 1e6;
}

}  // namespace brume::lb
