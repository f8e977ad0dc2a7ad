// The metrics of a region: which there are, what was measured, and for how long it is kept.
//
// What put() took is on disk when its transaction ends: a row of a journal. Folding moves samples from the journal into
// blocks (blocks.h), chunk by chunk, a transaction each, between other work of the loop; a chunk knows the journal row
// up to which its blocks hold everything, so a crash anywhere loses and doubles nothing. Journal rows go when all
// chunks are past them. Samples that are not folded yet are in memory too and take part in reads.
//
// In memory: the index of series (series_index.h), 16 bytes a series, and what is not folded (at most some 100 MiB,
// Limits::journal). Bounded: see Limits. Series without data for as long as the coarsest level is kept are forgotten.
// Leaves to others: what may be put (metric_operations.h), what a statistic is of a period's samples (statistic.h), how
// much may be kept (metric_budget.h).
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <utility>

#include "env/env.h"
#include "services/cloudwatch/blocks.h"
#include "services/cloudwatch/journal.h"
#include "services/cloudwatch/metric_reader.h"
#include "services/cloudwatch/pending_samples.h"
#include "services/cloudwatch/series_index.h"
#include "services/common/metric_sink.h"
#include "store/store.h"

namespace brume::cloudwatch {

class MetricBudget;

struct MetricLimits {
  std::size_t series = std::size_t(1) << 20;
  std::size_t journal = std::size_t(32) << 20;    // bytes that wait to be folded; more is refused
  std::size_t fold_bytes = std::size_t(8) << 20;  // fold when the journal has so many
  std::size_t fold_rows = 2048;                   // or so many rows
  std::chrono::seconds fold_after{3600};          // or its oldest row is so old
  std::size_t slice = 2048;                       // samples folded at a time
};

SeriesKey series_of(const services::MetricSubject& subject, std::size_t metric);

class MetricStore : public MetricReader {
 public:
  struct Sample {
    SeriesKey series;
    bool high_resolution = false;
    Point point;  // count > 0
  };

  // `budget` is shared with other regions, and outlives this; null: none.
  MetricStore(env::Env& env, store::Store& store, std::string region, MetricLimits limits = {},
              MetricBudget* budget = nullptr);
  ~MetricStore() override;
  MetricStore(const MetricStore&) = delete;
  MetricStore& operator=(const MetricStore&) = delete;
  // Reads the index and the journal. Errors: InternalFailure for what cannot be read.
  Result<void> load();
  // Begins to fold and to drop what is old.
  void start();

  // Within a transaction, with which it is undone. Errors: LimitExceeded (too many series), Throttling (the journal is
  // full: folding does not keep up, or fails).
  Result<void> put(const std::vector<Sample>& samples);
  // The same, of what Brume's own services measure: one row of the journal. Samples of count 0 are passed over.
  Result<void> put(const services::MetricBatch& batch, bool high_resolution);

  struct Bin {
    std::uint32_t begin = 0;  // seconds
    std::uint8_t unit = 0;
    Aggregate samples;
  };
  // The samples of each period [origin + n * period, …) that begins before `end`, one bin a unit, in order of time and
  // unit. Reads the coarsest level that divides period and origin; nothing from before its retention. Seconds.
  // Errors: InternalFailure.
  [[nodiscard]] Result<std::vector<Bin>> bins(const SeriesKey& series, std::uint32_t origin, std::uint32_t period,
                                              std::uint32_t end, std::optional<std::uint8_t> unit) const;

  // MetricReader. What cannot be read is logged and reads as no data.
  [[nodiscard]] std::vector<MetricPoint> read(const MetricId& metric, const Statistic& statistic,
                                              std::chrono::seconds period, Timestamp start, Timestamp end,
                                              const std::optional<std::string>& unit = std::nullopt) const override;
  [[nodiscard]] std::optional<std::uint64_t> changes(const MetricId& metric, Place& place) const override;
  [[nodiscard]] std::vector<MetricId> list(const MetricFilter& filter, std::size_t limit,
                                           const std::optional<MetricId>& after = std::nullopt) const override;

