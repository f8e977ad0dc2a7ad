// The events of one PutLogEvents call, within its limits and in the order of their times.
//
// Pure. Limits (CloudWatch Logs API reference, PutLogEvents): 1,048,576 bytes, where an event counts 26 more than its
// text in UTF-8; 10,000 events; 24 hours from the first to the last. Ours: 1.9 MB of JSON, so that an instance's API
// takes the body.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace brume::agent {

inline constexpr std::size_t kMaxBatchBytes = 1'048'576;
inline constexpr std::size_t kMaxBatchEvents = 10'000;
inline constexpr std::size_t kEventOverhead = 26;
inline constexpr std::size_t kMaxBatchJson = 1'900'000;
// As Amazon's agent: what leaves room for an event's overhead. A longer line is several events; an event of several
// lines is cut, with kTruncated at its end.
inline constexpr std::size_t kMaxEvent = (1 << 20) - 200;
inline constexpr std::string_view kTruncated = "[Truncated...]";

class Batch {
 public:
  // False if there is no room for it; then nothing has changed. One that is alone always fits if its text has at most
  // kMaxEvent bytes and kMaxBatchJson in JSON.
  bool add(Timestamp time, std::string_view text);

  [[nodiscard]] bool empty() const { return events_.empty(); }
  [[nodiscard]] std::size_t size() const { return events_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  // The call's body. Events with equal times stay in the order in which they were added. Call it once.
  [[nodiscard]] std::string take_body(std::string_view group, std::string_view stream, std::string_view token);

 private:
  struct Event {
    std::int64_t time;         // milliseconds
    std::uint32_t begin, end;  // of its text in json_
  };

  std::string json_;  // the texts, as in JSON strings
  std::vector<Event> events_;
  std::size_t bytes_ = 0;
  std::int64_t first_ = 0, last_ = 0;
};

}  // namespace brume::agent
