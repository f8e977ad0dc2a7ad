#include "aws/http_server.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <set>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include "aws/upgrade.h"

namespace brume::aws {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

}  // namespace

class HttpServer::Listener : public std::enable_shared_from_this<Listener> {
 public:
  Listener(asio::io_context& io, Options options, Handler handler)
      : acceptor_(io), pause_(io), options_(std::move(options)), handler_(std::move(handler)) {}

  Result<void> open() {
    beast::error_code error;
    if (options_.listening >= 0) {
      acceptor_.assign(tcp::v4(), options_.listening, error);
      if (error) return fail_internal("Cannot listen on a given socket: {}.", error.message());
      accept();
      return {};
    }
    const auto address = asio::ip::make_address(options_.address, error);
    if (error) return fail_internal("'{}' is not an address to listen on.", options_.address);
    const tcp::endpoint endpoint(address, options_.port);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error == asio::error::address_in_use)
      return std::unexpected(
          Error{"PortInUse",
                fmt::format("Port {} on {} is in use by another program: stop it, or choose another port.",
                            options_.port, options_.address),
                500});
    if (error) return fail_internal("Cannot listen on {}:{}: {}.", options_.address, options_.port, error.message());
    accept();
    return {};
  }

  void close();

  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  [[nodiscard]] const Options& options() const { return options_; }
  std::map<std::string, Page, std::less<>> routes;
  std::string upgrade_prefix;
  UpgradeHandler upgrade;

  void answer(HttpRequest request, Respond respond) {
    if (request.method == "GET" && !find_header(request.headers, "authorization"))
      if (const auto route = routes.find(split_target(request.target).first); route != routes.end())
        return respond(route->second(request));
    handler_(std::move(request), std::move(respond));
  }

 private:
  class Session;
  void accept();

  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  Options options_;
  Handler handler_;
  std::set<Session*> sessions_;
};

