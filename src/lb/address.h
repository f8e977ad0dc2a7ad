// IP addresses and CIDR blocks as values.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct sockaddr_storage;

namespace brume::lb {

// IPv4 addresses are held as IPv4-mapped IPv6 ones.
struct Address {
  std::array<std::uint8_t, 16> bytes{};
  bool v4 = false;
  bool operator==(const Address&) const = default;

  static std::optional<Address> parse(std::string_view text);
  static Address from(const sockaddr_storage& socket_address);
  [[nodiscard]] std::string text() const;
};

struct Cidr {
  Address base;
  int bits = 0;  // of the 128
  static std::optional<Cidr> parse(std::string_view text);
  [[nodiscard]] bool contains(const Address& address) const;
};

}  // namespace brume::lb
