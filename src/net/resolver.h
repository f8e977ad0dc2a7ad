// The resolver in each VPC: UDP and TCP port 53 of base + 2 and of 169.254.169.253, from the daemon's own loop.
//
// A client is told by the address its packets come from, as for the metadata service; what does not come from an
// interface of the VPC, or comes while enableDnsSupport is off, is not answered at all. What is not known here is
// forwarded for those who have a way out, else it is SERVFAIL. Bounded for each client: queries a second (AWS's 1,024
// an interface), connections and their time, questions under way outside; what is too much is dropped. All calls and
// callbacks are on the thread that runs `io`. While open, the VPC's namespace stays alive in the kernel: close() before
// Fabric::remove_vpc(). Leaves to others: the answers (resolver_answer.h), asking outside (resolver_forwarder.h).
#pragma once

#include "env/clock.h"
#include "net/fabric.h"
#include "net/resolver_answer.h"
#include "net/resolver_forwarder.h"

namespace brume::net {

class Resolver {
 public:
  struct Limits {
    unsigned queries = 1024;                // a second from one address
    unsigned connections = 512;             // in all
    unsigned client_connections = 16;       // from one address
    std::chrono::milliseconds idle{10000};  // for a query on a connection to come, and for its reply to be taken
    ResolverForwarder::Limits outside;
  };

  // All references must outlive the resolver.
  Resolver(boost::asio::io_context& io, const env::Clock& clock, env::Random& random, const Fabric& fabric,
           const NameSource& names, std::function<std::vector<DnsServer>()> servers, Limits limits);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Starts serving in a VPC that the fabric has made and `names` knows; nothing if it does already. Blocks for the
  // fraction of a millisecond that sockets in another namespace take.
  Result<void> open(const std::string& vpc_id);
  // Stops, and ends the VPC's connections.
  void close(const std::string& vpc_id);

 private:
  class Core;
  std::shared_ptr<Core> core_;
};

}  // namespace brume::net
