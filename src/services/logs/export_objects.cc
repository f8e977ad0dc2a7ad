#include "services/logs/export_objects.h"

#include <algorithm>

namespace brume::logs {
namespace {

constexpr std::size_t kLargest = 8 << 20, kHeld = 32 << 20;

}  // namespace

Result<void> ExportObjects::add(const std::string& stream, std::string_view member) {
  Object& object = objects_[stream];
  object.bytes += member;
  held_ += member.size();
  if (object.bytes.size() >= kLargest) return write(stream, object);
  if (held_ < kHeld) return {};
  const auto largest =
      std::ranges::max_element(objects_, {}, [](const auto& entry) { return entry.second.bytes.size(); });
  return write(largest->first, largest->second);
}

Result<void> ExportObjects::finish() {
  for (auto& [stream, object] : objects_) BRUME_CHECK(write(stream, object));
  return {};
}

Result<void> ExportObjects::write(const std::string& stream, Object& object) {
  if (object.bytes.empty()) return {};
  BRUME_CHECK(bucket_.put(fmt::format("{}/{}/{:06}.gz", prefix_, stream, object.number++), object.bytes));
  held_ -= object.bytes.size();
  object.bytes = {};
  return {};
}

}  // namespace brume::logs
