#include "compute/agent/batch.h"

#include <algorithm>
#include <charconv>

#include "compute/agent/text_encoding.h"

namespace brume::agent {
namespace {

constexpr std::int64_t kMaxSpan = 24LL * 3600 * 1000;
constexpr std::size_t kMembers = 48;  // {"timestamp":…,"message":"…"},

}  // namespace

bool Batch::add(Timestamp time, std::string_view text) {
  const std::int64_t at = time.time_since_epoch().count();
  const bool first = events_.empty();
  if (!first) {
    if (events_.size() >= kMaxBatchEvents || bytes_ + text.size() + kEventOverhead > kMaxBatchBytes) return false;
    if (std::max(last_, at) - std::min(first_, at) > kMaxSpan) return false;
  }
  const std::size_t begin = json_.size();
  const std::size_t size = append_json(text, json_) + kEventOverhead;
  if (!first && (bytes_ + size > kMaxBatchBytes || json_.size() + kMembers * (events_.size() + 1) > kMaxBatchJson)) {
    json_.resize(begin);
    return false;
  }
  bytes_ += size;
  events_.push_back({at, std::uint32_t(begin), std::uint32_t(json_.size())});
  first_ = first ? at : std::min(first_, at);
  last_ = first ? at : std::max(last_, at);
  return true;
}

std::string Batch::take_body(std::string_view group, std::string_view stream, std::string_view token) {
  std::ranges::stable_sort(events_, {}, &Event::time);
  std::string out;
  out.reserve(json_.size() + events_.size() * kMembers + 2048);
  out += "{\"logGroupName\":\"";
  append_json(group, out);
  out += "\",\"logStreamName\":\"";
  append_json(stream, out);
  out += "\",\"sequenceToken\":\"";
  append_json(token, out);
  out += "\",\"logEvents\":[";
  char number[24];
  for (bool first = true; const Event& event : events_) {
    out += first ? "{\"timestamp\":" : ",{\"timestamp\":";
    first = false;
    out.append(number, std::size_t(std::to_chars(number, number + sizeof number, event.time).ptr - number));
    out += ",\"message\":\"";
    out.append(json_, event.begin, event.end - event.begin);
    out += "\"}";
  }
  out += "]}";
  json_ = {};
  return out;
}

}  // namespace brume::agent
