#include "services/cloudwatch/metric_store.h"

#include <algorithm>
#include <atomic>

#include "base/log.h"
#include "services/cloudwatch/journal.h"
#include "services/cloudwatch/metric_budget.h"
#include "services/cloudwatch/metric_tables.h"
#include "services/cloudwatch/statistic.h"
#include "services/cloudwatch/units.h"

namespace brume::cloudwatch {

using std::chrono::seconds;

MetricStore::MetricStore(env::Env& env, store::Store& store, std::string region, MetricLimits limits,
                         MetricBudget* budget)
    : env_(env), store_(store), region_(std::move(region)), limits_(limits), blocks_(store, region_), budget_(budget) {
  if (budget_) budget_->join(*this);
}

MetricStore::~MetricStore() {
  if (budget_) budget_->leave(*this);
}

std::uint64_t MetricStore::next_epoch() {
  static std::atomic<std::uint64_t> last = 0;
  return ++last;
}

std::uint32_t MetricStore::now() const {
  return to_seconds(env_.clock.wall());
}

// --- what is there at the start ---

Result<void> MetricStore::load() {
  BRUME_CHECK(blocks_.open());
  BRUME_CHECK(load_names());
  BRUME_CHECK(load_chunks());
  return replay();
}

Result<void> MetricStore::load_names() {
  BRUME_TRY(rows, store_.backend().load(kNamesTable, region_));
  for (const store::Row& row : rows) {
    ByteReader in(row.value);
    BRUME_TRY(number, row_number(kNamesTable, row.key));
    if (in.byte() != 0) in.failed = true;
    while (!in.failed && !in.at_end()) {
      const std::uint8_t slot = in.byte();
      const std::string metric(in.text()), dimensions(in.text());
      if (slot >= kSlots) in.failed = true;
      if (!in.failed) name(SeriesId(number) * kSlots + slot, {metric, dimensions});
    }
    if (in.failed) return unreadable(kNamesTable, row.key);
    chunks_[number]->named = true;
  }
  return {};
}

Result<void> MetricStore::load_chunks() {
  BRUME_TRY(rows, store_.backend().load(kChunksTable, region_));
  for (const store::Row& row : rows) {
    ByteReader in(row.value);
    BRUME_TRY(number, row_number(kChunksTable, row.key));
    Chunk& chunk = chunk_of(SeriesId(number) * kSlots);
    if (in.byte() != 0) in.failed = true;
    chunk.folded = in.number();
    for (std::uint32_t& active : chunk.active) active = std::uint32_t(in.number());
    chunk.newest_folded = std::ranges::max(chunk.active);
    if (in.failed) return unreadable(kChunksTable, row.key);
  }
  return {};
}

Result<void> MetricStore::replay() {
  BRUME_TRY(rows, store_.backend().load(kJournalTable, region_));
  std::string samples;
  for (const store::Row& row : rows) {
    BRUME_TRY(number, row_number(kJournalTable, row.key));
    bool known = true;
    BRUME_CHECK(read_journal(row.value, [&](JournalSample&& sample) {
      Chunk& chunk = chunk_of(sample.series);
      if (number <= chunk.folded) return;
      if (sample.name) name(sample.series, *sample.name);
      known = known && chunk.series[sample.series % kSlots].metric;
      samples.clear();
      put_aggregate(samples, sample.point.samples);
      keep(sample, samples);
    }));
    if (!known) return unreadable(kJournalTable, row.key);
    last_row_ = number;
    rows_.emplace_back(number, row.value.size());
    journal_bytes_ += row.value.size();
  }
  // Numbers go on after those that chunks know of, also when the journal is empty.
  for (const auto& chunk : chunks_)
    if (chunk) last_row_ = std::max(last_row_, chunk->folded);
  return {};
}

MetricStore::Chunk& MetricStore::chunk_of(SeriesId id) {
  const std::uint32_t number = id / kSlots;
  if (number >= chunks_.size()) chunks_.resize(number + 1);
  if (!chunks_[number]) chunks_[number] = std::make_unique<Chunk>();
  return *chunks_[number];
}

void MetricStore::name(SeriesId id, const SeriesKey& key) {
  Chunk& chunk = chunk_of(id);
  chunk.series[id % kSlots] = index_.insert(key, id);
  chunk.named = false;
  next_series_ = std::max(next_series_, id + 1);
}

void MetricStore::keep(const JournalSample& sample, std::string_view samples) {
  Chunk& chunk = chunk_of(sample.series);
  const auto slot = std::uint8_t(sample.series % kSlots);
  chunk.pending.add({.slot = slot,
                     .unit = sample.point.unit,
                     .high_resolution = sample.high_resolution,
                     .time = sample.point.time,
                     .samples = samples});
  chunk.changed = ++changes_;
  chunk.active[slot] = std::max(chunk.active[slot], sample.point.time);
}

// --- reading ---

Result<std::vector<MetricStore::Bin>> MetricStore::bins(const SeriesKey& series, std::uint32_t origin,
                                                        std::uint32_t period, std::uint32_t end,
                                                        std::optional<std::uint8_t> unit) const {
  const auto id = index_.find(series);
  // Nothing is from later, and periods end within what counts seconds.
  end = std::min(end, now() + kDay);
  if (!id || origin >= end) return std::vector<Bin>();
  const Level* level = &kFinest;
  for (const Level& each : kLevels)
    if (period % each.period == 0 && origin % each.period == 0) level = &each;
  const std::uint32_t today = now(), oldest = today > level->retention ? today - level->retention : 0;
  // The last period may end after `end`.
  const std::uint32_t last = origin + std::uint32_t((std::uint64_t(end) - origin + period - 1) / period) * period;
  std::map<std::pair<std::uint32_t, std::uint8_t>, Aggregate> found;
  const auto take = [&](const Point& point) {
    if (point.time < origin || point.time >= last || (unit && *unit != point.unit)) return;
    const std::uint32_t begin = origin + (point.time - origin) / period * period;
    if (begin >= oldest) add(found[{begin, point.unit}], point.samples);
  };
  const auto slot = std::uint8_t(*id % kSlots);
  const Chunk& chunk = *chunks_[*id / kSlots];
  const std::uint32_t from = std::max(origin, oldest);
  // Who asks for the last minutes finds them in what is not folded yet, mostly.
  if (from <= chunk.newest_folded)
    BRUME_CHECK(blocks_.read(*id / kSlots, slot, *level, from, last, [&](Point&& point) { take(point); }));
  chunk.pending.each([&](const PendingSamples::Sample& sample) {
    if (sample.slot != slot || (level == &kFinest && !sample.high_resolution)) return;
    ByteReader in(sample.samples);
    take({sample.time, sample.unit, read_aggregate(in)});
  });
  std::vector<Bin> out;
  out.reserve(found.size());
  for (auto& [place, samples] : found) out.push_back({place.first, place.second, std::move(samples)});
  return out;
}

std::vector<MetricPoint> MetricStore::read(const MetricId& metric, const Statistic& statistic, seconds period,
                                           Timestamp start, Timestamp end,
                                           const std::optional<std::string>& unit) const {
  std::optional<std::uint8_t> code;
  if (unit && !(code = unit_code(*unit))) return {};
  const auto length = std::uint32_t(period.count());
  const SeriesKey key = key_of(metric.metric_namespace, metric.name, metric.dimensions);
  const auto found =
      bins(key, to_seconds(start) / length * length, length, to_seconds(std::chrono::ceil<seconds>(end)), code);
  if (!found) {
    log_error("The metric {} of {} cannot be read: {}", metric.name, metric.metric_namespace, found.error().message);
    return {};
  }
  std::vector<MetricPoint> out;
  for (std::size_t i = 0; i < found->size();) {
    const Bin& first = (*found)[i];
    Aggregate all = first.samples;
    bool mixed = false;
    for (++i; i < found->size() && (*found)[i].begin == first.begin; ++i) {
      add(all, (*found)[i].samples);
      mixed = true;
    }
    const auto value = evaluate(statistic, all);
    if (value)
      out.push_back(
          {to_timestamp(first.begin), *value, mixed || first.unit == 0 ? "" : std::string(unit_name(first.unit))});
  }
  return out;
}

std::optional<std::uint64_t> MetricStore::changes(const MetricId& metric, Place& place) const {
  if (!place.series || place.epoch != epoch_)
    place = {epoch_, index_.find(key_of(metric.metric_namespace, metric.name, metric.dimensions))};
  // Its neighbours' samples count too: what is asked is only whether to look.
  return place.series ? chunks_[*place.series / kSlots]->changed : 0;
}

std::vector<MetricId> MetricStore::list(const MetricFilter& filter, std::size_t limit,
                                        const std::optional<MetricId>& after) const {
  const std::uint32_t since = filter.active_since ? to_seconds(*filter.active_since) : 0;
  return index_.list(filter, limit, after,
                     [&](SeriesId id) { return chunks_[id / kSlots]->active[id % kSlots] >= since; });
}

}  // namespace brume::cloudwatch
