#include "daemon/data_channel.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <deque>
#include <optional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>

#include "aws/http.h"
#include "aws/upgrade.h"
#include "base/json.h"
#include "base/log.h"
#include "daemon/channel_frame.h"
#include "env/namespaces.h"
#include "env/posix_error.h"

namespace brume::daemon {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using Descriptor = asio::posix::stream_descriptor;

constexpr std::size_t kChunk = 32 << 10;
constexpr auto kHandshake = std::chrono::seconds(10);
constexpr auto kConnect = std::chrono::seconds(10);
constexpr auto kFarewell = std::chrono::seconds(2);  // for the client to close its side
constexpr int kQuietSeconds = 60;  // then the client is asked whether it is still there; as long again for the answer
constexpr std::size_t kLoggedCommand = 1024;

std::string described(const ssm::SessionPlan& plan) {
  if (plan.port) return fmt::format("a connection to port {}", *plan.port);
  std::string text;
  for (const std::string& word : plan.command) text += (text.empty() ? "" : " ") + json_quote(word);
  if (text.size() > kLoggedCommand) text = text.substr(0, kLoggedCommand) + "…";
  return fmt::format("{} as {}", plan.command.empty() ? "a shell" : text, plan.user.empty() ? "root" : plan.user);
}

// On a worker: a socket whose connections begin inside the instance.
Result<env::Fd> socket_inside(const std::string& network_namespace) {
  env::Fd fd;
  BRUME_CHECK(env::apart([&]() -> Result<void> {
    BRUME_CHECK(env::enter_network_namespace(network_namespace));
    fd = env::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return env::posix_error("Cannot make", "a socket");
    return {};
  }));
  return fd;
}

}  // namespace

struct DataChannels::Core {
  asio::io_context& io;
  env::Loop& loop;
  compute::Executor& executor;
  NamespaceOf namespace_of;
  Registry registry;
  std::map<std::string, std::shared_ptr<Channel>> channels;
};

// One session. finish() is its end, whatever the cause; operations still under way keep the object, and do nothing.
class DataChannels::Channel : public std::enable_shared_from_this<Channel> {
 public:
  Channel(const std::shared_ptr<Core>& core, tcp::socket socket, std::string id)
      : core_(core), socket_(std::move(socket)), timer_(core->io), input_(core->io), id_(std::move(id)) {
    for (int i = 0; i < 2; ++i) sources_.emplace_back(core->io);
  }

  void begin(const http::request<http::string_body>& request, ssm::Sessions::Connected session) {
    session_ = std::move(session);
    log_info("session {}: {} begins {} in {}", id_, session_.owner, described(session_.plan), session_.instance_id);
    notice_vanished_client();
    socket_.read_message_max(kMaxFrame + 1);
    socket_.binary(true);
    socket_.set_option(websocket::stream_base::timeout{kHandshake, websocket::stream_base::none(), false});
    socket_.set_option(websocket::stream_base::decorator(
        [](websocket::response_type& answer) { answer.set(http::field::sec_websocket_protocol, kChannelProtocol); }));
    socket_.async_accept(request, [self = shared_from_this()](beast::error_code error) {
      if (error) return self->finish("its client has gone");
      self->accepted_ = true;
      self->read();
      // With a terminal, the first frame says how large it is.
      if (self->session_.plan.terminal.empty()) self->open({});
    });
  }

  // The session is over for us. `how` is for the log.
  void finish(std::string_view how) {
    if (std::exchange(over_, true)) return;
    log_info("session {} has ended: {}", id_, how);
    timer_.cancel();
    process_.reset();
    beast::error_code ignored;
    input_.close(ignored);
    for (Source& source : sources_) source.end.close(ignored);
    beast::get_lowest_layer(socket_).socket().close(ignored);
    if (const auto core = core_.lock()) {
      core->registry.ended(id_);
      core->channels.erase(id_);
    }
  }

