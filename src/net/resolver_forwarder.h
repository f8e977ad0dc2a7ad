// Asks other servers what a VPC's resolver does not know itself, from the namespace of the calling thread (the host's).
//
// Every question goes out from a socket of its own, at a random port, with a random id; only that server's reply to
// that very question is believed. A server that does not answer in time, or with a failure of its own, is followed by
// the next. Over UDP; a reply that did not fit is asked for again over TCP if the client can take it whole. Nothing is
// remembered. Bounded: questions under way in all and for each client. All calls and callbacks are on the thread that
// runs `io`. Leaves to others: who may ask (resolver.h).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "env/random.h"
#include "net/dns_message.h"

namespace boost::asio {
class io_context;
}

namespace brume::net {

struct DnsServer {
  std::string address;  // IPv4, or IPv6 with or without a zone
  std::uint16_t port = 53;
  bool operator==(const DnsServer&) const = default;
};

// The servers that the text of a resolv.conf(5) names, at most three, as for glibc; the local host if it names none.
std::vector<DnsServer> parse_resolv_conf(std::string_view text);

class ResolverForwarder {
 public:
  struct Limits {
    unsigned questions = 256;                  // under way, in all
    unsigned client_questions = 64;            // of one client
    std::chrono::milliseconds patience{2000};  // with one server
  };
  // `servers` is asked for each question. All references must outlive the forwarder.
  ResolverForwarder(boost::asio::io_context& io, env::Random& random, std::function<std::vector<DnsServer>()> servers,
                    Limits limits);
  // What is under way ends without a word.
  ~ResolverForwarder();
  ResolverForwarder(const ResolverForwarder&) = delete;
  ResolverForwarder& operator=(const ResolverForwarder&) = delete;

  // `done` gets the reply, with the query's id, or nothing if there is none to be had; later, once. False, and no call,
  // if too much is under way.
  bool ask(const std::string& client, const DnsQuery& query, bool whole,
           std::function<void(std::optional<std::string> reply)> done);

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace brume::net
