#include "net/resolver.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <map>
#include <set>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "env/namespaces.h"
#include "env/posix_error.h"

namespace brume::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;
using boost::system::error_code;

constexpr Ipv4 link_local{0xa9fea9fd};  // 169.254.169.253
constexpr std::uint16_t port = 53;
constexpr std::size_t largest_query = 4096;
constexpr std::size_t most_clients = 65536;  // counted in one second
constexpr std::chrono::milliseconds pause_after_error{100};

// Of the calling thread's namespace. An address that is not there yet is no error.
Result<env::Fd> bound_socket(Ipv4 address, int type) {
  env::Fd fd(::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  sockaddr_in local{};
  local.sin_family = AF_INET;
  local.sin_port = htons(port);
  local.sin_addr.s_addr = htonl(address.value);
  // A UDP port that is shared could be taken from us.
  if (!fd || (type == SOCK_STREAM && ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) ||
      ::setsockopt(fd.get(), SOL_IP, IP_FREEBIND, &on, sizeof on) != 0 ||
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0 ||
      (type == SOCK_STREAM && ::listen(fd.get(), SOMAXCONN) != 0))
    return env::posix_error("Cannot serve names at", to_string(address));
  return fd;
}

Ipv4 ipv4_of(const asio::ip::address& address) {
  return {address.to_v4().to_uint()};
}

}  // namespace

// Lives until the last connection has ended, so that a handler that is still to run finds it.
class Resolver::Core : public std::enable_shared_from_this<Resolver::Core> {
 public:
  Core(asio::io_context& io, const env::Clock& clock, env::Random& random, const Fabric& fabric,
       const NameSource& names, std::function<std::vector<DnsServer>()> servers, const Limits& limits)
      : io_(io),
        clock_(clock),
        fabric_(fabric),
        names_(names),
        limits_(limits),
        forwarder_(std::in_place, io, random, std::move(servers), limits.outside) {}

  Result<void> open(const std::string& vpc_id) {
    if (ports_.contains(vpc_id)) return {};
    const auto vpc = names_.vpc(vpc_id);
    if (!vpc || vpc->blocks.empty()) return fail_internal("There is no VPC {} to serve names in", vpc_id);
    std::vector<std::shared_ptr<Port>> opened;
    BRUME_CHECK(env::apart([&]() -> Result<void> {
      BRUME_CHECK(env::enter_network_namespace(fabric_.vpc_namespace(vpc_id)));
      for (const Ipv4 address : {vpc->blocks.front().at(2), link_local}) {
        BRUME_TRY(datagrams, bound_socket(address, SOCK_DGRAM));
        BRUME_TRY(listener, bound_socket(address, SOCK_STREAM));
        const auto made = std::make_shared<Port>(io_, vpc_id);
        error_code error;
        made->datagrams.assign(udp::v4(), datagrams.get(), error);
        if (!error) (void)datagrams.release();  // Asio's now
        if (!error) made->datagrams.non_blocking(true, error);
        if (!error) made->listener.assign(tcp::v4(), listener.get(), error);
        if (error) return fail_internal("Cannot serve names in {}: {}", vpc_id, error.message());
        (void)listener.release();
        opened.push_back(made);
      }
      return {};
    }));
    for (const auto& made : opened) {
      receive(made);
      accept(made);
    }
    ports_.emplace(vpc_id, std::move(opened));
    return {};
  }

  void close(const std::string& vpc_id) {
    const auto found = ports_.find(vpc_id);
    if (found == ports_.end()) return;
    for (const auto& each : found->second) each->close();
    ports_.erase(found);
    for (Connection* connection : connections_)
      if (connection->vpc_id == vpc_id) connection->end();
  }

  void end() {
    while (!ports_.empty()) close(std::string(ports_.begin()->first));
    forwarder_.reset();
  }

