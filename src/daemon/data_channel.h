// The data channels of sessions: a WebSocket each, from a client of the API to a program in an instance or to one of
// its ports (channel_frame.h has what goes over it).
//
// Who may have one has been decided when the session was started (ssm:StartSession); here the session's token is asked
// for, before anything else. A port is connected to from inside the instance, over its loopback device, so that no
// security group has a say. A program ends with its client, and all end with this object. Bounded: what is kept of
// either direction, and sessions by services/ssm/sessions.h. Every session leaves two lines in the log: who, where and
// what, and how it ended. On the loop.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "aws/http_server.h"
#include "compute/exec.h"
#include "env/loop.h"
#include "services/ssm/sessions.h"

namespace brume::daemon {

class DataChannels {
 public:
  // The sessions of all regions, as Sessions::connect() and ended().
  struct Registry {
    std::function<Result<ssm::Sessions::Connected>(const std::string& id, const std::string& token,
                                                   std::function<void()> close)>
        connect;
    std::function<void(const std::string& id)> ended;
  };
  // Path of an instance's network namespace.
  using NamespaceOf = std::function<std::string(const std::string& instance_id)>;

  // References must outlive it.
  DataChannels(boost::asio::io_context& io, env::Loop& loop, compute::Executor& executor, NamespaceOf namespace_of,
               Registry registry);
  ~DataChannels();
  DataChannels(const DataChannels&) = delete;
  DataChannels& operator=(const DataChannels&) = delete;

  // A request below kChannelPath, as HttpServer::upgrade() hands it over.
  void take(aws::Upgrade upgrade);

 private:
  struct Core;
  class Channel;
  std::shared_ptr<Core> core_;
};

}  // namespace brume::daemon