  [[nodiscard]] std::size_t series() const { return index_.size(); }
  [[nodiscard]] std::size_t journal_bytes() const { return journal_bytes_; }
  // Of all that is folded, and what of it was dropped for the budget since the start.
  [[nodiscard]] const Blocks& blocks() const { return blocks_; }
  [[nodiscard]] std::uint64_t dropped_bytes() const { return dropped_bytes_; }
  // Drops what was measured before `time`, but for windows that reach beyond it, in turns of the loop.
  void drop_before(Timestamp time);
  [[nodiscard]] bool is_dropping() const { return sweeping_; }
  // Folds all there is at once. For tests and benchmarks.
  Result<void> fold_all();

 private:
  class Call;
  struct Chunk {
    PendingSamples pending;
    std::array<SeriesIndex::Entry, kSlots> series{};  // null where there is none
    std::array<std::uint32_t, kSlots> active{};       // seconds of the newest sample
    std::uint64_t folded = 0;                         // the journal row up to which blocks hold all
    std::uint32_t newest_folded = 0;                  // seconds of the newest sample in blocks
    std::uint64_t changed = 0;                        // `changes_` when its newest sample came
    bool named = true;                                // the names on disk are those of `series`
  };

  Chunk& chunk_of(SeriesId id);
  void name(SeriesId id, const SeriesKey& key);
  static std::uint64_t next_epoch();
  // `samples`: the sample's, as put_aggregate() writes them.
  void keep(const JournalSample& sample, std::string_view samples);
  // The series that there are of those that the batch knows no place of; returns how many there are not.
  std::size_t find_places(const services::MetricBatch& batch) const;
  Result<void> check_journal() const;
  Result<void> check_added(std::size_t series) const;

  Result<void> load_names();
  Result<void> load_chunks();
  Result<void> replay();

  void fold_soon();
  void begin_fold();
  void fold_step();
  Result<void> fold_slice();
  Result<void> end_fold();
  void sweep_later();
  void begin_sweep();
  void sweep_step(std::uint32_t first);
  Result<void> end_sweep();
  Result<void> sweep(std::uint32_t first, std::uint32_t end, std::uint32_t today);
  void record_chunk(std::uint32_t number, const Chunk& chunk);
  void record_names(std::uint32_t number, const Chunk& chunk);
  void record(const char* table, std::string key, std::optional<std::string> value);
  [[nodiscard]] std::uint32_t now() const;

  env::Env& env_;
  store::Store& store_;
  std::string region_;
  MetricLimits limits_;
  SeriesIndex index_;
  Blocks blocks_;
  std::vector<std::unique_ptr<Chunk>> chunks_;  // null: all of its series are gone
  SeriesId next_series_ = 0;
  // Another one whenever a series' number may be another series' or nobody's, and than any other store's.
  std::uint64_t epoch_ = next_epoch();
  std::uint64_t changes_ = 0;  // samples that came since the start

  std::uint64_t last_row_ = 0;                              // of the journal
  std::deque<std::pair<std::uint64_t, std::size_t>> rows_;  // those not folded wholly, and their sizes
  std::size_t journal_bytes_ = 0;
  bool fold_waits_ = false;  // a fold begins by itself
  bool folding_ = false;
  std::uint64_t fold_until_ = 0;  // the row that the fold under way goes up to
  std::uint32_t fold_next_ = 0;   // the chunk where it goes on
  bool failure_told_ = false;

  MetricBudget* budget_;
  std::uint64_t dropped_bytes_ = 0;
  std::uint32_t drop_before_ = 0;  // seconds; what the next sweep drops for the budget
  struct Sweep {
    Blocks::FirstKept first{};
    std::uint32_t before = 0;  // as drop_before_ was
  };
  Sweep sweep_;  // under way
  bool sweeping_ = false;
  env::Loop::TimerId sweep_timer_ = 0;
};

}  // namespace brume::cloudwatch