  // With a word to the client.
  void fail(const std::string& sentence) {
    end(frame(Frame::failure, sentence), sentence);
    if (!over_) farewell();  // also to one that does not read
  }

 private:
  // A client in an instance that is terminated says nothing any more. The kernel asks, not we: its program may be slow.
  void notice_vanished_client() {
    const int fd = beast::get_lowest_layer(socket_).socket().native_handle();
    const auto set = [fd](int level, int option, int value) { ::setsockopt(fd, level, option, &value, sizeof value); };
    set(SOL_SOCKET, SO_KEEPALIVE, 1);
    set(IPPROTO_TCP, TCP_KEEPIDLE, kQuietSeconds);
    set(IPPROTO_TCP, TCP_KEEPINTVL, kQuietSeconds / 6);
    set(IPPROTO_TCP, TCP_KEEPCNT, 6);
  }

  void end(const std::string& last_frame, std::string how) {
    if (!accepted_) return finish(how);  // there is no way to tell the client
    if (over_ || std::exchange(ending_, true)) return;
    ended_how_ = std::move(how);
    process_.reset();
    // One that reads slowly gets all of it; only then is there a hurry.
    send(last_frame, [this] {
      farewell();
      socket_.async_close(websocket::close_code::normal,
                          [self = shared_from_this()](beast::error_code) { self->finish(self->ended_how_); });
    });
  }
  void farewell() {
    timer_.expires_after(kFarewell);
    timer_.async_wait([self = shared_from_this()](beast::error_code error) {
      if (!error) self->finish(self->ended_how_);
    });
  }

  // From where bytes go to the client.
  struct Source {
    explicit Source(asio::io_context& io) : end(io) {}
    Descriptor end;
    char buffer[kChunk];
  };

  void read() {
    socket_.async_read(incoming_, [self = shared_from_this()](beast::error_code error, std::size_t) {
      if (self->over_ || self->ending_) return;
      if (error) return self->finish("its client has gone");
      const std::string message = beast::buffers_to_string(self->incoming_.data());
      self->incoming_.clear();
      const auto read = read_frame(message);
      if (!read || !self->take(*read)) return self->fail("The client does not speak the session's protocol.");
      self->read();
    });
  }

  // A client's frame. False for what no client sends.
  bool take(const ReadFrame& got) {
    switch (got.kind) {
      case Frame::resize:
        if (process_) process_->resize(got.numbers[0], got.numbers[1]);
        break;
      case Frame::signal:
        if (process_) process_->signal(int(got.numbers[0]));
        break;
      case Frame::input:
        // One that does not wait for its input to be taken would have us keep all of it.
        if (input_ended_ || waiting_ + got.bytes.size() > kInputWindow) return false;
        waiting_ += got.bytes.size();
        pending_.emplace_back(got.bytes);
        if (pending_.size() == 1) write_input();
        break;
      case Frame::end_of_input:
        input_ended_ = true;
        if (pending_.empty()) close_input();
        break;
      default:
        return false;
    }
    if (!opened_ && !session_.plan.terminal.empty()) open(got);
    return true;
  }

  void open(const std::optional<ReadFrame>& first) {
    opened_ = true;
    const auto core = core_.lock();
    if (!core) return;
    const ssm::SessionPlan& plan = session_.plan;
    if (plan.port) return connect(*core);
    compute::ExecSpec spec{.command = plan.command, .user = plan.user, .terminal = plan.terminal};
    if (first && first->kind == Frame::resize)
      std::tie(spec.rows, spec.columns) = std::pair(first->numbers[0], first->numbers[1]);
    core->executor.exec(session_.instance_id, spec,
                        [self = shared_from_this()](Result<std::unique_ptr<compute::ExecProcess>> process) {
                          if (self->over_ || self->ending_) return;
                          if (!process) return self->fail(process.error().message);
                          self->start(*std::move(process));
                        });
  }

  void start(std::unique_ptr<compute::ExecProcess> process) {
    process_ = std::move(process);
    process_->ended = [weak = weak_from_this()](int status) {
      const auto self = weak.lock();
      if (!self) return;
      self->status_ = status;
      self->end_if_through();
    };
    carry(process_->input.release(), process_->output.release(), process_->errors.release());
  }

