// The daemon's end of channel.h: sends Snapshots, hands out Stats, and connects again by itself every 200 ms.
//
// The last snapshot is sent anew after each connect, so a load balancer that was restarted is told everything. Lives on
// the thread of its io_context.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "lb/config.h"

namespace boost::asio {
class io_context;
}

namespace brume::lb {

class ChannelClient {
 public:
  // `on_connected(true)` after each connect, `on_connected(false)` after each loss; may be empty.
  ChannelClient(boost::asio::io_context& io, std::function<void(const Stats&)> on_stats,
                std::function<void(bool)> on_connected = {});
  ~ChannelClient();
  ChannelClient(const ChannelClient&) = delete;
  ChannelClient& operator=(const ChannelClient&) = delete;

  // Begins; the load balancer need not be there yet.
  void connect(const std::string& path);
  void send(const Snapshot& snapshot);
  [[nodiscard]] bool connected() const;

 private:
  struct Session;
  std::shared_ptr<Session> session_;
};

}  // namespace brume::lb
