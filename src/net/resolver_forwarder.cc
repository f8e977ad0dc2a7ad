#include "net/resolver_forwarder.h"

#include <array>
#include <map>
#include <set>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

namespace brume::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;
using boost::system::error_code;

constexpr std::size_t most_servers = 3;
constexpr std::size_t least_attempts = 2;
constexpr int most_forgeries = 64;  // datagrams that are not the reply, before the attempt is given up

}  // namespace

std::vector<DnsServer> parse_resolv_conf(std::string_view text) {
  std::vector<DnsServer> servers;
  while (!text.empty() && servers.size() < most_servers) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    constexpr std::string_view keyword = "nameserver", blank = " \t\r";
    if (!line.starts_with(keyword)) continue;
    line.remove_prefix(keyword.size());
    const std::size_t start = line.find_first_not_of(blank);
    if (start == 0 || start == std::string_view::npos) continue;
    line.remove_prefix(start);
    std::string address(line.substr(0, line.find_first_of(blank)));
    error_code error;
    asio::ip::make_address(address, error);
    if (!error) servers.push_back({std::move(address)});
  }
  if (servers.empty()) servers.push_back({"127.0.0.1"});
  return servers;
}

class ResolverForwarder::Core {
 public:
  Core(asio::io_context& io, env::Random& random, std::function<std::vector<DnsServer>()> servers, Limits limits)
      : io_(io), random_(random), servers_(std::move(servers)), limits_(limits) {}

  bool ask(const std::string& client, const DnsQuery& query, bool whole,
           std::function<void(std::optional<std::string>)> done) {
    const auto count = by_client_.find(client);
    if (exchanges_.size() >= limits_.questions ||
        (count != by_client_.end() && count->second >= limits_.client_questions))
      return false;
    const auto exchange = std::make_shared<Exchange>(*this, client, query, whole, std::move(done));
    exchanges_.insert(exchange);
    ++by_client_[client];
    // Not from inside this call, which may fail at once.
    asio::post(io_, [exchange] { exchange->next_server(); });
    return true;
  }

  void close_all() {
    for (const auto& exchange : exchanges_) exchange->abandon();
    exchanges_.clear();
    by_client_.clear();
  }

 private:
  // One question until its reply. Each attempt has a number, by which callbacks of earlier ones are told and ignored.
  struct Exchange : std::enable_shared_from_this<Exchange> {
    Exchange(Core& owner, std::string asking, DnsQuery asked, bool all,
             std::function<void(std::optional<std::string>)> then)
        : core(&owner),
          client(std::move(asking)),
          query(std::move(asked)),
          whole(all),
          done(std::move(then)),
          servers(owner.servers_()),
          attempts(std::max(least_attempts, servers.size())),
          datagrams(owner.io_),
          stream(owner.io_),
          deadline(owner.io_) {}

    void close() {
      ++attempt;
      error_code ignored;  // closing is all that is left to do
      datagrams.close(ignored);
      stream.close(ignored);
      deadline.cancel();
    }
    void abandon() {
      core = nullptr;
      close();
    }

    // Runs `then` unless the attempt under way has ended by then.
    template <typename Then>
    auto in_this_attempt(Then then) {
      return [self = shared_from_this(), number = attempt, then = std::move(then)](const error_code& error,
                                                                                   std::size_t size = 0) {
        if (self->core != nullptr && self->attempt == number) then(*self, error, size);
      };
    }

    void next_server() {
      if (core == nullptr) return;
      close();
      if (tried == attempts) return finish();
      const DnsServer& server = servers[tried++ % servers.size()];
      error_code error;
      const auto address = asio::ip::make_address(server.address, error);
      if (error || !open(udp::endpoint(address, server.port))) return next_server();
      remote = tcp::endpoint(address, server.port);
      start_deadline();
      receive(0);
    }

    void start_deadline() {
      deadline.expires_after(core->limits_.patience);
      deadline.async_wait(in_this_attempt([](Exchange& self, const error_code& error, std::size_t) {
        if (!error) self.next_server();
      }));
    }

