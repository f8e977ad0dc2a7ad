#include "lb/channel_client.h"

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "base/json.h"

namespace brume::lb {
namespace {
constexpr auto kRetry = std::chrono::milliseconds(200);
constexpr std::size_t kMaxLine = 64u << 20;
}  // namespace

// Callbacks hold it alive; `ended` tells them that nobody listens any more.
struct ChannelClient::Session : std::enable_shared_from_this<Session> {
  explicit Session(boost::asio::io_context& io) : socket(io), timer(io) {}

  void connect() {
    socket = decltype(socket)(socket.get_executor());
    const boost::asio::local::stream_protocol::endpoint endpoint(path);
    socket.async_connect(endpoint, [self = shared_from_this()](boost::system::error_code failed) {
      if (self->ended) return;
      if (failed || !self->same_user()) return self->lost();
      self->connected = true;
      if (self->on_connected) self->on_connected(true);
      self->dirty = !self->line.empty();
      self->write();
      self->read();
    });
  }

  bool same_user() {
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == ::geteuid();
  }

  void lost() {
    const bool was_connected = std::exchange(connected, false);
    boost::system::error_code ignored;
    socket.close(ignored);
    input.clear();
    if (was_connected && on_connected) on_connected(false);
    if (ended) return;
    timer.expires_after(kRetry);
    timer.async_wait([self = shared_from_this()](boost::system::error_code cancelled) {
      if (!cancelled && !self->ended) self->connect();
    });
  }

  void write() {
    if (writing || !connected || !dirty) return;
    dirty = false;
    writing = true;
    sending = line;
    boost::asio::async_write(socket, boost::asio::buffer(sending),
                             [self = shared_from_this()](boost::system::error_code failed, std::size_t) {
                               self->writing = false;
                               if (!failed && !self->ended) self->write();  // the reader notices what failed
                             });
  }

  void read() {
    boost::asio::async_read_until(socket, boost::asio::dynamic_buffer(input, kMaxLine), '\n',
                                  [self = shared_from_this()](boost::system::error_code failed, std::size_t size) {
                                    if (self->ended) return;
                                    if (failed) return self->lost();
                                    const auto stats = from_json<Stats>(std::string_view(self->input).substr(0, size - 1));
                                    self->input.erase(0, size);
                                    if (!stats) return self->lost();
                                    self->on_stats(*stats);
                                    if (!self->ended) self->read();
                                  });
  }

  std::string path;
  std::function<void(const Stats&)> on_stats;
  std::function<void(bool)> on_connected;
  boost::asio::local::stream_protocol::socket socket;
  boost::asio::steady_timer timer;
  std::string line;     // the last snapshot
  std::string sending;  // what is being written
  std::string input;
  bool dirty = false, writing = false, connected = false, ended = false;
};

ChannelClient::ChannelClient(boost::asio::io_context& io, std::function<void(const Stats&)> on_stats,
                             std::function<void(bool)> on_connected)
    : session_(std::make_shared<Session>(io)) {
  session_->on_stats = std::move(on_stats);
  session_->on_connected = std::move(on_connected);
}

ChannelClient::~ChannelClient() {
  session_->ended = true;
  boost::system::error_code ignored;
  session_->socket.close(ignored);
  session_->timer.cancel();
}

void ChannelClient::connect(const std::string& path) {
  session_->path = path;
  session_->connect();
}

void ChannelClient::send(const Snapshot& snapshot) {
  session_->line = to_json(snapshot) + "\n";
  session_->dirty = true;
  session_->write();
}

bool ChannelClient::connected() const { return session_->connected; }

}  // namespace brume::lb
