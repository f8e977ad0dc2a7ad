#include "lb/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <charconv>
#include <cstring>

namespace brume::lb {
namespace {

Address from_v4(const void* four_bytes) {
  Address address;
  address.v4 = true;
  address.bytes[10] = address.bytes[11] = 0xff;
  std::memcpy(&address.bytes[12], four_bytes, 4);
  return address;
}

}  // namespace

std::optional<Address> Address::parse(std::string_view text) {
  const std::string zero_ended(text);
  in_addr v4{};
  if (inet_pton(AF_INET, zero_ended.c_str(), &v4) == 1) return from_v4(&v4);
  Address address;
  if (inet_pton(AF_INET6, zero_ended.c_str(), address.bytes.data()) != 1) return std::nullopt;
  return address;
}

Address Address::from(const sockaddr_storage& socket_address) {
  if (socket_address.ss_family == AF_INET) {
    return from_v4(&reinterpret_cast<const sockaddr_in&>(socket_address).sin_addr);
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(socket_address).sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&v6)) return from_v4(&v6.s6_addr[12]);
  Address address;
  std::memcpy(address.bytes.data(), v6.s6_addr, 16);
  return address;
}

std::string Address::text() const {
  char text[INET6_ADDRSTRLEN] = {};
  if (v4) inet_ntop(AF_INET, &bytes[12], text, sizeof text);
  else inet_ntop(AF_INET6, bytes.data(), text, sizeof text);
  return text;
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto base = Address::parse(text.substr(0, slash));
  const std::string_view digits = text.substr(slash + 1);
  int bits = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (!base || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  if (bits < 0 || bits > (base->v4 ? 32 : 128)) return std::nullopt;
  return Cidr{*base, base->v4 ? bits + 96 : bits};
}

bool Cidr::contains(const Address& address) const {
  if (address.v4 != base.v4) return false;
  const auto whole = std::size_t(bits / 8);
  if (std::memcmp(address.bytes.data(), base.bytes.data(), whole) != 0) return false;
  if (bits % 8 == 0) return true;
  const int shift = 8 - bits % 8;
  return (address.bytes[whole] >> shift) == (base.bytes[whole] >> shift);
}

}  // namespace brume::lb
