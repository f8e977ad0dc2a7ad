// How samples come into the metric store.
#include <algorithm>

#include "services/cloudwatch/metric_store.h"
#include "services/cloudwatch/metric_tables.h"
#include "services/cloudwatch/units.h"

namespace brume::cloudwatch {

// A call's samples on their way: into memory as they come, and all together into a row of the journal. Undone with the
// transaction.
class MetricStore::Call {
 public:
  Call(MetricStore& store, std::size_t samples) : store_(store) { before_.reserve(samples); }

  // `name`: of a series that begins with this sample.
  void add(const JournalSample& sample) {
    if (sample.name) store_.name(sample.series, *sample.name);
    const Chunk& chunk = store_.chunk_of(sample.series);
    before_.push_back({sample.series, chunk.active[sample.series % kSlots], std::uint32_t(chunk.pending.bytes()),
                       sample.name != nullptr});
    store_.keep(sample, row_.add(sample));
  }

  void end() {
    MetricStore& store = store_;
    const std::size_t size = row_.bytes().size();
    store.rows_.emplace_back(++store.last_row_, size);
    store.journal_bytes_ += size;
    store.store_.record({kJournalTable, store.region_, row_key(store.last_row_), std::move(row_).take()},
                        [&store, before = std::move(before_)] { undo(store, before); });
    store.fold_soon();
  }

 private:
  struct Before {
    SeriesId series;
    std::uint32_t active, pending;
    bool named;  // by this call
  };

  static void undo(MetricStore& store, const std::vector<Before>& before) {
    for (auto sample = before.rbegin(); sample != before.rend(); ++sample) {
      Chunk& chunk = store.chunk_of(sample->series);
      chunk.pending.remove_last(sample->pending);
      chunk.active[sample->series % kSlots] = sample->active;
      if (!sample->named) continue;
      store.index_.erase(std::exchange(chunk.series[sample->series % kSlots], {}));
      store.next_series_ = sample->series;
      store.epoch_ = next_epoch();
    }
    store.journal_bytes_ -= store.rows_.back().second;
    store.rows_.pop_back();
    --store.last_row_;
  }

  MetricStore& store_;
  JournalWriter row_;
  std::vector<Before> before_;
};

Result<void> MetricStore::check_journal() const {
  if (journal_bytes_ < limits_.journal) return {};
  return fail("Throttling", "Rate exceeded: {} MiB of samples wait to be written. Try again in a moment.",
              journal_bytes_ >> 20);
}

Result<void> MetricStore::check_added(std::size_t series) const {
  if (series == 0 || index_.size() + series <= limits_.series) return {};
  return fail("LimitExceeded",
              "There would be more than {} metrics in this region, which is the most that Brume keeps. A metric is "
              "forgotten when it has had no data for 15 months.",
              limits_.series);
}

Result<void> MetricStore::put(const std::vector<Sample>& samples) {
  if (samples.empty()) return {};
  BRUME_CHECK(check_journal());
  std::vector<std::optional<SeriesId>> known;
  known.reserve(samples.size());
  for (const Sample& sample : samples) known.push_back(index_.find(sample.series));
  BRUME_CHECK(check_added(std::size_t(std::ranges::count(known, std::optional<SeriesId>()))));
  Call call(*this, samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const Sample& sample = samples[i];
    if (!known[i]) known[i] = index_.find(sample.series);  // named by an earlier sample of this call?
    call.add(
        {known[i].value_or(next_series_), known[i] ? nullptr : &sample.series, sample.high_resolution, sample.point});
  }
  call.end();
  return {};
}

SeriesKey series_of(const services::MetricSubject& subject, std::size_t metric) {
  services::MetricDimensions dimensions = subject.dimensions;
  std::ranges::sort(dimensions);
  return key_of(subject.metrics[metric].metric_namespace, subject.metrics[metric].name, dimensions);
}

std::size_t MetricStore::find_places(const services::MetricBatch& batch) const {
  std::size_t missing = 0;
  for (const services::MetricBatch::Sample& sample : batch.samples()) {
    services::MetricSubject& subject = *sample.subject;
    if (subject.epoch != epoch_) {
      subject.epoch = epoch_;
      subject.places.assign(subject.metrics.size(), {});
    }
    services::MetricSubject::Place& place = subject.places[sample.metric];
    if (place.series != 0) continue;
    place.unit = unit_code(subject.metrics[sample.metric].unit).value_or(0);
    if (const auto found = index_.find(series_of(subject, sample.metric)))
      place.series = *found + 1;
    else
      ++missing;
  }
  return missing;
}

Result<void> MetricStore::put(const services::MetricBatch& batch, bool high_resolution) {
  if (batch.samples().empty()) return {};
  BRUME_CHECK(check_journal());
  BRUME_CHECK(check_added(find_places(batch)));
  Call call(*this, batch.samples().size());
  JournalSample kept;
  kept.high_resolution = high_resolution;
  kept.point.time = to_seconds(batch.time());
  auto value = batch.values().begin();
  for (const services::MetricBatch::Sample& sample : batch.samples()) {
    const auto values = std::span(value, sample.values);
    value += sample.values;
    if (sample.count <= 0) continue;
    services::MetricSubject::Place& place = sample.subject->places[sample.metric];
    kept.point.unit = place.unit;
    if (values.empty()) {
      kept.point.samples = {sample.sum, sample.count, sample.minimum, sample.maximum, {}};
    } else {
      std::vector<ValueCount> counted;
      counted.reserve(values.size());
      for (const auto& [number, count] : values) counted.push_back({number, count});
      kept.point.samples = of_values(std::move(counted));
    }
    SeriesKey name;
    kept.name = nullptr;
    if (place.series == 0) {
      name = series_of(*sample.subject, sample.metric);
      // Another subject of the batch may be the same.
      const auto known = index_.find(name);
      if (!known) kept.name = &name;
      place.series = known.value_or(next_series_) + 1;
    }
    kept.series = place.series - 1;
    call.add(kept);
  }
  call.end();
  return {};
}

}  // namespace brume::cloudwatch
