#include "lb/sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <exception>

#include "env/posix_error.h"
#include "lb/client_filter.h"

namespace brume::lb {
namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Result<SocketAddress> socket_address(const std::string& text, std::int32_t port) {
  SocketAddress address;
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage);
  if (port < 0 || port > 65535) return fail("ValidationError", "{} is not a port", port);
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(std::uint16_t(port));
    address.size = sizeof v4;
  } else if (inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(std::uint16_t(port));
    address.size = sizeof v6;
  } else {
    return fail("ValidationError", "'{}' is not an IP address", text);
  }
  return address;
}

Result<env::Fd> tcp_socket(int family) {
  env::Fd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return env::posix_error("cannot open a socket", "");
  return fd;
}

// Listens only if the port is shared: a probe must not take connections that it then drops.
Result<env::Fd> listen_on(env::Fd fd, const std::string& address, std::int32_t port, bool share) {
  BRUME_TRY(where, socket_address(address, port));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (share) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (::bind(fd.get(), where.get(), where.size) == 0 && (!share || ::listen(fd.get(), 4096) == 0)) return fd;
  switch (errno) {
    case EADDRINUSE:
      return fail("PortInUse", "port {} is in use", port);
    case EACCES:
      return fail("PortNotPermitted", "port {} needs privileges that the load balancer does not have", port);
    case EADDRNOTAVAIL:
      return fail("AddressNotAvailable", "address {} is not one of this machine", address);
    default:
      return fail_internal("cannot listen on port {}: {}", port, std::strerror(errno));
  }
}

}  // namespace

Result<env::Fd> NetworkNamespace::open_socket(int family) const {
  if (path_.empty()) return tcp_socket(family);
  const env::Fd there(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (!there) return env::posix_error("cannot open network namespace", path_);
  thread_local const env::Fd own(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!own || ::setns(there.get(), CLONE_NEWNET) != 0) return env::posix_error("cannot enter a network namespace", "");
  auto result = tcp_socket(family);
  // Staying behind in a customer's network would send everything that follows to the wrong place.
  if (::setns(own.get(), CLONE_NEWNET) != 0) std::terminate();
  return result;
}

Result<env::Fd> start_connection(const NetworkNamespace& network_namespace, const std::string& source,
                                 const std::string& address, std::int32_t port) {
  BRUME_TRY(to, socket_address(address, port));
  BRUME_TRY(fd, network_namespace.open_socket(to.storage.ss_family));
  const int on = 1;
  if (!source.empty()) {
    BRUME_TRY(from, socket_address(source, 0));
    // The port is chosen at connect, by the whole four-tuple: otherwise 28,000 connections to all targets is the end.
    ::setsockopt(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (::bind(fd.get(), from.get(), from.size) != 0) return env::posix_error("cannot bind to", source);
  }
  disable_nagle(fd.get());
  if (::connect(fd.get(), to.get(), to.size) != 0 && errno != EINPROGRESS) {
    return env::posix_error("cannot connect to", address);
  }
  return std::move(fd);
}

Result<env::Fd> open_listener(const std::string& address, std::int32_t port, const std::vector<std::string>& clients) {
  BRUME_TRY(where, socket_address(address, port));
  BRUME_TRY(fd, tcp_socket(where.storage.ss_family));
  BRUME_CHECK(hear_only(fd.get(), clients));
  return listen_on(std::move(fd), address, port, true);
}

Result<env::Fd> open_listener(const NetworkNamespace& network_namespace, const std::string& address,
                              std::int32_t port) {
  BRUME_TRY(fd, network_namespace.open_socket(AF_INET));
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_IP, IP_FREEBIND, &on, sizeof on);
  return listen_on(std::move(fd), address, port, true);
}

Result<void> check_port_is_free(const std::string& address, std::int32_t port) {
  BRUME_TRY(where, socket_address(address, port));
  BRUME_TRY(fd, tcp_socket(where.storage.ss_family));
  BRUME_CHECK(listen_on(std::move(fd), address, port, false));
  return {};
}

void disable_nagle(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int socket_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

}  // namespace brume::lb
