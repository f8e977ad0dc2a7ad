#include "cli/session_client.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>

#include "daemon/channel_frame.h"
#include "env/fd.h"

namespace brume::cli {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using daemon::Frame;

constexpr std::size_t kMaxCaptured = 1 << 20;
constexpr std::size_t kChunk = 32 << 10;
constexpr int kClosedOutput = 141;  // as a program that SIGPIPE ends

// Keys go through as they are, until this goes.
class RawTerminal {
 public:
  explicit RawTerminal(bool wanted) : changed_(wanted && ::tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!changed_) return;
    termios raw = before_;
    ::cfmakeraw(&raw);
    ::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
  }
  ~RawTerminal() {
    if (changed_) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
  }
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

 private:
  termios before_{};
  bool changed_;
};

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n > 0) {
      bytes.remove_prefix(std::size_t(n));
    } else if (errno == EAGAIN) {  // somebody else has made the terminal or pipe non-blocking
      pollfd ready{fd, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

struct Url {
  std::string host, port, target;
};
std::optional<Url> parse_url(std::string_view text) {
  if (!text.starts_with("ws://")) return std::nullopt;
  text.remove_prefix(5);
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto colon = text.substr(0, slash).rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return Url{std::string(text.substr(0, colon)), std::string(text.substr(colon + 1, slash - colon - 1)),
             std::string(text.substr(slash))};
}

class Client {
 public:
  // `captured`: where output goes instead; then there is no input.
  Client(bool terminal, std::string* captured) : terminal_(terminal), captured_(captured) {}
  ~Client() { stop_reader(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Result<int> run(const Url& url, const std::string& token) {
    beast::error_code error;
    tcp::resolver resolver(io_);
    const auto places = resolver.resolve(url.host, url.port, error);
    if (!error) asio::connect(beast::get_lowest_layer(socket_), places, error);
    if (error) return fail("EndpointConnectionError", "{}:{} does not answer: {}", url.host, url.port, error.message());
    socket_.next_layer().set_option(tcp::no_delay(true), error);
    socket_.set_option(websocket::stream_base::decorator([&token](websocket::request_type& request) {
      request.set(http::field::authorization, "Bearer " + token);
      request.set(http::field::sec_websocket_protocol, daemon::kChannelProtocol);
    }));
    websocket::response_type answer;
    socket_.handshake(answer, url.host + ":" + url.port, url.target, error);
    if (error) return fail("SessionFailed", "The session cannot be opened: {}", refusal(answer, error));
    socket_.binary(true);
    socket_.read_message_max(daemon::kMaxFrame + 1);
    const RawTerminal raw(terminal_);
    if (terminal_) send_size();
    wait_for_signals();
    if (captured_)
      send(daemon::frame(Frame::end_of_input));
    else
      reader_ = std::thread([this] { read_input(); });
    receive();
    io_.run();
    stop_reader();
    if (!result_) return fail("SessionFailed", "The session was cut off: the daemon has gone");
    return *std::move(result_);
  }

 private:
  static std::string refusal(const websocket::response_type& answer, beast::error_code error) {
    return error == websocket::error::upgrade_declined
               ? fmt::format("the daemon answers {} {}", answer.result_int(), std::string_view(answer.reason()))
               : error.message();
  }

  void receive() {
    socket_.async_read(incoming_, [this](beast::error_code error, std::size_t) {
      if (error) return finish();
      const std::string message = beast::buffers_to_string(incoming_.data());
      incoming_.clear();
      const auto got = daemon::read_frame(message);
      if (!got) return end(fail("SessionFailed", "The daemon does not speak this session's protocol"));
      switch (got->kind) {
        case Frame::output:
          if (captured_)
            captured_->append(got->bytes.substr(0, kMaxCaptured - std::min(kMaxCaptured, captured_->size())));
          else if (!write_all(STDOUT_FILENO, got->bytes))
            return end(kClosedOutput);
          break;
        case Frame::errors:
          if (!captured_) write_all(STDERR_FILENO, got->bytes);
          break;
        case Frame::taken: {
          const std::lock_guard lock(mutex_);
          under_way_ -= std::min<std::size_t>(under_way_, got->numbers[0]);
          changed_.notify_all();
          break;
        }
        case Frame::exit:
          return end(int(got->numbers[0]));
        case Frame::failure:
          return end(fail("SessionFailed", "{}", got->bytes));
        default:
          return end(fail("SessionFailed", "The daemon does not speak this session's protocol"));
      }
      receive();
    });
  }

  void end(Result<int> result) {
    result_ = std::move(result);
    finish();
  }
  void finish() {
    beast::error_code ignored;
    signals_.cancel(ignored);
    socket_.next_layer().close(ignored);
    ended_ = true;
  }

  void wait_for_signals() {
    beast::error_code ignored;
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH})
      signals_.add(number, ignored);
    next_signal();
  }
  void next_signal() {
    signals_.async_wait([this](beast::error_code error, int number) {
      if (error) return;
      if (number == SIGWINCH) {
        if (terminal_) send_size();
      } else {
        send(daemon::frame(Frame::signal, std::string(1, char(number))));
      }
      next_signal();
    });
  }
  void send_size() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 && ::ioctl(STDIN_FILENO, TIOCGWINSZ, &size) != 0) size = {};
    send(daemon::resize_frame(size.ws_row ? size.ws_row : 24, size.ws_col ? size.ws_col : 80));
  }

  void send(std::string message) {
    if (ended_) return;
    outgoing_.push_back(std::move(message));
    if (outgoing_.size() == 1) send_first();
  }
  void send_first() {
    socket_.async_write(asio::buffer(outgoing_.front()), [this](beast::error_code error, std::size_t) {
      if (error) return;  // what ends us is told by the reading side
      outgoing_.pop_front();
      if (!outgoing_.empty()) send_first();
    });
  }

  // For a chunk of input to send. False: we are to stop.
  bool wait_for_room() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopping_ || under_way_ + kChunk <= daemon::kInputWindow; });
    return !stopping_;
  }

  // On a thread of its own, since standard input may be a file, which cannot be waited for.
  void read_input() {
    std::string buffer(kChunk, '\0');
    for (;;) {
      if (!wait_for_room()) return;
      pollfd ready[2] = {{STDIN_FILENO, POLLIN, 0}, {wake_.get(), POLLIN, 0}};
      if (::poll(ready, 2, -1) < 0 && errno != EINTR) return;
      if (ready[1].revents) return;
      if (!ready[0].revents) continue;
      const ssize_t n = ::read(STDIN_FILENO, buffer.data(), buffer.size());
      if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (n <= 0) {
        // A terminal inside has no end, but a key that says so.
        asio::post(io_, [this] {
          send(terminal_ ? daemon::frame(Frame::input, "\x04") : daemon::frame(Frame::end_of_input));
        });
        return;
      }
      {
        const std::lock_guard lock(mutex_);
        under_way_ += std::size_t(n);
      }
      asio::post(io_,
                 [this, message = daemon::frame(Frame::input, {buffer.data(), std::size_t(n)})] { send(message); });
    }
  }
  void stop_reader() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      changed_.notify_all();
    }
    const std::uint64_t one = 1;
    if (::write(wake_.get(), &one, sizeof one) < 0) return;
    if (reader_.joinable()) reader_.join();
  }

  bool terminal_;
  std::string* captured_;
  asio::io_context io_{1};
  websocket::stream<tcp::socket> socket_{io_};
  asio::signal_set signals_{io_};
  beast::flat_buffer incoming_;
  std::deque<std::string> outgoing_;
  std::optional<Result<int>> result_;
  bool ended_ = false;

  env::Fd wake_{::eventfd(0, EFD_CLOEXEC)};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t under_way_ = 0;  // guarded by mutex_: input that has been sent and not taken
  bool stopping_ = false;      // guarded by mutex_
  std::thread reader_;
};

Result<int> run(Session& session, const SessionRequest& request, std::string* captured) {
  ssm::StartSessionRequest start;
  start.Target = request.instance_id;
  start.DocumentName = request.document;
  for (const auto& [name, value] : request.parameters) start.Parameters[name] = {value};
  BRUME_TRY(started, session.ssm.StartSession(session.call, start));
  const auto url = parse_url(started.StreamUrl.value_or(""));
  if (!url) return fail("SessionFailed", "The session is at {}, which is no address of Brume's", *started.StreamUrl);
  ::signal(SIGPIPE, SIG_IGN);
  Client client(request.terminal, captured);
  return client.run(*url, started.TokenValue.value_or(""));
}

}  // namespace

Result<int> run_session(Session& session, const SessionRequest& request) {
  return run(session, request, nullptr);
}
Result<int> run_session(Session& session, const SessionRequest& request, std::string& output) {
  return run(session, request, &output);
}

}  // namespace brume::cli
