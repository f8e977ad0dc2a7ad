#include "compute/id_range.h"

namespace brume::compute {
namespace {

constexpr std::uint32_t kRanges = (kEndOfIds - kFirstId) / IdRange::kSize;

// FNV-1a: the same on every machine and in every version.
std::uint32_t place_of(std::string_view name) {
  std::uint32_t hash = 2166136261U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash % kRanges;
}

}  // namespace

std::optional<IdRange> range_of(std::uint32_t id) {
  if (id < kFirstId || id >= kEndOfIds) return std::nullopt;
  return IdRange{id - id % IdRange::kSize};
}

std::optional<IdRange> choose_range(std::string_view name, const std::set<IdRange>& taken) {
  const std::uint32_t begin = place_of(name);
  for (std::uint32_t i = 0; i < kRanges; ++i) {
    const IdRange range{kFirstId + (begin + i) % kRanges * IdRange::kSize};
    if (!taken.contains(range)) return range;
  }
  return std::nullopt;
}

}  // namespace brume::compute