// One connection. Kept alive by the operation that it waits for.
class HttpServer::Listener::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, std::shared_ptr<Listener> listener)
      : stream_(std::move(socket)), listener_(std::move(listener)) {
    beast::error_code error;
    const auto peer = stream_.socket().remote_endpoint(error);
    if (!error) peer_ = peer.address().to_string();
    stream_.socket().set_option(tcp::no_delay(true), error);
    listener_->sessions_.insert(this);
  }
  ~Session() { listener_->sessions_.erase(this); }

  // Waits for a request: first for its first byte, then, with a shorter patience, for the whole of it.
  void read() {
    parser_.emplace();
    parser_->body_limit(listener_->options().body_limit);
    parser_->header_limit(listener_->options().header_limit);
    stream_.expires_after(listener_->options().idle_timeout);
    if (buffer_.size() > 0) return read_header();
    stream_.async_read_some(buffer_.prepare(4096),
                            [self = shared_from_this()](beast::error_code error, std::size_t size) {
                              if (error) return;
                              self->buffer_.commit(size);
                              self->read_header();
                            });
  }

  void close() { stream_.close(); }
  [[nodiscard]] const std::string& peer() const { return peer_; }

 private:
  void read_header() {
    stream_.expires_after(listener_->options().read_timeout);
    http::async_read_header(stream_, buffer_, *parser_,
                            [self = shared_from_this()](beast::error_code error, std::size_t) {
                              if (error) return self->refuse(error);
                              if (self->leaves()) return self->leave();
                              self->read_body();
                            });
  }

  [[nodiscard]] bool leaves() const {
    return listener_->upgrade && parser_->get().target().starts_with(listener_->upgrade_prefix) &&
           beast::websocket::is_upgrade(parser_->get());
  }
  void leave() {
    stream_.expires_never();
    listener_->upgrade(Upgrade{stream_.release_socket(), std::move(buffer_), parser_->release(), peer_});
  }

  void read_body() {
    const auto expect = parser_->get().find(http::field::expect);
    if (expect != parser_->get().end() && equal_ignoring_case(std::string_view(expect->value()), "100-continue")) {
      auto go_on = std::make_shared<http::response<http::empty_body>>(http::status::continue_, 11);
      http::async_write(stream_, *go_on, [self = shared_from_this(), go_on](beast::error_code error, std::size_t) {
        if (!error) self->read_rest();
      });
      return;
    }
    read_rest();
  }

  void read_rest() {
    http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](beast::error_code error, std::size_t) {
      if (error) return self->refuse(error);
      self->handle();
    });
  }

  void handle() {
    auto& message = parser_->get();
    HttpRequest request{
        .method = std::string(message.method_string()), .target = std::string(message.target()), .peer = peer_};
    for (const auto& field : message)
      request.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    request.body = std::move(message.body());
    // A target in absolute form names the host again; what follows it is what counts.
    if (request.target.starts_with("http://")) {
      const auto slash = request.target.find('/', 7);
      request.target = slash == std::string::npos ? "/" : request.target.substr(slash);
    }
    stream_.expires_never();
    listener_->answer(std::move(request), [self = shared_from_this(), keep_alive = message.keep_alive(),
                                           head = message.method() == http::verb::head](HttpAnswer answer) {
      self->respond(std::move(answer), keep_alive, head);
    });
  }

  void refuse(beast::error_code error) {
    if (error == http::error::body_limit)
      return respond({413,
                      {{"Content-Type", "application/json"}},
                      R"({"__type":"RequestEntityTooLarge","message":"The request body is too large."})"},
                     false, false);
    if (error == http::error::header_limit)
      return respond({431,
                      {{"Content-Type", "application/json"}},
                      R"({"__type":"RequestHeaderTooLarge","message":"The request headers are too large."})"},
                     false, false);
    if (error.category() == make_error_code(http::error::bad_target).category() &&
        error != http::error::end_of_stream && error != http::error::partial_message)
      return respond({400,
                      {{"Content-Type", "application/json"}},
                      R"({"__type":"BadRequest","message":"The request is not valid HTTP."})"},
                     false, false);
    beast::error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_both, ignored);
  }

  void respond(HttpAnswer answer, bool keep_alive, bool head) {
    if (answer.stream) return respond_with_stream(std::move(answer));
    auto message =
        std::make_shared<http::response<http::string_body>>(http::int_to_status(unsigned(answer.status)), 11);
    message->result(unsigned(answer.status));
    for (const auto& [name, value] : answer.headers) message->insert(name, value);
    message->keep_alive(keep_alive);
    message->body() = std::move(answer.body);
    message->prepare_payload();
    if (head) message->body().clear();
    stream_.expires_after(listener_->options().read_timeout);
    http::async_write(stream_, *message,
                      [self = shared_from_this(), message, keep_alive](beast::error_code error, std::size_t) {
                        if (error) return;
                        if (keep_alive) return self->read();
                        self->linger();
                      });
  }

  // Writes what its source has, piece by piece, and watches whether the client is still there.
  class Stream : public BodyWriter {
   public:
    explicit Stream(std::shared_ptr<Session> session) : session_(std::move(session)) {}
    bool write(std::string piece) override {
      if (piece.empty() || !session_) return session_ != nullptr;
      waiting_bytes_ += piece.size();
      if (waiting_bytes_ > kMostWaiting) return go(), false;
      waiting_.push_back(std::move(piece));
      next();
      return true;
    }
    void end() override {
      ended_ = true;
      next();
    }
    void start(std::shared_ptr<Stream> self) {
      self_ = std::move(self);
      watch();
    }

   private:
    static constexpr std::size_t kMostWaiting = 4 << 20;
    // Nothing is expected of the client; that it says something, or goes, ends it.
    void watch() {
      session_->stream_.async_read_some(asio::buffer(unexpected_), [self = self_, session = session_](
                                                                       beast::error_code, std::size_t) { self->go(); });
    }
    void next() {
      if (!session_ || writing_) return;
      if (waiting_.empty()) {
        if (!ended_) return;
        writing_ = true;
        asio::async_write(session_->stream_, http::make_chunk_last(),
                          [self = self_, session = session_](beast::error_code, std::size_t) { self->go(); });
        return;
      }
      writing_ = true;
      piece_ = std::move(waiting_.front());
      waiting_.pop_front();
      asio::async_write(session_->stream_, http::make_chunk(asio::buffer(piece_)),
                        [self = self_, session = session_](beast::error_code error, std::size_t) {
                          self->waiting_bytes_ -= self->piece_.size();
                          self->writing_ = false;
                          error ? self->go() : self->next();
                        });
    }
    void go() {
      if (session_) session_->close();
      session_.reset();
      self_.reset();
    }

    std::shared_ptr<Session> session_;
    std::shared_ptr<Stream> self_;  // while the connection lasts
    std::deque<std::string> waiting_;
    std::string piece_;  // under way
    std::size_t waiting_bytes_ = 0;
    bool writing_ = false, ended_ = false;
    char unexpected_[1] = {};
  };

  void respond_with_stream(HttpAnswer answer) {
    auto message = std::make_shared<http::response<http::empty_body>>(http::int_to_status(unsigned(answer.status)), 11);
    for (const auto& [name, value] : answer.headers) message->insert(name, value);
    message->keep_alive(false);
    message->chunked(true);
    auto serializer = std::make_shared<http::response_serializer<http::empty_body>>(*message);
    stream_.expires_never();
    http::async_write_header(stream_, *serializer,
                             [self = shared_from_this(), message, serializer, source = std::move(answer.stream)](
                                 beast::error_code error, std::size_t) {
                               if (error) return;
                               const auto stream = std::make_shared<Stream>(self);
                               stream->start(stream);
                               source(stream);
                             });
  }

  // Reads on for a little, so that a client still sending sees the answer rather than a reset.
  void linger() {
    beast::error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    stream_.expires_after(std::chrono::seconds(2));
    drain();
  }
  void drain() {
    buffer_.clear();
    stream_.async_read_some(buffer_.prepare(16384),
                            [self = shared_from_this()](beast::error_code error, std::size_t size) {
                              if (!error && (self->drained_ += size) < (8u << 20)) self->drain();
                            });
  }

  beast::tcp_stream stream_;
  std::shared_ptr<Listener> listener_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::string peer_;
  std::size_t drained_ = 0;
};

