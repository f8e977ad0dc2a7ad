#include "services/cloudwatch/metric_tables.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace brume::cloudwatch {

using std::chrono::seconds;

std::string row_key(std::uint64_t number) {
  return fmt::format("{:016x}", number);
}

Result<std::uint64_t> row_number(const char* table, const std::string& key) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), number, 16);
  if (error != std::errc() || end != key.data() + key.size()) return unreadable(table, key);
  return number;
}

std::unexpected<Error> unreadable(const char* table, const std::string& key) {
  return fail_internal("The record {} {} cannot be read.", table, key);
}

std::uint32_t to_seconds(Timestamp time) {
  const auto since = std::chrono::floor<seconds>(time).time_since_epoch().count();
  return std::uint32_t(std::clamp<std::int64_t>(since, 0, std::numeric_limits<std::uint32_t>::max()));
}

Timestamp to_timestamp(std::uint32_t time) {
  return Timestamp(seconds(time));
}

}  // namespace brume::cloudwatch
