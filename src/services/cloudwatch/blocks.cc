#include "services/cloudwatch/blocks.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>

namespace brume::cloudwatch {
namespace {

constexpr const char* kTable = "cloudwatch.blocks";
constexpr std::ptrdiff_t kMostParts = 8;  // of a window and tier, before they are made one of the next tier

// Level, chunk and number of the window.
std::string key_of(const Level& level, std::uint32_t chunk, std::uint32_t window) {
  return fmt::format("{}{:08x}{:08x}", level.name, chunk, window);
}
// And of its part, and the part's tier.
std::string key_of(const std::string& window, std::uint32_t part, std::uint32_t tier) {
  return fmt::format("{}{:08x}{:x}", window, part, tier);
}

std::uint32_t hex(std::string_view digits) {
  std::uint32_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return value;
}
std::uint32_t window_of(std::string_view key) {
  return hex(key.substr(9, 8));
}
std::uint32_t part_of(std::string_view key) {
  return hex(key.substr(17, 8));
}
std::uint32_t tier_of(std::string_view key) {
  return hex(key.substr(25));
}

// In order, those of the same time and unit put together.
std::vector<SlotPoints> put_together(std::vector<PendingSample> samples) {
  std::ranges::stable_sort(samples, {},
                           [](const PendingSample& s) { return std::tuple(s.slot, s.point.time, s.point.unit); });
  std::vector<SlotPoints> out;
  for (PendingSample& sample : samples) {
    if (out.empty() || out.back().slot != sample.slot) out.push_back({sample.slot, {}});
    std::vector<Point>& points = out.back().points;
    if (!points.empty() && points.back().time == sample.point.time && points.back().unit == sample.point.unit)
      cloudwatch::add(points.back().samples, sample.point.samples);
    else
      points.push_back(std::move(sample.point));
  }
  return out;
}

}  // namespace

Result<void> Blocks::open() {
  ranges_ = store::ranges_of(store_);
  if (!ranges_) return fail_internal("The store cannot read parts of a table, which metrics need.");
  return {};
}

void Blocks::record(std::string key, std::optional<std::string> value) {
  store_.record({kTable, region_, std::move(key), std::move(value)}, {});
}

Result<void> Blocks::add(std::uint32_t chunk, const std::vector<PendingSample>& samples) {
  for (const Level& level : kLevels) {
    std::map<std::uint32_t, std::vector<PendingSample>> windows;
    for (const PendingSample& sample : samples) {
      if (&level == &kFinest && !sample.high_resolution) continue;
      const std::uint32_t time = sample.point.time / level.period * level.period;
      PendingSample& added = windows[time / level.window].emplace_back(sample);
      added.point.time = time;
    }
    for (auto& [window, inside] : windows) BRUME_CHECK(add(chunk, level, window, std::move(inside)));
  }
  return {};
}

Result<void> Blocks::add(std::uint32_t chunk, const Level& level, std::uint32_t window,
                         std::vector<PendingSample> samples) {
  const std::string first = key_of(level, chunk, window), end = key_of(level, chunk, window + 1);
  const std::uint32_t begin = window * level.window;
  BRUME_TRY(parts, ranges_->keys(kTable, region_, first, end));
  const std::uint32_t part = parts.empty() ? 0 : part_of(parts.back()) + 1;
  std::uint32_t tier = 0;
  for (;; ++tier) {
    const auto [same, rest] =
        std::ranges::partition(parts, [&](const std::string& key) { return tier_of(key) != tier; });
    if (rest - same + 1 < kMostParts) break;
    for (auto key = same; key != rest; ++key) BRUME_CHECK(take_apart(*key, level, begin, samples));
  }
  record(key_of(first, part, tier), write_block(level, begin, put_together(std::move(samples))));
  return {};
}

Result<void> Blocks::take_apart(const std::string& key, const Level& level, std::uint32_t begin,
                                std::vector<PendingSample>& samples) {
  BRUME_TRY(rows, ranges_->read(kTable, region_, key, key + '\0'));
  for (const store::Row& row : rows)
    BRUME_CHECK(read_block(level, begin, row.value, {}, [&](std::uint8_t slot, Point&& point) {
      samples.push_back({slot, false, std::move(point)});
    }));
  record(key, std::nullopt);
  return {};
}

Result<void> Blocks::read(std::uint32_t chunk, std::uint8_t slot, const Level& level, std::uint32_t from,
                          std::uint32_t to, const std::function<void(Point&&)>& each) const {
  if (from >= to) return {};
  BRUME_TRY(rows, ranges_->read(kTable, region_, key_of(level, chunk, from / level.window),
                                key_of(level, chunk, (to - 1) / level.window + 1)));
  for (const store::Row& row : rows)
    BRUME_CHECK(read_block(level, window_of(row.key) * level.window, row.value, slot, [&](std::uint8_t, Point&& point) {
      if (point.time >= from && point.time < to) each(std::move(point));
    }));
  return {};
}

Result<void> Blocks::drop_old(std::uint32_t chunk, std::uint32_t now) {
  for (const Level& level : kLevels) {
    const std::uint32_t kept = level.retention + kDropLag;
    if (now < kept) continue;
    BRUME_TRY(old, ranges_->keys(kTable, region_, key_of(level, chunk, 0),
                                 key_of(level, chunk, (now - kept) / level.window)));
    for (std::string& key : old) record(std::move(key), std::nullopt);
  }
  return {};
}

}  // namespace brume::cloudwatch