    // Connected, so that the kernel drops what is not the server's.
    bool open(const udp::endpoint& server) {
      error_code error;
      datagrams.open(server.protocol(), error);
      if (error) return false;
      for (int tries = 0; tries < 4; ++tries) {
        datagrams.bind({server.protocol(), std::uint16_t(1024 + core->random_.below(65536 - 1024))}, error);
        if (!error) break;  // else taken; the kernel chooses one in the end
      }
      datagrams.connect(server, error);
      if (error) return false;
      id = std::uint16_t(core->random_.next());
      datagrams.send(asio::buffer(write_dns_query(query, id)), 0, error);
      return !error;
    }

    void receive(int forgeries) {
      input.resize(65535);
      datagrams.async_receive(asio::buffer(input),
                              in_this_attempt([forgeries](Exchange& self, const error_code& error, std::size_t size) {
                                if (error || forgeries == most_forgeries) return self.next_server();
                                self.input.resize(size);
                                if (!is_dns_reply_to(self.input, self.query, self.id))
                                  return self.receive(forgeries + 1);
                                if (dns_truncated(self.input) && self.whole) return self.ask_over_stream();
                                self.take_reply();
                              }));
    }

    void ask_over_stream() {
      close();
      start_deadline();
      id = std::uint16_t(core->random_.next());
      const std::string message = write_dns_query(query, id);
      output.clear();
      append_dns_number(output, std::uint16_t(message.size()));
      output += message;
      stream.async_connect(remote, in_this_attempt([](Exchange& self, const error_code& error, std::size_t) {
                             if (error) return self.next_server();
                             self.send_over_stream();
                           }));
    }
    void send_over_stream() {
      asio::async_write(stream, asio::buffer(output),
                        in_this_attempt([](Exchange& self, const error_code& error, std::size_t) {
                          if (error) return self.next_server();
                          self.receive_over_stream();
                        }));
    }
    void receive_over_stream() {
      asio::async_read(
          stream, asio::buffer(length), in_this_attempt([](Exchange& self, const error_code& error, std::size_t) {
            if (error) return self.next_server();
            self.input.resize(std::size_t(self.length[0]) << 8 | self.length[1]);
            asio::async_read(self.stream, asio::buffer(self.input),
                             self.in_this_attempt([](Exchange& same, const error_code& failed, std::size_t) {
                               if (failed || !is_dns_reply_to(same.input, same.query, same.id))
                                 return same.next_server();
                               same.take_reply();
                             }));
          }));
    }

    void take_reply() {
      best = std::move(input);
      set_dns_id(*best, query.id);
      const DnsCode code = dns_code(*best);
      if (tried < servers.size() &&
          (code == DnsCode::server_failure || code == DnsCode::not_implemented || code == DnsCode::refused))
        return next_server();
      finish();
    }

    void finish() {
      close();
      core->finished(shared_from_this());
    }

    Core* core;  // null once abandoned
    std::string client;
    DnsQuery query;
    bool whole;
    std::function<void(std::optional<std::string>)> done;
    std::vector<DnsServer> servers;
    std::size_t attempts, tried = 0;
    unsigned attempt = 0;
    std::uint16_t id = 0;
    udp::socket datagrams;
    tcp::socket stream;
    tcp::endpoint remote;
    asio::steady_timer deadline;
    std::array<std::uint8_t, 2> length{};
    std::string input, output;
    std::optional<std::string> best;
  };

  void finished(const std::shared_ptr<Exchange>& exchange) {
    exchanges_.erase(exchange);
    const auto count = by_client_.find(exchange->client);
    if (--count->second == 0) by_client_.erase(count);
    exchange->core = nullptr;
    exchange->done(std::move(exchange->best));
  }

  asio::io_context& io_;
  env::Random& random_;
  std::function<std::vector<DnsServer>()> servers_;
  Limits limits_;
  std::set<std::shared_ptr<Exchange>> exchanges_;
  std::map<std::string, unsigned> by_client_;
};

ResolverForwarder::ResolverForwarder(asio::io_context& io, env::Random& random,
                                     std::function<std::vector<DnsServer>()> servers, Limits limits)
    : core_(std::make_unique<Core>(io, random, std::move(servers), limits)) {}

ResolverForwarder::~ResolverForwarder() {
  core_->close_all();
}

bool ResolverForwarder::ask(const std::string& client, const DnsQuery& query, bool whole,
                            std::function<void(std::optional<std::string>)> done) {
  return core_->ask(client, query, whole, std::move(done));
}

}  // namespace brume::net
