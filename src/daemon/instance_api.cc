#include "daemon/instance_api.h"

#include "aws/upgrade.h"
#include "daemon/channel_frame.h"
#include "net/instance_listener.h"

namespace brume::daemon {

Result<void> InstanceApi::open(const std::string& vpc_id) {
  if (servers_.contains(vpc_id)) return {};
  BRUME_TRY(socket, net::listen_for_instances(fabric_.vpc_namespace(vpc_id), kPort));
  aws::HttpServer::Options options;
  options.listening = socket.get();
  options.max_connections = 256;
  options.max_peer_connections = 16;
  BRUME_TRY(server,
            aws::HttpServer::start(io_, options, [&dispatcher = dispatcher_](aws::HttpRequest request, auto respond) {
              dispatcher.handle(std::move(request), std::move(respond), aws::Dispatcher::From::instance);
            }));
  server->upgrade(kChannelPath, [&channels = channels_](aws::Upgrade upgrade) { channels.take(std::move(upgrade)); });
  (void)socket.release();  // the server's now
  servers_.emplace(vpc_id, std::move(server));
  return {};
}

}  // namespace brume::daemon