 private:
  // One address in one VPC.
  struct Port {
    Port(asio::io_context& io, std::string vpc)
        : vpc_id(std::move(vpc)), datagrams(io), listener(io), receive_pause(io), accept_pause(io) {}
    void close() {
      error_code ignored;  // closing is all that is left to do
      datagrams.close(ignored);
      listener.close(ignored);
      receive_pause.cancel();
      accept_pause.cancel();
    }
    std::string vpc_id;
    udp::socket datagrams;
    tcp::acceptor listener;
    asio::steady_timer receive_pause, accept_pause;
    udp::endpoint peer;
    std::array<char, largest_query + 1> input;
  };

  // Queries on a connection are answered one after the other.
  struct Connection : std::enable_shared_from_this<Connection> {
    Connection(std::shared_ptr<Core> owner, std::string vpc, Ipv4 source, tcp::socket accepted)
        : core(std::move(owner)),
          vpc_id(std::move(vpc)),
          client(source),
          socket(std::move(accepted)),
          deadline(core->io_) {
      core->connections_.insert(this);
      ++core->by_client_[{vpc_id, client}];
    }
    ~Connection() {
      core->connections_.erase(this);
      const auto count = core->by_client_.find({vpc_id, client});
      if (--count->second == 0) core->by_client_.erase(count);
    }

    void end() {
      error_code ignored;  // as above
      socket.close(ignored);
      deadline.cancel();
    }

    void next_query() {
      deadline.expires_after(core->limits_.idle);
      deadline.async_wait([self = shared_from_this()](const error_code& error) {
        if (!error) self->end();
      });
      asio::async_read(socket, asio::buffer(length), [self = shared_from_this()](const error_code& error, std::size_t) {
        if (error) return self->end();
        const std::size_t size = std::size_t(self->length[0]) << 8 | self->length[1];
        if (size > largest_query) return self->end();
        self->input.resize(size);
        self->read_query();
      });
    }
    void read_query() {
      asio::async_read(socket, asio::buffer(input), [self = shared_from_this()](const error_code& error, std::size_t) {
        if (error) return self->end();
        self->core->resolve(self->vpc_id, self->client, self->input, true, [self](std::optional<std::string> reply) {
          if (!reply || !self->socket.is_open()) return self->end();
          self->send(*reply);
        });
      });
    }
    void send(const std::string& reply) {
      output.clear();
      append_dns_number(output, std::uint16_t(reply.size()));
      output += reply;
      asio::async_write(socket, asio::buffer(output),
                        [self = shared_from_this()](const error_code& error, std::size_t) {
                          if (error) return self->end();
                          self->next_query();
                        });
    }

    std::shared_ptr<Core> core;
    std::string vpc_id;
    Ipv4 client;
    tcp::socket socket;
    asio::steady_timer deadline;
    std::array<std::uint8_t, 2> length{};
    std::string input, output;
  };

  void receive(const std::shared_ptr<Port>& at) {
    at->datagrams.async_receive_from(asio::buffer(at->input), at->peer,
                                     [weak = weak_from_this(), at](const error_code& error, std::size_t size) {
                                       const auto core = weak.lock();
                                       if (!core || !at->datagrams.is_open()) return;
                                       if (error)
                                         return core->after_pause(at->receive_pause, [core, at] { core->receive(at); });
                                       if (size <= largest_query) core->datagram(at, size);
                                       core->receive(at);
                                     });
  }

  void accept(const std::shared_ptr<Port>& at) {
    at->listener.async_accept([weak = weak_from_this(), at](const error_code& error, tcp::socket socket) {
      const auto core = weak.lock();
      if (!core || !at->listener.is_open()) return;
      if (error) return core->after_pause(at->accept_pause, [core, at] { core->accept(at); });
      core->begin(at->vpc_id, std::move(socket));
      core->accept(at);
    });
  }

  // Descriptors or memory have run out: not at once again. Closing the port cancels it.
  template <typename Then>
  void after_pause(asio::steady_timer& pause, Then then) {
    pause.expires_after(pause_after_error);
    pause.async_wait([then = std::move(then)](const error_code& stopped) {
      if (!stopped) then();
    });
  }