  // Descriptors, now ours; -1: none.
  void carry(int input, int output, int errors) {
    beast::error_code ignored;
    input_.assign(input, ignored);
    sources_[0].end.assign(output, ignored);
    if (errors >= 0) sources_[1].end.assign(errors, ignored);
    for (std::size_t i = 0; i < 2; ++i) read_source(i);
    if (!pending_.empty())
      write_input();
    else if (input_ended_)
      close_input();
  }

  void connect(const Core& core) {
    const auto made = std::make_shared<std::optional<Result<env::Fd>>>();
    core.loop.run_blocking([made, place = core.namespace_of(session_.instance_id)] { *made = socket_inside(place); },
                           [self = shared_from_this(), made] {
                             if (self->over_ || self->ending_) return;
                             if (!**made) return self->fail((**made).error().message);
                             self->connect(std::move(***made));
                           });
  }

  void connect(env::Fd fd) {
    const auto core = core_.lock();
    if (!core) return;
    const auto stream = std::make_shared<beast::tcp_stream>(core->io);
    beast::error_code error;
    stream->socket().assign(tcp::v4(), fd.release(), error);
    stream->expires_after(kConnect);
    stream->async_connect(tcp::endpoint(asio::ip::address_v4::loopback(), *session_.plan.port),
                          [self = shared_from_this(), stream](beast::error_code failed) {
                            if (self->over_ || self->ending_) return;
                            if (failed) return self->fail(self->no_answer(failed.message()));
                            const int input = stream->release_socket().release();
                            self->carry(input, ::fcntl(input, F_DUPFD_CLOEXEC, 0), -1);
                          });
  }

  [[nodiscard]] std::string no_answer(const std::string& why) const {
    const std::string& id = session_.instance_id;
    std::string text = fmt::format("Nothing answers on port {} of {}: {}.", *session_.plan.port, id, why);
    if (session_.plan.document == "AWS-StartSSHSession")
      text += fmt::format(" If its image has no SSH server: brume exec {} needs none.", id);
    return text;
  }

  void read_source(std::size_t which) {
    Source& source = sources_[which];
    if (!source.end.is_open()) return;
    source.end.async_read_some(asio::buffer(source.buffer),
                               [self = shared_from_this(), which](beast::error_code error, std::size_t size) {
                                 if (self->over_ || self->ending_) return;
                                 Source& from = self->sources_[which];
                                 if (error) {  // its end; of a terminal's it is EIO
                                   beast::error_code ignored;
                                   from.end.close(ignored);
                                   return self->end_if_through();
                                 }
                                 // The next bytes are read when these have gone: who reads slowly slows the program.
                                 self->send(frame(which == 0 ? Frame::output : Frame::errors, {from.buffer, size}),
                                            [channel = self.get(), which] { channel->read_source(which); });
                               });
  }

  void end_if_through() {
    if (sources_[0].end.is_open() || sources_[1].end.is_open()) return;
    if (session_.plan.port) return end(frame(Frame::exit, std::string(1, '\0')), "the connection is closed");
    if (!status_) return;
    end(frame(Frame::exit, std::string(1, char(*status_))), fmt::format("status {}", *status_));
  }

  void write_input() {
    if (!input_.is_open()) return;
    asio::async_write(input_, asio::buffer(pending_.front()),
                      [self = shared_from_this()](beast::error_code error, std::size_t) {
                        if (self->over_ || self->ending_) return;
                        const std::size_t size = self->pending_.front().size();
                        self->pending_.pop_front();
                        self->waiting_ -= size;
                        // A program that reads no more is no failure: the rest is taken and dropped.
                        if (error == asio::error::operation_aborted) return;
                        self->send(taken_frame(size), {});
                        if (!self->pending_.empty()) return self->write_input();
                        if (self->input_ended_) self->close_input();
                      });
  }

