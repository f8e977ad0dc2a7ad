// The server behind the load balancers that are compared: answers every request with the same 128 bytes.
//
//   backend PORT       on 127.0.0.1, until SIGTERM
//
// One thread, epoll, keep-alive; a request is what ends with an empty line (they have no bodies here).
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <map>

#include "measure.h"

namespace brume::bench {
namespace {

std::string answer() {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 128\r\n\r\n" + std::string(128, 'x');
}

// False: the connection is to be closed.
bool serve(int fd, std::string& pending) {
  static const std::string text = answer();
  std::array<char, 16 * 1024> piece;
  while (true) {
    const ssize_t got = ::recv(fd, piece.data(), piece.size(), MSG_DONTWAIT);
    if (got == 0) return false;
    if (got < 0) return errno == EAGAIN;
    pending.append(piece.data(), std::size_t(got));
    for (std::size_t end; (end = pending.find("\r\n\r\n")) != std::string::npos;) {
      pending.erase(0, end + 4);
      if (::send(fd, text.data(), text.size(), MSG_NOSIGNAL) != ssize_t(text.size())) return false;
    }
  }
}

int run(int port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(std::uint16_t(port));
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0 || ::listen(listener, 1024) != 0)
    give_up("the backend cannot listen");
  const int poll = ::epoll_create1(EPOLL_CLOEXEC);
  const auto watch = [&](int fd) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    ::epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
  };
  watch(listener);
  std::map<int, std::string> pending;
  std::array<epoll_event, 256> events;
  while (true) {
    const int count = ::epoll_wait(poll, events.data(), int(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[std::size_t(i)].data.fd;
      if (fd == listener) {
        const int accepted = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (accepted < 0) continue;
        ::setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(accepted);
      } else if (!serve(fd, pending[fd])) {
        pending.erase(fd);
        ::close(fd);
      }
    }
  }
}

}  // namespace
}  // namespace brume::bench

int main(int argc, char** argv) {
  if (argc != 2) brume::bench::give_up("usage: backend PORT");
  return brume::bench::run(std::stoi(argv[1]));
}