  void datagram(const std::shared_ptr<Port>& at, std::size_t size) {
    resolve(at->vpc_id, ipv4_of(at->peer.address()), std::string_view(at->input.data(), size), false,
            [at, peer = at->peer](std::optional<std::string> reply) {
              error_code ignored;  // a datagram that is lost is asked for again
              if (reply && at->datagrams.is_open()) at->datagrams.send_to(asio::buffer(*reply), peer, 0, ignored);
            });
  }

  void begin(const std::string& vpc_id, tcp::socket socket) {
    error_code error;
    const tcp::endpoint peer = socket.remote_endpoint(error);
    if (error) return;  // gone before it was served
    const Ipv4 client = ipv4_of(peer.address());
    const auto count = by_client_.find({vpc_id, client});
    if (connections_.size() >= limits_.connections ||
        (count != by_client_.end() && count->second >= limits_.client_connections))
      return;
    std::make_shared<Connection>(shared_from_this(), vpc_id, client, std::move(socket))->next_query();
  }

  // Is it not too much for this second?
  bool count_query(const std::string& vpc_id, Ipv4 client) {
    const auto second = std::chrono::floor<std::chrono::seconds>(clock_.now().time_since_epoch());
    if (second != second_) queries_.clear();
    second_ = second;
    if (queries_.size() >= most_clients && !queries_.contains({vpc_id, client})) return false;
    unsigned& count = queries_[{vpc_id, client}];
    if (count >= limits_.queries) return false;
    ++count;
    return true;
  }

  // `send` gets the reply, or nothing where there is none; now or later. `whole`: over TCP, where any size fits.
  void resolve(const std::string& vpc_id, Ipv4 client, std::string_view message, bool whole,
               const std::function<void(std::optional<std::string>)>& send) {
    if (!forwarder_ || !count_query(vpc_id, client)) return send({});
    const auto vpc = names_.vpc(vpc_id);
    if (!vpc || !vpc->support || !names_.is_interface(vpc_id, client)) return send({});
    const auto query = parse_dns_query(message);
    if (!query) return send(query.error() ? std::optional(dns_failure(message, *query.error())) : std::nullopt);
    const std::size_t limit = whole ? 65535 : dns_udp_limit(*query);
    if (const auto reply = answer_locally(*query, vpc_id, *vpc, names_))
      return send(write_dns_reply(*query, *reply, limit));
    if (!names_.may_forward(vpc_id, client))
      return send(write_dns_reply(*query, {.code = DnsCode::server_failure}, limit));
    const bool taken =
        forwarder_->ask(vpc_id + "/" + to_string(client), *query, whole,
                        [send, limit, asked = *query](const std::optional<std::string>& reply) {
                          if (!reply) return send(write_dns_reply(asked, {.code = DnsCode::server_failure}, limit));
                          if (reply->size() <= limit) return send(reply);
                          send(write_dns_reply(asked, {.code = dns_code(*reply), .truncated = true}, limit));
                        });
    if (!taken) send({});
  }

  asio::io_context& io_;
  const env::Clock& clock_;
  const Fabric& fabric_;
  const NameSource& names_;
  Limits limits_;
  std::optional<ResolverForwarder> forwarder_;
  using Client = std::pair<std::string, Ipv4>;  // VPC and address
  std::map<std::string, std::vector<std::shared_ptr<Port>>> ports_;
  std::set<Connection*> connections_;
  std::map<Client, unsigned> by_client_;  // connections
  std::map<Client, unsigned> queries_;    // in `second_`
  std::chrono::seconds second_{};
};

Resolver::Resolver(asio::io_context& io, const env::Clock& clock, env::Random& random, const Fabric& fabric,
                   const NameSource& names, std::function<std::vector<DnsServer>()> servers, Limits limits)
    : core_(std::make_shared<Core>(io, clock, random, fabric, names, std::move(servers), limits)) {}

Resolver::~Resolver() {
  core_->end();
}

Result<void> Resolver::open(const std::string& vpc_id) {
  return core_->open(vpc_id);
}

void Resolver::close(const std::string& vpc_id) {
  core_->close(vpc_id);
}

}  // namespace brume::net
