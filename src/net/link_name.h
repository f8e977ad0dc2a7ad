// The VPC's side of an interface's veth, by the interface's id.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace brume::net {

// 64-bit FNV-1a (Fowler, Noll, Vo).
constexpr std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) hash = (hash ^ std::uint8_t(c)) * 0x100000001b3U;
  return hash;
}

// A link's name holds 15 characters, fewer than an interface's id: 56 bits of a hash of it, which at the hundreds of
// interfaces of a VPC do not collide.
inline std::string link_name(std::string_view interface_id) {
  return fmt::format("v{:014x}", fnv1a(interface_id) >> 8);
}

}  // namespace brume::net
