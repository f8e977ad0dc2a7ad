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
    fd = env::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;  // a connection before may linger
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in local = socket_address(address, port);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0 || ::listen(fd.get(), 8) != 0)
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
    fd = env::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval patience{.tv_sec = patience_ms / 1000, .tv_usec = 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (!source.empty()) {
      const sockaddr_in local = socket_address(source, 0);
      if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0)
        return env::posix_error("Cannot bind to", source);
    }
    const sockaddr_in remote = socket_address(address, port);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&remote), sizeof remote) != 0)
      return env::posix_error("Cannot connect to", address);
    return {};
  }));
  return fd;
}

}  // namespace brume::net
