// Serves the instance metadata service on 169.254.169.254:80 inside each VPC namespace, from the daemon's own loop.
//
// An instance is told by the address its packets come from, which the fabric lets it not forge, and the VPC whose
// namespace they arrive in. One request a connection, as AWS does. Bounded for each instance: connections, the size of
// a request and the time it may take; what is too much is closed without a word. All calls and callbacks are on the
// thread that runs `io`. While open, the VPC's namespace stays alive in the kernel: close() before
// Fabric::remove_vpc(). Leaves to others: what is answered (metadata_service.h), where the facts come from.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "env/clock.h"
#include "env/random.h"
#include "net/fabric.h"
#include "net/metadata_tree.h"

namespace boost::asio {
class io_context;
}

namespace brume::net {

class MetadataServer {
 public:
  // The instance with that address in that VPC. Called on the loop for each request; must not block.
  using Lookup = std::function<std::optional<InstanceMetadata>(const std::string& vpc_id, const std::string& address)>;

  struct Limits {
    unsigned connections = 1024;           // in all
    unsigned instance_connections = 32;    // from one address
    std::chrono::milliseconds time{5000};  // for a connection from its start to its end
  };

  // `token_key`: see MetadataTokens. All references must outlive the server.
  MetadataServer(boost::asio::io_context& io, const env::Clock& clock, env::Random& random, const Fabric& fabric,
                 std::string token_key, Lookup lookup, Limits limits);
  MetadataServer(boost::asio::io_context& io, const env::Clock& clock, env::Random& random, const Fabric& fabric,
                 std::string token_key, Lookup lookup);
  ~MetadataServer();
  MetadataServer(const MetadataServer&) = delete;
  MetadataServer& operator=(const MetadataServer&) = delete;

  // From now on identity documents are signed. `signer` must outlive the server.
  void sign_with(const IdentitySigner& signer);

  // Starts serving in a VPC that the fabric has made; nothing if it does already. Blocks for the fraction of a
  // millisecond that a socket in another namespace takes.
  Result<void> open(const std::string& vpc_id);
  // Stops, and ends the VPC's connections.
  void close(const std::string& vpc_id);

 private:
  class Core;
  std::shared_ptr<Core> core_;
};

}  // namespace brume::net
