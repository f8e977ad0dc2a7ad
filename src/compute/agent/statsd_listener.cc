#include "compute/agent/statsd_listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

namespace brume::agent {
namespace {

constexpr std::size_t kMaxDatagram = 64 << 10;
constexpr int kReceiveBuffer = 4 << 20;  // as far as the kernel lets us

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Address any_of(int family, std::uint16_t port) {
  Address out;
  if (family == AF_INET6) {
    auto& address = reinterpret_cast<sockaddr_in6&>(out.storage);
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    out.size = sizeof address;
  } else {
    auto& address = reinterpret_cast<sockaddr_in&>(out.storage);
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    out.size = sizeof address;
  }
  return out;
}

std::optional<Address> read_address(std::string_view text, std::uint16_t& port) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view number = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), port);
  if (error != std::errc() || end != number.data() + number.size()) return std::nullopt;
  std::string host(text.substr(0, colon));
  if (host == "localhost") host = "127.0.0.1";
  if (host.empty()) return any_of(AF_INET6, port);
  if (host.starts_with('[') && host.ends_with(']')) {
    Address out = any_of(AF_INET6, port);
    if (::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(),
                    &reinterpret_cast<sockaddr_in6&>(out.storage).sin6_addr) == 1)
      return out;
    return std::nullopt;
  }
  Address out = any_of(AF_INET, port);
  if (::inet_pton(AF_INET, host.c_str(), &reinterpret_cast<sockaddr_in&>(out.storage).sin_addr) == 1) return out;
  return std::nullopt;
}

// Negative with errno.
int bound_socket(const Address& address) {
  const int fd = ::socket(address.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return fd;
  const int off = 0;
  if (address.storage.ss_family == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0) return fd;
  const int error = errno;
  ::close(fd);
  errno = error;
  return -1;
}

}  // namespace

Result<std::unique_ptr<StatsdListener>> StatsdListener::open(const std::string& address, std::size_t allowed) {
  std::uint16_t port = 0;
  const auto where = read_address(address, port);
  if (!where)
    return fail("InvalidConfiguration", "{} is not an address and a port (or a port alone, as :8125)", address);
  int socket = bound_socket(*where);
  // Without IPv6 all addresses are IPv4's.
  if (socket < 0 && errno != EADDRINUSE && address.starts_with(':')) socket = bound_socket(any_of(AF_INET, port));
  if (socket < 0) return fail("Unavailable", "{}: {}", address, std::strerror(errno));
  const int end = ::eventfd(0, EFD_CLOEXEC);
  if (end < 0) {
    ::close(socket);
    return fail("Unavailable", "{}: {}", address, std::strerror(errno));
  }
  return std::unique_ptr<StatsdListener>(new StatsdListener(socket, end, allowed));
}

StatsdListener::StatsdListener(int socket, int end, std::size_t allowed)
    : socket_(socket), end_(end), allowed_(allowed), thread_([this] { run(); }) {}

StatsdListener::~StatsdListener() {
  const std::uint64_t one = 1;
  while (::write(end_, &one, sizeof one) < 0 && errno == EINTR) {
  }
  thread_.join();
  ::close(socket_);
  ::close(end_);
}

void StatsdListener::run() {
  std::string buffer(kMaxDatagram, '\0');
  for (;;) {
    pollfd ready[] = {{socket_, POLLIN, 0}, {end_, POLLIN, 0}};
    if (::poll(ready, 2, -1) < 0 && errno != EINTR) return;
    if (ready[1].revents) return;
    const ssize_t n = ::recv(socket_, buffer.data(), buffer.size(), 0);
    if (n > 0) keep(buffer.substr(0, std::size_t(n)));
  }
}

void StatsdListener::keep(std::string datagram) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= allowed_ || waiting_bytes_ + datagram.size() > kMaxWaitingBytes) {
    ++dropped_;
    return;
  }
  waiting_bytes_ += datagram.size();
  waiting_.push_back(std::move(datagram));
}

std::vector<std::string> StatsdListener::take() {
  const std::lock_guard lock(mutex_);
  waiting_bytes_ = 0;
  return std::exchange(waiting_, {});
}

std::uint64_t StatsdListener::dropped() {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

std::uint16_t StatsdListener::port() const {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                                             : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

}  // namespace brume::agent
