// The user and group ids that an instance has on the machine: its root is `first`, its id n is first + n. Pure.
//
// No two disks share one, so that nothing which belongs to one instance, a process or a file, belongs to another or to
// anybody on the machine. Ranges are aligned to their size: every id in a range names it.
// Leaves to the caller: finding what is taken (overlay_disk.h).
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string_view>

namespace brume::compute {

struct IdRange {
  std::uint32_t first = 0;

  static constexpr std::uint32_t kSize = 65536;  // ids inside are 0 to 65535
  auto operator<=>(const IdRange&) const = default;
};

// Above what distributions, useradd, container engines and systemd give out (systemd, "Users, Groups, UIDs and GIDs on
// systemd Systems"), below what does not fit into a signed number, and without systemd's range of foreign images.
inline constexpr std::uint32_t kFirstId = 0x70000000, kEndOfIds = 0x7ffe0000;

// The range that an owner belongs to; none if it is not an instance's.
std::optional<IdRange> range_of(std::uint32_t id);

// A range that is not taken; none if all are. Where the search begins is told by `name`, so that instances of several
// Brumes on one machine rarely meet, and what has just become free is rarely the next to be used.
std::optional<IdRange> choose_range(std::string_view name, const std::set<IdRange>& taken);

}  // namespace brume::compute
