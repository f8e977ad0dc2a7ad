#include "lb/channel.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/json.h"
#include "env/posix_error.h"

namespace brume::lb {
namespace {

constexpr std::size_t kMaxLine = 64u << 20;
constexpr env::Duration kPeriod = std::chrono::seconds(1);

Result<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return fail_internal("socket path '{}' is too long", path);
  std::memcpy(address.sun_path, path.c_str(), path.size());
  return address;
}

bool same_user(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == ::geteuid();
}

}  // namespace

class Channel::Connection final : public Watcher {
 public:
  Connection(Channel& channel, env::Fd fd) : channel_(channel), fd_(std::move(fd)) {}
  [[nodiscard]] int fd() const { return fd_.get(); }
  void close() { env::Fd gone = std::move(fd_); }

  void on_events(std::uint32_t) override {
    if (!fd_) return;
    if (!flush() || !receive()) channel_.drop();
  }

  // False: broken.
  bool send(const Stats& stats) {
    if (!unsent_.empty()) return true;  // it has not read the last one
    unsent_ = to_json(stats) + "\n";
    return flush();
  }

 private:
  bool flush() {
    while (!unsent_.empty()) {
      const ssize_t sent = ::send(fd_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
      if (sent < 0) return errno == EAGAIN;
      unsent_.erase(0, std::size_t(sent));
    }
    return true;
  }

  bool receive() {
    std::array<char, std::size_t{64} * 1024> piece;
    while (true) {
      const ssize_t got = ::recv(fd_.get(), piece.data(), piece.size(), 0);
      if (got < 0) return errno == EAGAIN;
      if (got == 0) return false;
      std::string_view rest(piece.data(), std::size_t(got));
      for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
        line_ += rest.substr(0, end);
        rest.remove_prefix(end + 1);
        if (!accept_line()) return false;
      }
      line_ += rest;
      if (line_.size() > kMaxLine) return false;
    }
  }

  bool accept_line() {
    const auto snapshot = from_json<Snapshot>(line_);
    std::string().swap(line_);
    if (!snapshot) return false;
    channel_.on_snapshot_(*snapshot);
    return true;
  }

  Channel& channel_;
  env::Fd fd_;
  std::string line_, unsent_;
};

Channel::Channel(EventLoop& loop, std::string path, env::Fd fd, OnSnapshot on_snapshot, std::function<Stats()> stats)
    : loop_(loop),
      path_(std::move(path)),
      fd_(std::move(fd)),
      on_snapshot_(std::move(on_snapshot)),
      stats_(std::move(stats)),
      periodic_([this] {
        report();
        loop_.set_timer(periodic_, kPeriod);
      }),
      poked_([this] { report(); }) {}

Channel::~Channel() {
  ::unlink(path_.c_str());
}

Result<std::unique_ptr<Channel>> Channel::open(EventLoop& loop, const std::string& path, OnSnapshot on_snapshot,
                                               std::function<Stats()> stats) {
  BRUME_TRY(address, unix_address(path));
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  const env::Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (probe && ::connect(probe.get(), generic, sizeof address) == 0) {
    return fail_internal("a load balancer is already running at {}", path);
  }
  ::unlink(path.c_str());
  env::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  // The mode is set before the name exists, so that there is no moment in which others could connect.
  if (!fd || ::fchmod(fd.get(), 0600) != 0 || ::bind(fd.get(), generic, sizeof address) != 0 ||
      ::listen(fd.get(), 8) != 0) {
    return env::posix_error("cannot listen on", path);
  }
  std::unique_ptr<Channel> channel(new Channel(loop, path, std::move(fd), std::move(on_snapshot), std::move(stats)));
  if (!loop.watch(channel->fd_.get(), *channel)) return env::posix_error("cannot watch", path);
  loop.set_timer(channel->periodic_, kPeriod);
  return channel;
}

void Channel::on_events(std::uint32_t) {
  while (true) {
    env::Fd fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) return;
    if (!same_user(fd.get())) continue;
    drop();
    connection_ = std::make_unique<Connection>(*this, std::move(fd));
    if (!loop_.watch(connection_->fd(), *connection_)) drop();
    poke();
  }
}

void Channel::drop() {
  if (!connection_) return;
  connection_->close();
  loop_.retire(std::move(connection_));
}

void Channel::poke() {
  loop_.set_timer(poked_, env::Duration::zero());
}

void Channel::report() {
  if (connection_ && !connection_->send(stats_())) drop();
}

}  // namespace brume::lb
