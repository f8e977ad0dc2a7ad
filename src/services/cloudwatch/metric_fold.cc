// How the metric store moves samples from its journal into blocks, and drops what is old.
#include <algorithm>

#include "base/log.h"
#include "services/cloudwatch/metric_budget.h"
#include "services/cloudwatch/metric_store.h"
#include "services/cloudwatch/metric_tables.h"

namespace brume::cloudwatch {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr std::uint32_t kSweepChunks = 64;  // of one transaction

// Its newest sample is out of every block, whatever the clock did meanwhile.
bool forgotten(std::uint32_t active, std::uint32_t now) {
  return std::uint64_t(active) + kCoarsest.retention + kCoarsest.window + kDropLag < now;
}

}  // namespace

void MetricStore::record(const char* table, std::string key, std::optional<std::string> value) {
  store_.record({table, region_, std::move(key), std::move(value)}, {});
}

void MetricStore::record_names(std::uint32_t number, const Chunk& chunk) {
  std::string value{'\0'};
  for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
    const SeriesIndex::Entry& series = chunk.series[slot];
    if (!series.metric) continue;
    value.push_back(char(slot));
    put_text(value, *series.metric);
    put_text(value, *series.dimensions);
  }
  record(kNamesTable, row_key(number), value.size() > 1 ? std::optional(std::move(value)) : std::nullopt);
}

void MetricStore::record_chunk(std::uint32_t number, const Chunk& chunk) {
  std::string value{'\0'};
  put_number(value, last_row_);
  for (const std::uint32_t active : chunk.active) put_number(value, active);
  record(kChunksTable, row_key(number), std::move(value));
}

// --- folding ---

void MetricStore::start() {
  if (!rows_.empty()) fold_soon();
  sweep_later();
  if (budget_) env_.loop.post([this] { budget_->look(now()); });
}

void MetricStore::fold_soon() {
  if (folding_) return;
  if (journal_bytes_ >= limits_.fold_bytes || rows_.size() >= limits_.fold_rows) {
    env_.loop.post([this] { begin_fold(); });
  } else if (!fold_waits_) {
    fold_waits_ = true;
    env_.loop.after(limits_.fold_after, [this] {
      fold_waits_ = false;
      begin_fold();
    });
  }
}

void MetricStore::begin_fold() {
  if (folding_ || rows_.empty()) return;
  folding_ = true;
  fold_until_ = last_row_;
  fold_next_ = 0;
  fold_step();
}

void MetricStore::fold_step() {
  if (!folding_) return;
  const auto done = fold_next_ < chunks_.size() ? fold_slice() : end_fold();
  if (done) {
    failure_told_ = false;
    if (folding_)
      env_.loop.post([this] { fold_step(); });
    else if (!rows_.empty())
      fold_soon();
    return;
  }
  folding_ = false;
  if (!std::exchange(failure_told_, true))
    log_error("Metrics stay in their journal for now, which takes {} MiB at most: {}", limits_.journal >> 20,
              done.error().message);
  env_.loop.after(minutes(1), [this] { begin_fold(); });
}

Result<void> MetricStore::fold_slice() {
  std::vector<std::uint32_t> numbers;
  std::size_t samples = 0;
  std::uint32_t next = fold_next_;
  for (; next < chunks_.size() && samples < limits_.slice; ++next) {
    if (!chunks_[next] || chunks_[next]->pending.empty()) continue;
    numbers.push_back(next);
    samples += chunks_[next]->pending.size();
  }
  BRUME_CHECK(store_.transact([&]() -> Result<void> {
    for (const std::uint32_t number : numbers) {
      const Chunk& chunk = *chunks_[number];
      BRUME_CHECK(blocks_.add(number, chunk.pending));
      record_chunk(number, chunk);
      if (!chunk.named) record_names(number, chunk);
    }
    return {};
  }));
  for (const std::uint32_t number : numbers) {
    Chunk& chunk = *chunks_[number];
    chunk.pending.clear();
    chunk.folded = last_row_;
    chunk.newest_folded = std::ranges::max(chunk.active);
    chunk.named = true;
  }
  fold_next_ = next;
  return {};
}

