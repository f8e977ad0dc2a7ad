// For tests: sockets inside namespaces that the test made, used from its own thread. Nothing waits longer than five
// seconds.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <string>

#include "env/namespaces.h"
#include "env/posix_error.h"

namespace brume::net {

inline constexpr int patience_ms = 5000;

template <typename T>
testing::AssertionResult succeeds(const Result<T>& result) {
  if (result) return testing::AssertionSuccess();
  return testing::AssertionFailure() << result.error().message;
}

inline sockaddr_in socket_address(const std::string& address, std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  ::inet_pton(AF_INET, address.c_str(), &result.sin_addr);
  return result;
}

// Of either family.
struct AnySocketAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_in);
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  [[nodiscard]] int family() const { return storage.ss_family; }
  [[nodiscard]] std::string text() const {
    char buffer[INET6_ADDRSTRLEN] = "";
    if (family() == AF_INET6)
      ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr, buffer, sizeof buffer);
    else
      ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr, buffer, sizeof buffer);
    return buffer;
  }
};
inline AnySocketAddress any_socket_address(const std::string& address, std::uint16_t port) {
  AnySocketAddress result;
  if (address.find(':') == std::string::npos) {
    *reinterpret_cast<sockaddr_in*>(&result.storage) = socket_address(address, port);
    return result;
  }
  auto& ipv6 = *reinterpret_cast<sockaddr_in6*>(&result.storage);
  ipv6.sin6_family = AF_INET6;
  ipv6.sin6_port = htons(port);
  ::inet_pton(AF_INET6, address.c_str(), &ipv6.sin6_addr);
  result.size = sizeof(sockaddr_in6);
  return result;
}

inline Result<void> wait_for(int fd, short events) {
  pollfd entry{.fd = fd, .events = events, .revents = 0};
  if (::poll(&entry, 1, patience_ms) != 1) return fail_internal("nothing came");
  return {};
}

// A socket listening on `address` inside the namespace; it stays there wherever it is used from.
inline Result<env::Fd> listen_in(const std::string& path, const std::string& address, std::uint16_t port) {
  env::Fd fd;
  BRUME_CHECK(env::apart([&]() -> Result<void> {
    BRUME_CHECK(env::enter_network_namespace(path));
    const AnySocketAddress local = any_socket_address(address, port);
    fd = env::Fd(::socket(local.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;  // a connection before may linger
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(fd.get(), local.get(), local.size) != 0 || ::listen(fd.get(), 8) != 0)
      return env::posix_error("Cannot listen on", address);
    return {};
  }));
  return fd;
}

// Connects from inside the namespace, from `source` unless that is empty.
inline Result<env::Fd> connect_in(const std::string& path, const std::string& source, const std::string& address,
                                  std::uint16_t port) {
  env::Fd fd;
  BRUME_CHECK(env::apart([&]() -> Result<void> {
    BRUME_CHECK(env::enter_network_namespace(path));
    const AnySocketAddress remote = any_socket_address(address, port);
    fd = env::Fd(::socket(remote.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval patience{.tv_sec = patience_ms / 1000, .tv_usec = 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (!source.empty()) {
      const AnySocketAddress local = any_socket_address(source, 0);
      if (::bind(fd.get(), local.get(), local.size) != 0) return env::posix_error("Cannot bind to", source);
    }
    if (::connect(fd.get(), remote.get(), remote.size) != 0) return env::posix_error("Cannot connect to", address);
    return {};
  }));
  return fd;
}

}  // namespace brume::net
