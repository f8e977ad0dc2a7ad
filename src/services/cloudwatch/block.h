// Samples as bytes: one of them, and blocks of them as they are kept on disk.
//
// A block holds, for some of the metrics of a chunk (64 of them, by their place in it) and one window of one level,
// points in the order of their time, each with its unit. Several blocks of one window are parts that add up.
// Reading checks everything; what cannot be read is an error, nothing is passed over.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "services/cloudwatch/aggregate.h"
#include "services/cloudwatch/levels.h"

namespace brume::cloudwatch {

struct Point {
  std::uint32_t time = 0;  // seconds since the epoch
  std::uint8_t unit = 0;   // units.h
  Aggregate samples;
};

struct SlotPoints {
  std::uint8_t slot = 0;
  std::vector<Point> points;  // by time and unit, each pair once
};

void put_aggregate(std::string& out, const Aggregate& samples);
Aggregate read_aggregate(ByteReader& in);

// `slots` in ascending order; times are multiples of the level's period and not before `begin`.
std::string write_block(const Level& level, std::uint32_t begin, const std::vector<SlotPoints>& slots);
// Calls `each` for every point, or those of one slot. Errors: InternalFailure.
Result<void> read_block(const Level& level, std::uint32_t begin, std::string_view bytes,
                        std::optional<std::uint8_t> only,
                        const std::function<void(std::uint8_t slot, Point&& point)>& each);

}  // namespace brume::cloudwatch
