#include "compute/agent/http_connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "compute/init/console.h"

namespace brume::agent {
namespace {

constexpr double kConnectSeconds = 3;
constexpr double kAnswerSeconds = 15;  // a batch is on the service's disk before it answers

bool ready(int fd, short events, double deadline) {
  for (;;) {
    const double left = deadline - init::seconds();
    if (left <= 0) return false;
    pollfd waiting{fd, events, 0};
    const int n = ::poll(&waiting, 1, int(left * 1000) + 1);
    if (n > 0) return true;
    if (n < 0 && errno != EINTR) return false;
  }
}

std::unexpected<Error> unreachable(const Endpoint& endpoint, std::string_view why) {
  return fail("Unreachable", "the API at {} does not answer ({})", endpoint.host(), why);
}

std::unexpected<Error> unanswered(const Endpoint& endpoint, std::string_view why) {
  return fail("Unanswered", "the API at {} does not answer ({})", endpoint.host(), why);
}

}  // namespace

HttpConnection::~HttpConnection() {
  close();
}

void HttpConnection::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<void> HttpConnection::connect(double deadline) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd_ < 0) return unreachable(endpoint_, ::strerror(errno));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint_.port);
  address.sin_addr.s_addr = htonl(endpoint_.address);
  int error = 0;
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    error = errno;
    if (error == EINPROGRESS) {
      socklen_t size = sizeof error;
      if (!ready(fd_, POLLOUT, deadline))
        error = ETIMEDOUT;
      else if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        error = errno;
    }
  }
  if (error != 0) {
    close();
    return unreachable(endpoint_, ::strerror(error));
  }
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return {};
}

Result<init::Response> HttpConnection::exchange_once(std::string_view head, std::string_view body) {
  const double deadline = init::seconds() + kAnswerSeconds;
  std::size_t sent = 0;
  while (sent < head.size() + body.size()) {
    const std::string_view from_head = head.substr(std::min(sent, head.size()));
    const std::string_view from_body = body.substr(sent > head.size() ? sent - head.size() : 0);
    iovec parts[2] = {{const_cast<char*>(from_head.data()), from_head.size()},
                      {const_cast<char*>(from_body.data()), from_body.size()}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    const ssize_t n = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (n > 0)
      sent += std::size_t(n);
    else if (n < 0 && errno == EAGAIN && ready(fd_, POLLOUT, deadline))
      continue;
    else if (n == 0 || errno != EINTR)
      return unreachable(endpoint_, n < 0 ? ::strerror(errno) : "it takes nothing");
  }
  std::string bytes;
  for (char buffer[8192];;) {
    if (!ready(fd_, POLLIN, deadline)) return unanswered(endpoint_, "no answer in time");
    const ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) return unanswered(endpoint_, ::strerror(errno));
    bytes.append(buffer, std::size_t(n));
    init::Response response;
    switch (init::read_response(bytes, n == 0, response)) {
      case init::Reading::done:
        return response;
      case init::Reading::broken:
        return unanswered(endpoint_, bytes.empty() ? "it closed the connection" : "its answer is not one");
      case init::Reading::more:
        break;
    }
  }
}

Result<init::Response> HttpConnection::exchange(std::string_view head, std::string_view body) {
  const bool used = fd_ >= 0;
  if (used) {
    if (auto response = exchange_once(head, body)) return response;
    close();
  }
  BRUME_CHECK(connect(init::seconds() + kConnectSeconds));
  auto response = exchange_once(head, body);
  if (!response || !stays_open_) close();
  return response;
}

}  // namespace brume::agent
