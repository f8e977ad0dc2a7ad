#include "services/cloudwatch/lived_time.h"

#include <algorithm>

namespace brume::cloudwatch {
namespace {

constexpr std::size_t kMostStretches = 128;
// What two readings of the clocks may differ by without a jump: clocks are slewed, readings take their time.
constexpr std::chrono::milliseconds kTolerance{1000};
// What an earlier daemon may have lived through after it last wrote.
constexpr std::chrono::seconds kUnwritten{60};
constexpr double kEnough = 0.9, kTwice = 1.1;

}  // namespace

bool LivedTime::observe(env::MonotonicTime now, Timestamp wall) {
  const bool first = stretches_.empty();
  bool jumped = true;
  if (observed_ && !first) {
    const auto expected = stretches_.back().to + std::chrono::floor<std::chrono::milliseconds>(now - *observed_);
    jumped = std::chrono::abs(wall - expected) > kTolerance;
    // When it jumped is not known: perhaps just now, and what is lived a second time must not be missed.
    if (jumped && wall < expected) stretches_.back().to = expected;
  } else if (!first && wall < stretches_.back().to) {
    stretches_.back().to += kUnwritten;
  }
  if (jumped) {
    stretches_.push_back({first ? Timestamp{} : wall, wall});
    if (stretches_.size() > kMostStretches) stretches_.erase(stretches_.begin());
    clean_from_ = Timestamp{};
    for (std::size_t i = 0; i + 1 < stretches_.size(); ++i) clean_from_ = std::max(clean_from_, stretches_[i].to);
    observed_ = now;
  } else if (wall > stretches_.back().to) {
    stretches_.back().to = wall;
    observed_ = now;
  }
  return jumped;
}

double LivedTime::lived(Timestamp begin, std::chrono::seconds period) const {
  const Timestamp end = begin + period;
  if (begin >= clean_from_ && begin >= stretches_.back().from) return end <= stretches_.back().to ? 1 : 0;
  std::chrono::milliseconds sum{};
  for (std::size_t i = 0; i < stretches_.size(); ++i) {
    // The oldest that is known stands for all time before it.
    const Timestamp from = i == 0 ? Timestamp{} : stretches_[i].from;
    sum += std::max(std::min(end, stretches_[i].to) - std::max(begin, from), std::chrono::milliseconds{});
  }
  return double(sum.count()) / double(std::chrono::milliseconds(period).count());
}

LivedTime::Periods LivedTime::newest(std::chrono::seconds period, std::size_t count, std::size_t span) const {
  Periods out;
  if (stretches_.empty()) return {.begins = {}, .whole = false};
  const auto floor = [&](Timestamp time) { return time - time.time_since_epoch() % period; };
  Timestamp begin = floor(stretches_.back().to) - period;
  const Timestamp oldest = begin - period * std::int64_t(span);
  // A clock that was set back and is not yet where it was: all before that is older than it looks.
  const bool set_back = stretches_.back().from < clean_from_;
  while (out.begins.size() < count && begin >= oldest) {
    if (set_back && begin < clean_from_) break;
    const double part = lived(begin, period);
    if (part > kTwice) break;
    if (part >= kEnough) out.begins.push_back(begin);
    if (part == 0) {
      // Over what was not lived, to the stretch before it.
      std::optional<Timestamp> before;
      for (const Stretch& stretch : stretches_)
        if (stretch.to <= begin) before = std::max(before.value_or(stretch.to), stretch.to);
      if (!before) break;
      begin = std::min(floor(*before), begin - period);
    } else {
      begin -= period;
    }
  }
  out.whole = out.begins.size() == count;
  return out;
}

}  // namespace brume::cloudwatch