Result<void> MetricStore::end_fold() {
  const auto folded = [&](const auto& row) { return row.first <= fold_until_; };
  const auto end = std::ranges::find_if_not(rows_, folded);
  BRUME_CHECK(store_.transact([&]() -> Result<void> {
    for (auto row = rows_.begin(); row != end; ++row) record(kJournalTable, row_key(row->first), std::nullopt);
    return {};
  }));
  while (!rows_.empty() && folded(rows_.front())) {
    journal_bytes_ -= rows_.front().second;
    rows_.pop_front();
  }
  folding_ = false;
  if (budget_) budget_->look(now());
  return {};
}

Result<void> MetricStore::fold_all() {
  if (!folding_) fold_next_ = 0;
  folding_ = true;
  fold_until_ = last_row_;
  while (folding_) {
    const auto done = fold_next_ < chunks_.size() ? fold_slice() : end_fold();
    if (!done) folding_ = false;
    BRUME_CHECK(done);
  }
  return {};
}

// --- dropping what is old ---

void MetricStore::drop_before(Timestamp time) {
  drop_before_ = std::max(drop_before_, to_seconds(time));
  begin_sweep();
}

void MetricStore::sweep_later() {
  env_.loop.cancel(sweep_timer_);
  sweep_timer_ = env_.loop.after(hours(1), [this] {
    sweep_timer_ = 0;
    begin_sweep();
  });
}

void MetricStore::begin_sweep() {
  if (sweeping_) return;
  sweeping_ = true;
  sweep_ = {.first = Blocks::first_kept(now(), drop_before_), .before = std::exchange(drop_before_, 0)};
  sweep_step(0);
}

void MetricStore::sweep_step(std::uint32_t first) {
  const auto end = std::uint32_t(std::min<std::size_t>(chunks_.size(), first + kSweepChunks));
  const auto swept = first < chunks_.size() ? sweep(first, end, now()) : end_sweep();
  if (swept && first < chunks_.size()) {
    env_.loop.post([this, end] { sweep_step(end); });
    return;
  }
  if (!swept) log_error("Old metrics cannot be dropped now: {}", swept.error().message);
  sweeping_ = false;
  sweep_later();
}

Result<void> MetricStore::end_sweep() {
  const std::uint64_t old = blocks_.bytes_before(Blocks::first_kept(now(), 0)),
                      all = blocks_.bytes_before(sweep_.first);
  BRUME_CHECK(store_.transact([&]() -> Result<void> {
    blocks_.forget_sizes(sweep_.first);
    return {};
  }));
  const std::uint64_t dropped = all - std::min(all, old);
  if (sweep_.before == 0 || dropped == 0) return {};
  dropped_bytes_ += dropped;
  log_warning("the disk budget of metrics is used up: what was measured in {} before {} went, the oldest ({} bytes)",
              region_, to_iso8601(to_timestamp(sweep_.before)), dropped);
  return {};
}

Result<void> MetricStore::sweep(std::uint32_t first, std::uint32_t end, std::uint32_t today) {
  // A chunk with samples that are not folded yet keeps its names: the journal may hold them.
  const auto is_forgotten = [&](const Chunk& chunk, std::uint32_t slot) {
    return chunk.series[slot].metric && chunk.pending.empty() && forgotten(chunk.active[slot], today);
  };
  BRUME_CHECK(store_.transact([&]() -> Result<void> {
    for (std::uint32_t number = first; number < end; ++number) {
      if (!chunks_[number]) continue;
      BRUME_CHECK(blocks_.drop(number, sweep_.first));
      Chunk left;
      bool changed = false, empty = true;
      for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
        const bool goes = is_forgotten(*chunks_[number], slot);
        changed = changed || goes;
        if (!goes) left.series[slot] = chunks_[number]->series[slot];
        empty = empty && !left.series[slot].metric;
      }
      if (changed) record_names(number, left);
      if (changed && empty && (number + 1) * kSlots <= next_series_)
        record(kChunksTable, row_key(number), std::nullopt);
    }
    return {};
  }));
  for (std::uint32_t number = first; number < end; ++number) {
    if (!chunks_[number]) continue;
    Chunk& chunk = *chunks_[number];
    bool changed = false;
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
      if (!is_forgotten(chunk, slot)) continue;
      index_.erase(std::exchange(chunk.series[slot], {}));
      epoch_ = next_epoch();
      changed = true;
    }
    const bool empty = std::ranges::none_of(chunk.series, [](const auto& series) { return series.metric != nullptr; });
    // The last chunk goes on to be filled.
    if (changed && empty && (number + 1) * kSlots <= next_series_) chunks_[number].reset();
  }
  return {};
}

}  // namespace brume::cloudwatch
