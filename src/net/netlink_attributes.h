// Taking netlink messages apart.
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "net/address.h"

namespace brume::net {

inline constexpr std::uint8_t both_families[] = {AF_INET, AF_INET6};

// Calls `visit` for each attribute of `bytes`; ends at the first that does not fit.
inline void each_attribute(std::string_view bytes, const std::function<void(int type, std::string_view value)>& visit) {
  while (bytes.size() >= sizeof(rtattr)) {
    rtattr header;
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.rta_len < sizeof header || header.rta_len > bytes.size()) return;
    visit(header.rta_type & NLA_TYPE_MASK, bytes.substr(sizeof header, header.rta_len - sizeof header));
    bytes.remove_prefix(std::min<std::size_t>(RTA_ALIGN(header.rta_len), bytes.size()));
  }
}

// A string attribute, without its final zero.
inline std::string text_of(std::string_view value) {
  return std::string(value.substr(0, value.find('\0')));
}

// The number of an attribute that holds four bytes; 0 if it does not.
inline std::uint32_t number_of(std::string_view value) {
  std::uint32_t number = 0;
  if (value.size() == sizeof number) std::memcpy(&number, value.data(), sizeof number);
  return number;
}

// The address of an attribute that holds one, of either family; 0.0.0.0 if it does not.
inline IpAddress address_of(std::string_view value) {
  IpAddress address;
  if (value.size() != 4 && value.size() != 16) return address;
  address.ipv6 = value.size() == 16;
  std::memcpy(address.bytes.data(), value.data(), value.size());
  return address;
}

// The fixed part of a message and the attributes after it.
template <typename T>
bool split(std::string_view payload, T& fixed, std::string_view& attributes) {
  if (payload.size() < NLMSG_ALIGN(sizeof fixed)) return false;
  std::memcpy(&fixed, payload.data(), sizeof fixed);
  attributes = payload.substr(NLMSG_ALIGN(sizeof fixed));
  return true;
}

}  // namespace brume::net
