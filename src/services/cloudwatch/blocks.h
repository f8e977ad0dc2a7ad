// The metrics' blocks on disk: by chunk (64 series), level and window of time.
//
// A fold adds a part to the windows it has samples for; eight parts are made one of the next tier, and eight of those
// again, so a sample is written a few times only, however often it is folded. Sums of parts do not depend on it. Used
// within the store's transactions; what a transaction adds is read after its commit.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "services/cloudwatch/block.h"
#include "store/ranges.h"
#include "store/store.h"

namespace brume::cloudwatch {

constexpr std::uint32_t kSlots = 64;  // series of a chunk

struct PendingSample {
  std::uint8_t slot = 0;
  bool high_resolution = false;
  Point point;
};

class Blocks {
 public:
  Blocks(store::Store& store, std::string region) : store_(store), region_(std::move(region)) {}
  // Error: InternalFailure for a backend that cannot read parts of a table.
  Result<void> open();

  // At most once a chunk and transaction.
  Result<void> add(std::uint32_t chunk, const std::vector<PendingSample>& samples);
  // Calls `each` for the points of one series in [from, to), both seconds; those of a window are not in order.
  Result<void> read(std::uint32_t chunk, std::uint8_t slot, const Level& level, std::uint32_t from, std::uint32_t to,
                    const std::function<void(Point&&)>& each) const;
  // Erases the windows whose data is older than its level keeps; `now` in seconds.
  Result<void> drop_old(std::uint32_t chunk, std::uint32_t now);

 private:
  Result<void> add(std::uint32_t chunk, const Level& level, std::uint32_t window, std::vector<PendingSample> samples);
  // Adds a part's samples to `samples`, and erases the part.
  Result<void> take_apart(const std::string& key, const Level& level, std::uint32_t begin,
                          std::vector<PendingSample>& samples);
  void record(std::string key, std::optional<std::string> value);

  store::Store& store_;
  store::Ranges* ranges_ = nullptr;
  std::string region_;
};

}  // namespace brume::cloudwatch
