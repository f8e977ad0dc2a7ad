#include "services/cloudwatch/blocks.h"

#include <algorithm>
#include <charconv>

#include "services/cloudwatch/metric_tables.h"

namespace brume::cloudwatch {
namespace {

constexpr const char* kTable = "cloudwatch.blocks";
constexpr const char* kSizesTable = "cloudwatch.sizes";  // a row a level and window: bytes of all chunks' blocks
constexpr std::size_t kMostParts = 8;  // of a window and tier, before they are made one of the next tier

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

// What a row takes, but for the database's own.
std::uint64_t size_of(const store::Row& row) {
  return row.key.size() + row.value.size();
}

}  // namespace

// --- sizes ---

Result<void> Blocks::open() {
  ranges_ = store::ranges_of(store_);
  if (!ranges_) return fail_internal("The store cannot read parts of a table, which metrics need.");
  BRUME_TRY(rows, store_.backend().load(kSizesTable, region_));
  for (const store::Row& row : rows) {
    const auto* level = std::ranges::find(kLevels, row.key.front(), &Level::name);
    ByteReader in(row.value);
    if (in.byte() != 0 || level == std::end(kLevels)) in.failed = true;
    sizes_[{std::size_t(level - kLevels), hex(std::string_view(row.key).substr(1))}] = in.number();
    if (in.failed) return unreadable(kSizesTable, row.key);
  }
  return {};
}

std::uint64_t Blocks::size(Window window) const {
  const auto known = sizes_.find(window);
  return known == sizes_.end() ? 0 : known->second;
}

void Blocks::set_size(Window window, std::uint64_t bytes) {
  const auto set = [this, window](std::uint64_t size) {
    if (size > 0)
      sizes_[window] = size;
    else
      sizes_.erase(window);
  };
  std::optional<std::string> value;
  if (bytes > 0) put_number(value.emplace(1, '\0'), bytes);
  store_.record({kSizesTable, region_, fmt::format("{}{:08x}", kLevels[window.first].name, window.second), value},
                [set, before = size(window)] { set(before); });
  set(bytes);
}

void Blocks::forget_sizes(const FirstKept& first) {
  const auto sizes = sizes_;
  for (const auto& [window, bytes] : sizes)
    if (window.second < first.at(window.first)) set_size(window, 0);
}

std::multimap<std::uint32_t, std::uint64_t> Blocks::by_age() const {
  std::multimap<std::uint32_t, std::uint64_t> out;
  for (const auto& [window, bytes] : sizes_) out.emplace((window.second + 1) * kLevels[window.first].window, bytes);
  return out;
}

std::uint64_t Blocks::bytes() const {
  std::uint64_t sum = 0;
  for (const auto& [window, bytes] : sizes_) sum += bytes;
  return sum;
}

std::uint64_t Blocks::bytes_before(const FirstKept& first) const {
  std::uint64_t sum = 0;
  for (const auto& [window, bytes] : sizes_)
    if (window.second < first.at(window.first)) sum += bytes;
  return sum;
}

// --- blocks ---

void Blocks::record(std::string key, std::optional<std::string> value) {
  store_.record({kTable, region_, std::move(key), std::move(value)}, {});
}

Result<void> Blocks::add(std::uint32_t chunk, const PendingSamples& samples) {
  std::vector<PackedPoint> all, fine;
  all.reserve(samples.size());
  samples.each([&](const PendingSamples::Sample& sample) {
    all.push_back(
        {sample.time, sample.slot, sample.unit, std::uint8_t(sample.samples.front()), sample.samples.substr(1)});
    if (sample.high_resolution) fine.push_back(all.back());
  });
  // Once: what is in this order stays in it where times are cut to a level's periods, but for units.
  sort_points(all);
  for (std::size_t level = 0; level < std::size(kLevels); ++level)
    BRUME_CHECK(add(chunk, level, &kLevels[level] == &kFinest ? std::move(fine) : all));
  return {};
}

Result<void> Blocks::add(std::uint32_t chunk, std::size_t level, std::vector<PackedPoint> points) {
  const std::uint32_t period = kLevels[level].period, length = kLevels[level].window;
  for (PackedPoint& point : points) point.time -= point.time % period;
  const auto window = [&](const PackedPoint& point) { return point.time / length; };
  if (!points.empty()) {
    const auto [first, last] = std::ranges::minmax(points, {}, &PackedPoint::time);
    if (window(first) == window(last)) return add(chunk, {level, window(first)}, std::move(points));
  }
  std::ranges::stable_sort(points, {}, window);
  for (auto begin = points.begin(); begin != points.end();) {
    const auto end = std::ranges::upper_bound(begin, points.end(), window(*begin), {}, window);
    BRUME_CHECK(add(chunk, {level, window(*begin)}, {begin, end}));
    begin = end;
  }
  return {};
}

Result<void> Blocks::add(std::uint32_t chunk, Window window, std::vector<PackedPoint> points) {
  const Level& level = kLevels[window.first];
  const std::string first = key_of(level, chunk, window.second), end = key_of(level, chunk, window.second + 1);
  const std::uint32_t begin = window.second * level.window;
  BRUME_TRY(parts, ranges_->keys(kTable, region_, first, end));
  const std::uint32_t part = parts.empty() ? 0 : part_of(parts.back()) + 1;
  std::vector<store::Row> taken;
  std::uint32_t tier = 0;
  for (;; ++tier) {
    std::vector<std::string> same;
    for (const std::string& key : parts)
      if (tier_of(key) == tier) same.push_back(key);
    if (same.size() + 1 < kMostParts) break;
    for (const std::string& key : same) {
      BRUME_CHECK(ranges_->read(kTable, region_, key, key + '\0', [&](std::string_view, std::string_view value) {
        taken.push_back({key, std::string(value)});
      }));
    }
  }
  std::ranges::sort(taken, {}, &store::Row::key);  // in the order in which they came, which is nearly time's
  std::vector<PackedPoint> all;
  std::uint64_t less = 0;
  for (const store::Row& row : taken) {
    BRUME_CHECK(read_packed(level, begin, row.value, all));
    less += size_of(row);
    record(row.key, std::nullopt);
  }
  if (all.empty())
    all = std::move(points);
  else
    all.insert(all.end(), points.begin(), points.end());
  sort_points(all);
  store::Row made{key_of(first, part, tier), write_block(level, begin, all)};
  // Never below nothing, whatever a window that was being dropped counts.
  set_size(window, std::max(size(window), less) - less + size_of(made));
  record(std::move(made.key), std::move(made.value));
  return {};
}

Result<void> Blocks::read(std::uint32_t chunk, std::uint8_t slot, const Level& level, std::uint32_t from,
                          std::uint32_t to, const std::function<void(Point&&)>& each) const {
  if (from >= to) return {};
  Result<void> done;
  BRUME_CHECK(ranges_->read(kTable, region_, key_of(level, chunk, from / level.window),
                            key_of(level, chunk, (to - 1) / level.window + 1),
                            [&](std::string_view key, std::string_view value) {
                              if (done)
                                done = read_block(level, window_of(key) * level.window, value, slot, from, to, each);
                            }));
  return done;
}

Blocks::FirstKept Blocks::first_kept(std::uint32_t now, std::uint32_t before) {
  FirstKept first{};
  for (std::size_t i = 0; i < first.size(); ++i) {
    const std::uint32_t kept = kLevels[i].retention + kDropLag;
    first.at(i) = std::max(now > kept ? now - kept : 0, before) / kLevels[i].window;
  }
  return first;
}

Result<void> Blocks::drop(std::uint32_t chunk, const FirstKept& first) {
  for (std::size_t i = 0; i < first.size(); ++i) {
    BRUME_TRY(old,
              ranges_->keys(kTable, region_, key_of(kLevels[i], chunk, 0), key_of(kLevels[i], chunk, first.at(i))));
    for (std::string& key : old) record(std::move(key), std::nullopt);
  }
  return {};
}

}  // namespace brume::cloudwatch
