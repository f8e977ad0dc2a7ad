#include "compute/init/metadata_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "compute/init/http_message.h"

namespace brume::init {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kPatience = std::chrono::seconds(60);
constexpr auto kFirstPause = std::chrono::milliseconds(50);
constexpr auto kLongestPause = std::chrono::milliseconds(3000);
constexpr auto kExchange = std::chrono::seconds(5);

bool ready(int fd, short events, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    pollfd waiting{fd, events, 0};
    const int n = ::poll(&waiting, 1, int(left));
    if (n > 0) return true;
    if (n < 0 && errno != EINTR) return false;
  }
}

std::optional<Response> exchange_over(int fd, std::string text) {
  const auto deadline = Clock::now() + kExchange;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(80);
  address.sin_addr.s_addr = htonl(0xa9fea9fe);  // 169.254.169.254
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    int error = 0;
    socklen_t size = sizeof error;
    if (errno != EINPROGRESS || !ready(fd, POLLOUT, deadline) ||
        ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0)
      return std::nullopt;
  }
  while (!text.empty()) {
    const ssize_t n = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (n > 0)
      text.erase(0, std::size_t(n));
    else if (n == 0 || (errno != EINTR && (errno != EAGAIN || !ready(fd, POLLOUT, deadline))))
      return std::nullopt;
  }
  std::string bytes;
  Response response;
  for (char buffer[4096];;) {
    if (!ready(fd, POLLIN, deadline)) return std::nullopt;
    const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) return std::nullopt;
    bytes.append(buffer, std::size_t(n));
    switch (read_response(bytes, n == 0, response)) {
      case Reading::done:
        return response;
      case Reading::broken:
        return std::nullopt;
      case Reading::more:
        break;
    }
  }
}

std::optional<Response> exchange(const std::string& text) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return std::nullopt;
  auto response = exchange_over(fd, text);
  ::close(fd);
  return response;
}

// The instance's id and what is at `path`.
std::optional<std::pair<std::string, std::string>> read_patiently(std::string_view path) {
  const auto deadline = Clock::now() + kPatience;
  for (Clock::duration pause = kFirstPause;; pause = std::min<Clock::duration>(pause * 2, kLongestPause)) {
    const MetadataVisit visit;
    if (auto id = visit.get("/latest/meta-data/instance-id", false))
      if (auto found = visit.get(path, true)) return std::pair(*std::move(id), *std::move(found));
    if (visit.refused() || Clock::now() + pause > deadline) return std::nullopt;
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace

MetadataVisit::MetadataVisit() {
  const auto token = exchange(request("PUT", "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: 300\r\n"));
  refused_ = token && token->status == 403;
  if (!token || token->status != 200 || token->body.find_first_of("\r\n") != std::string::npos) return;
  header_ = "X-aws-ec2-metadata-token: " + token->body + "\r\n";
}

std::optional<std::string> MetadataVisit::get(std::string_view path, bool optional) const {
  if (header_.empty()) return std::nullopt;
  auto answer = exchange(request("GET", path, header_));
  if (answer && answer->status == 200) return std::move(answer->body);
  return optional && answer && answer->status == 404 ? std::optional<std::string>("") : std::nullopt;
}

std::optional<Metadata> read_metadata() {
  auto read = read_patiently("/latest/user-data");
  if (!read) return std::nullopt;
  return Metadata{.instance_id = std::move(read->first), .user_data = std::move(read->second)};
}

std::optional<LoginKey> read_login_key() {
  auto read = read_patiently("/latest/meta-data/public-keys/0/openssh-key");
  if (!read) return std::nullopt;
  return LoginKey{.instance_id = std::move(read->first), .public_key = std::move(read->second)};
}

}  // namespace brume::init