void HttpServer::Listener::accept() {
  acceptor_.async_accept([self = shared_from_this()](beast::error_code error, tcp::socket socket) {
    if (!self->acceptor_.is_open()) return;
    if (error) {  // out of descriptors: trying again at once would only burn time
      self->pause_.expires_after(std::chrono::milliseconds(100));
      self->pause_.async_wait([self](beast::error_code cancelled) {
        if (!cancelled && self->acceptor_.is_open()) self->accept();
      });
      return;
    }
    // Beyond the cap a connection is closed at once: better than to let it wait for a turn that may not come.
    if (self->sessions_.size() < self->options_.max_connections) {
      const auto session = std::make_shared<Session>(std::move(socket), self);
      const auto same = [&](const Session* other) { return other->peer() == session->peer(); };
      if (std::size_t(std::ranges::count_if(self->sessions_, same)) <= self->options_.max_peer_connections)
        session->read();
    }
    self->accept();
  });
}

void HttpServer::Listener::close() {
  beast::error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
  for (Session* session : std::set(sessions_)) session->close();
}

HttpServer::HttpServer(std::shared_ptr<Listener> listener) : listener_(std::move(listener)) {}
HttpServer::~HttpServer() {
  listener_->close();
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(asio::io_context& io, Options options, Handler handler) {
  auto listener = std::make_shared<Listener>(io, std::move(options), std::move(handler));
  BRUME_CHECK(listener->open());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(listener)));
}

std::uint16_t HttpServer::port() const {
  return listener_->port();
}

void HttpServer::upgrade(std::string prefix, UpgradeHandler handler) {
  listener_->upgrade_prefix = std::move(prefix);
  listener_->upgrade = std::move(handler);
}

void HttpServer::route(std::string path, Page page) {
  listener_->routes[std::move(path)] = std::move(page);
}

}  // namespace brume::aws
