// The metrics' blocks on disk: by chunk (64 series), level and window of time.
//
// A fold adds a part to the windows it has samples for; eight parts are made one of the next tier, and eight of those
// again, so a sample is written a few times only, however often it is folded. Sums of parts do not depend on it. Used
// within the store's transactions; what a transaction adds is read after its commit.
//
// What the blocks of each window take, those of all chunks together, is counted in a table of its own, in the
// transactions that change them: so it is right after a crash, and known at once.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "services/cloudwatch/block.h"
#include "services/cloudwatch/pending_samples.h"
#include "store/ranges.h"
#include "store/store.h"

namespace brume::cloudwatch {

constexpr std::uint32_t kSlots = 64;  // series of a chunk

class Blocks {
 public:
  Blocks(store::Store& store, std::string region) : store_(store), region_(std::move(region)) {}
  // Errors: InternalFailure for what cannot be read, or a backend that cannot read parts of a table.
  Result<void> open();

  // At most once a chunk and transaction.
  Result<void> add(std::uint32_t chunk, const PendingSamples& samples);
  // Calls `each` for the points of one series in [from, to), both seconds; those of a window are not in order.
  Result<void> read(std::uint32_t chunk, std::uint8_t slot, const Level& level, std::uint32_t from, std::uint32_t to,
                    const std::function<void(Point&&)>& each) const;

  // The windows with data that none is read of any more: older than its level keeps at `now`, or all from before
  // `before`; both seconds. Number of the first that stays, by level.
  using FirstKept = std::array<std::uint32_t, std::size(kLevels)>;
  [[nodiscard]] static FirstKept first_kept(std::uint32_t now, std::uint32_t before);
  // Erases a chunk's blocks of earlier windows. Their sizes are forgotten once that is done for all chunks.
  Result<void> drop(std::uint32_t chunk, const FirstKept& first);
  void forget_sizes(const FirstKept& first);

  // Bytes by the end of their window.
  [[nodiscard]] std::multimap<std::uint32_t, std::uint64_t> by_age() const;
  [[nodiscard]] std::uint64_t bytes() const;
  [[nodiscard]] std::uint64_t bytes_before(const FirstKept& first) const;

 private:
  using Window = std::pair<std::size_t, std::uint32_t>;  // level and number

  Result<void> add(std::uint32_t chunk, std::size_t level, std::vector<PackedPoint> points);
  Result<void> add(std::uint32_t chunk, Window window, std::vector<PackedPoint> points);
  void record(std::string key, std::optional<std::string> value);
  [[nodiscard]] std::uint64_t size(Window window) const;
  void set_size(Window window, std::uint64_t bytes);

  store::Store& store_;
  store::Ranges* ranges_ = nullptr;
  std::string region_;
  std::map<Window, std::uint64_t> sizes_;  // bytes
};

}  // namespace brume::cloudwatch
