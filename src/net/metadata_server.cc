#include "net/metadata_server.h"

#include <array>
#include <map>
#include <set>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/unicast.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "net/instance_listener.h"
#include "net/metadata_service.h"

namespace brume::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t largest_head = 8192;
constexpr std::size_t largest_rest = 65536;  // read and dropped after the answer, so that no reset overtakes it
constexpr std::chrono::milliseconds accept_pause{100};  // when descriptors have run out

}  // namespace

// Lives until the last connection has ended, so that a handler that is still to run finds it.
class MetadataServer::Core : public std::enable_shared_from_this<MetadataServer::Core> {
 public:
  Core(asio::io_context& io, const env::Clock& clock, env::Random& random, const Fabric& fabric, std::string token_key,
       Lookup lookup, Limits limits)
      : io_(io),
        clock_(clock),
        fabric_(fabric),
        tokens_(std::move(token_key), clock, random),
        lookup_(std::move(lookup)),
        limits_(limits) {}

  Result<void> open(const std::string& vpc_id) {
    if (listeners_.contains(vpc_id)) return {};
    BRUME_TRY(fd, listen_for_instances(fabric_.vpc_namespace(vpc_id), 80));
    auto listener = std::make_shared<Listener>(io_, vpc_id);
    error_code error;
    listener->acceptor.assign(tcp::v4(), fd.get(), error);
    if (error) return fail_internal("Cannot serve instance metadata in {}: {}", vpc_id, error.message());
    (void)fd.release();  // the acceptor's now
    listeners_.emplace(vpc_id, listener);
    accept(listener);
    return {};
  }

  void close(const std::string& vpc_id) {
    const auto found = listeners_.find(vpc_id);
    if (found == listeners_.end()) return;
    found->second->close();
    listeners_.erase(found);
    for (Connection* connection : connections_)
      if (connection->vpc_id == vpc_id) connection->end();
  }

  void sign_with(const IdentitySigner& signer) { signer_ = &signer; }

  void close_all() {
    while (!listeners_.empty()) close(std::string(listeners_.begin()->first));
  }

 private:
  struct Listener {
    Listener(asio::io_context& io, std::string vpc) : vpc_id(std::move(vpc)), acceptor(io), pause(io) {}
    void close() {
      error_code ignored;  // closing is all that is left to do
      acceptor.close(ignored);
      pause.cancel();
    }
    std::string vpc_id;
    tcp::acceptor acceptor;
    asio::steady_timer pause;
  };

  struct Connection : std::enable_shared_from_this<Connection> {
    Connection(std::shared_ptr<Core> owner, std::string vpc, std::string source, tcp::socket accepted)
        : core(std::move(owner)),
          vpc_id(std::move(vpc)),
          address(std::move(source)),
          socket(std::move(accepted)),
          deadline(core->io_) {
      core->connections_.insert(this);
      ++core->by_source_[{vpc_id, address}];
    }
    ~Connection() {
      core->connections_.erase(this);
      const auto count = core->by_source_.find({vpc_id, address});
      if (--count->second == 0) core->by_source_.erase(count);
    }

    void end() {
      error_code ignored;  // as above
      socket.close(ignored);
      deadline.cancel();
    }

    void start() {
      deadline.expires_after(core->limits_.time);
      deadline.async_wait([self = shared_from_this()](const error_code& error) {
        if (!error) self->end();
      });
      asio::async_read_until(socket, asio::dynamic_buffer(input, largest_head), "\r\n\r\n",
                             [self = shared_from_this()](const error_code& error, std::size_t size) {
                               if (error == asio::error::not_found) return self->send(metadata_failure(431));
                               if (error) return self->end();
                               self->answer(std::string_view(self->input).substr(0, size));
                             });
    }

    void answer(std::string_view head) {
      const auto request = parse_metadata_request(head);
      if (!request) return send(metadata_failure(400));
      send(answer_metadata(*request, core->lookup_(vpc_id, address), core->tokens_, core->signer_));
    }

    void send(const MetadataResponse& response) {
      error_code error;
      if (response.hop_limit) socket.set_option(asio::ip::unicast::hops(*response.hop_limit), error);
      // Sent further than it may go, a token could leave the instance.
      if (error) return end();
      output = to_http(response, core->clock_.wall());
      asio::async_write(socket, asio::buffer(output),
                        [self = shared_from_this()](const error_code& failed, std::size_t) {
                          if (failed) return self->end();
                          error_code ignored;  // the peer may have gone
                          self->socket.shutdown(tcp::socket::shutdown_send, ignored);
                          self->drain();
                        });
    }

    void drain() {
      socket.async_read_some(asio::buffer(rest),
                             [self = shared_from_this()](const error_code& error, std::size_t size) {
                               self->drained += size;
                               if (error || self->drained > largest_rest) return self->end();
                               self->drain();
                             });
    }

    std::shared_ptr<Core> core;
    std::string vpc_id, address;
    tcp::socket socket;
    asio::steady_timer deadline;
    std::string input, output;
    std::array<char, 1024> rest;
    std::size_t drained = 0;
  };

  void accept(const std::shared_ptr<Listener>& listener) {
    listener->acceptor.async_accept([weak = weak_from_this(), listener](const error_code& error, tcp::socket socket) {
      const auto core = weak.lock();
      if (!core || !listener->acceptor.is_open()) return;
      if (!error) {
        core->begin(listener->vpc_id, std::move(socket));
        return core->accept(listener);
      }
      listener->pause.expires_after(accept_pause);
      listener->pause.async_wait([weak, listener](const error_code& stopped) {
        const auto again = weak.lock();
        if (again && !stopped && listener->acceptor.is_open()) again->accept(listener);
      });
    });
  }

  void begin(const std::string& vpc_id, tcp::socket socket) {
    error_code error;
    const tcp::endpoint peer = socket.remote_endpoint(error);
    if (error) return;  // gone before it was served
    std::string address = peer.address().to_string();
    const auto count = by_source_.find({vpc_id, address});
    if (connections_.size() >= limits_.connections ||
        (count != by_source_.end() && count->second >= limits_.instance_connections))
      return;
    std::make_shared<Connection>(shared_from_this(), vpc_id, std::move(address), std::move(socket))->start();
  }

  asio::io_context& io_;
  const env::Clock& clock_;
  const Fabric& fabric_;
  MetadataTokens tokens_;
  const IdentitySigner* signer_ = nullptr;
  Lookup lookup_;
  Limits limits_;
  std::map<std::string, std::shared_ptr<Listener>> listeners_;
  std::set<Connection*> connections_;
  std::map<std::pair<std::string, std::string>, unsigned> by_source_;  // VPC and address
};

MetadataServer::MetadataServer(asio::io_context& io, const env::Clock& clock, env::Random& random, const Fabric& fabric,
                               std::string token_key, Lookup lookup, Limits limits)
    : core_(std::make_shared<Core>(io, clock, random, fabric, std::move(token_key), std::move(lookup), limits)) {}

MetadataServer::MetadataServer(asio::io_context& io, const env::Clock& clock, env::Random& random, const Fabric& fabric,
                               std::string token_key, Lookup lookup)
    : MetadataServer(io, clock, random, fabric, std::move(token_key), std::move(lookup), Limits{}) {}

MetadataServer::~MetadataServer() {
  core_->close_all();
}

void MetadataServer::sign_with(const IdentitySigner& signer) {
  core_->sign_with(signer);
}

Result<void> MetadataServer::open(const std::string& vpc_id) {
  return core_->open(vpc_id);
}

void MetadataServer::close(const std::string& vpc_id) {
  core_->close(vpc_id);
}

}  // namespace brume::net
