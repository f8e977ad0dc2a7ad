// The AWS API as instances reach it: http://169.254.169.254:4566 inside each VPC's namespace.
//
// The same dispatcher as on the host, but only a role's temporary keys are good here, never the owner's. Nothing of it
// is on any network but the VPC's own, and no instance has more than a few connections. All calls are on the loop's
// thread. While open, the VPC's namespace stays alive: close() before Fabric::remove_vpc().
#pragma once

#include <map>
#include <memory>
#include <string>

#include "aws/dispatcher.h"
#include "aws/http_server.h"
#include "daemon/data_channel.h"
#include "net/fabric.h"

namespace brume::daemon {

class InstanceApi {
 public:
  static constexpr std::uint16_t kPort = 4566;

  // References must outlive it.
  InstanceApi(boost::asio::io_context& io, const net::Fabric& fabric, aws::Dispatcher& dispatcher,
              DataChannels& channels)
      : io_(io), fabric_(fabric), dispatcher_(dispatcher), channels_(channels) {}

  // Starts serving in a VPC that the fabric has made; nothing if it does already.
  Result<void> open(const std::string& vpc_id);
  void close(const std::string& vpc_id) { servers_.erase(vpc_id); }

 private:
  boost::asio::io_context& io_;
  const net::Fabric& fabric_;
  aws::Dispatcher& dispatcher_;
  DataChannels& channels_;
  std::map<std::string, std::unique_ptr<aws::HttpServer>> servers_;
};

}  // namespace brume::daemon