  void close_input() {
    if (!input_.is_open()) return;
    // A terminal has no end; its client sends the key that says so.
    if (!session_.plan.terminal.empty()) return;
    beast::error_code ignored;
    if (session_.plan.port) ::shutdown(input_.native_handle(), SHUT_WR);
    input_.close(ignored);
  }

  // One message at a time, in order; `sent` runs when it has gone.
  void send(std::string message, std::function<void()> sent) {
    outgoing_.emplace_back(std::move(message), std::move(sent));
    if (outgoing_.size() == 1) send_first();
  }
  void send_first() {
    socket_.async_write(asio::buffer(outgoing_.front().first),
                        [self = shared_from_this()](beast::error_code error, std::size_t) {
                          if (self->over_) return;
                          if (error) return self->finish("its client has gone");
                          const auto sent = std::move(self->outgoing_.front().second);
                          self->outgoing_.pop_front();
                          if (!self->outgoing_.empty()) self->send_first();
                          if (sent) sent();
                        });
  }

  std::weak_ptr<Core> core_;
  websocket::stream<beast::tcp_stream> socket_;
  asio::steady_timer timer_;
  beast::flat_buffer incoming_;
  std::deque<std::pair<std::string, std::function<void()>>> outgoing_;
  std::deque<std::string> pending_;  // input on its way
  std::size_t waiting_ = 0;          // its bytes
  Descriptor input_;
  std::deque<Source> sources_;
  std::unique_ptr<compute::ExecProcess> process_;
  std::optional<int> status_;
  std::string id_, ended_how_;
  ssm::Sessions::Connected session_;
  bool input_ended_ = false, accepted_ = false, opened_ = false, ending_ = false, over_ = false;
};

DataChannels::DataChannels(asio::io_context& io, env::Loop& loop, compute::Executor& executor, NamespaceOf namespace_of,
                           Registry registry)
    : core_(std::make_shared<Core>(Core{io, loop, executor, std::move(namespace_of), std::move(registry), {}})) {}

DataChannels::~DataChannels() {
  while (!core_->channels.empty()) {
    const auto channel = core_->channels.begin()->second;
    channel->finish("the daemon stops");
  }
}

void DataChannels::take(aws::Upgrade upgrade) {
  const auto& request = upgrade.request;
  const std::string_view path = aws::split_target({request.target().data(), request.target().size()}).first;
  const std::string id(path.substr(std::min(path.size(), std::string_view(kChannelPath).size())));
  const std::string_view authorization = request[http::field::authorization];
  const std::string_view protocol = request[http::field::sec_websocket_protocol];
  const auto refuse = [&](http::status status, const std::string& sentence) {
    const auto answer = std::make_shared<http::response<http::string_body>>(status, 11);
    answer->set(http::field::content_type, "text/plain; charset=utf-8");
    answer->keep_alive(false);
    answer->body() = sentence + "\n";
    answer->prepare_payload();
    const auto stream = std::make_shared<beast::tcp_stream>(std::move(upgrade.socket));
    stream->expires_after(kHandshake);
    http::async_write(*stream, *answer, [stream, answer](beast::error_code, std::size_t) {});
  };
  if (protocol != kChannelProtocol)
    return refuse(http::status::bad_request,
                  fmt::format("Sessions speak the WebSocket subprotocol {} here; use `brume exec`.", kChannelProtocol));
  const auto open = std::make_shared<std::weak_ptr<Channel>>();
  auto session = core_->registry.connect(
      id, std::string(authorization.starts_with("Bearer ") ? authorization.substr(7) : ""), [open] {
        if (const auto channel = open->lock()) channel->fail("The session was terminated.");
      });
  if (!session) return refuse(http::status::forbidden, session.error().message);
  const auto channel = std::make_shared<Channel>(core_, std::move(upgrade.socket), id);
  *open = channel;
  core_->channels[id] = channel;
  channel->begin(request, *std::move(session));
}

}  // namespace brume::daemon
