#include "connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "aws/protocol.h"
#include "aws/sigv4.h"

namespace brume::bench {
namespace {

std::unexpected<Error> broken(std::string_view what) {
  return std::unexpected(Error{"EndpointConnectionError", fmt::format("{}: {}", what, std::strerror(errno)), 503});
}

std::size_t number(std::string_view text, int base) {
  std::size_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

}  // namespace

Result<void> Connection::open() {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port_);
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0) {
    const auto error = broken("connect");
    close();
    return error;
  }
  ++opened_;
  return {};
}

void Connection::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  buffer_.clear();
}

Result<bool> Connection::receive() {
  std::array<char, 64 * 1024> piece;
  const ssize_t got = ::recv(fd_, piece.data(), piece.size(), 0);
  if (got < 0) return broken("recv");
  buffer_.append(piece.data(), std::size_t(got));
  return got > 0;
}

Result<aws::HttpAnswer> Connection::exchange(const aws::HttpRequest& request) {
  std::string bytes = fmt::format("{} {} HTTP/1.1\r\n", request.method, request.target);
  for (const auto& [name, value] : request.headers) bytes += fmt::format("{}: {}\r\n", name, value);
  bytes += fmt::format("Content-Length: {}\r\n\r\n{}", request.body.size(), request.body);
  if (fd_ < 0) BRUME_CHECK(open());
  for (std::size_t sent = 0; sent < bytes.size();) {
    const ssize_t n = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n < 0) {
      close();
      return broken("send");
    }
    sent += std::size_t(n);
  }
  auto answer = read_answer();
  if (!answer) close();
  return answer;
}

Result<aws::HttpAnswer> Connection::read_answer() {
  std::size_t end;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    BRUME_TRY(more, receive());
    if (!more) return broken("the server closed the connection");
  }
  aws::HttpAnswer answer;
  std::string_view head(buffer_.data(), end);
  bool keep_alive = head.starts_with("HTTP/1.1");
  answer.status = int(number(head.substr(9, 3), 10));
  for (auto line = head.find("\r\n"); line != std::string_view::npos; line = head.find("\r\n")) {
    head.remove_prefix(line + 2);
    const std::string_view field = head.substr(0, head.find("\r\n"));
    const auto colon = field.find(':');
    if (colon == std::string_view::npos) continue;
    answer.headers.emplace_back(field.substr(0, colon), aws::trim(field.substr(colon + 1)));
  }
  buffer_.erase(0, end + 4);
  const auto header = [&](std::string_view name) {
    const std::string* value = aws::find_header(answer.headers, name);
    return value ? aws::to_lower(*value) : std::string();
  };
  keep_alive = keep_alive && header("connection") != "close";
  if (header("transfer-encoding") == "chunked") {
    const auto have = [this](auto enough) -> Result<void> {
      while (!enough()) {
        BRUME_TRY(more, receive());
        if (!more) return broken("the answer ends early");
      }
      return {};
    };
    for (std::size_t size = 1; size > 0;) {
      std::size_t line = 0;
      BRUME_CHECK(have([&] { return (line = buffer_.find("\r\n")) != std::string::npos; }));
      size = number(std::string_view(buffer_).substr(0, line), 16);
      BRUME_CHECK(have([&] { return buffer_.size() >= line + 2 + size + 2; }));
      answer.body.append(buffer_, line + 2, size);
      buffer_.erase(0, line + 2 + size + 2);
    }
  } else if (const std::string length = header("content-length"); !length.empty()) {
    const std::size_t size = number(length, 10);
    buffer_.reserve(size);
    while (buffer_.size() < size) {
      BRUME_TRY(more, receive());
      if (!more) return broken("the answer ends early");
    }
    answer.body = buffer_.substr(0, size);
    buffer_.erase(0, size);
  } else {
    while (true) {
      BRUME_TRY(more, receive());
      if (!more) break;
    }
    answer.body = std::move(buffer_);
    keep_alive = false;
  }
  if (!keep_alive) close();
  return answer;
}

void sign_now(aws::HttpRequest& request, const std::string& authority, const aws::Credentials& credentials,
              std::string_view region, std::string_view service) {
  request.headers.emplace_back("Host", authority);
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  aws::sign_request(request, credentials, region, service, now);
}

Result<void> ConnectionTransport::send(const aws::ServiceModel& service, const aws::Operation& operation,
                                       const aws::Call& call, const void* input, void* output) {
  const aws::Protocol protocol = aws::preferred_protocol(service);
  BRUME_TRY(request, aws::write_request(protocol, service, operation, input));
  sign_now(request, connection_.authority(), credentials_, call.region.empty() ? region_ : call.region,
           service.signing_name);
  BRUME_TRY(answer, connection_.exchange(request));
  return aws::read_answer(protocol, operation, answer, output);
}

}  // namespace brume::bench
