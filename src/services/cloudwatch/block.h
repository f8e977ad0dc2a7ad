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

void put_aggregate(std::string& out, const Aggregate& samples);
Aggregate read_aggregate(ByteReader& in);

// A point whose samples are still bytes, of somebody else's: most go from the journal to a block, and from one to
// another, without being looked at.
struct PackedPoint {
  std::uint32_t time = 0;  // seconds since the epoch
  std::uint8_t slot = 0, unit = 0, form = 0;
  std::string_view body;  // form and body: what put_aggregate() writes
};

// Into the order in which write_block() wants them: by slot, time and unit; those that are alike stay in theirs.
void sort_points(std::vector<PackedPoint>& points);
// `points` in that order; those of one slot, time and unit are put together. Times are multiples of the level's period
// and not before `begin`. Bodies must be readable.
std::string write_block(const Level& level, std::uint32_t begin, const std::vector<PackedPoint>& points);
// Adds all points of a block, whose bytes they are. Errors: InternalFailure.
Result<void> read_packed(const Level& level, std::uint32_t begin, std::string_view bytes,
                         std::vector<PackedPoint>& points);
// Calls `each` for every point of one slot in [from, to), both seconds. Errors: InternalFailure.
Result<void> read_block(const Level& level, std::uint32_t begin, std::string_view bytes, std::uint8_t slot,
                        std::uint32_t from, std::uint32_t to, const std::function<void(Point&& point)>& each);

}  // namespace brume::cloudwatch
