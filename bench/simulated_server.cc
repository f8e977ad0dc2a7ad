// The API server with all services on a machine that is only imagined: real HTTP, signatures, protocols, tables and
// controllers; instances that start at once.
//
//   simulated_server PORT STATE_DIR       serves until SIGTERM; the keys are in STATE_DIR
#include <signal.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "aws/http_server.h"
#include "compute/sim_driver.h"
#include "compute/sim_images.h"
#include "daemon/cloud.h"
#include "env/real.h"
#include "keys.h"
#include "net/sim_fabric.h"
#include "services/elbv2/sim_data_plane.h"
#include "store/memory_backend.h"

int main(int argc, char** argv) {
  using namespace brume;
  if (argc != 3) bench::give_up("usage: simulated_server PORT STATE_DIR");
  env::RealEnv world;
  env::Env& env = world.env();
  store::MemoryBackend disk;
  store::Store store(disk);
  compute::SimImages images;
  compute::SimDriver driver(env, images);
  driver.start_latency = std::chrono::milliseconds(1);
  net::SimFabric fabric;
  elbv2::SimDataPlane plane(env.loop, [](const std::string&) { return true; });
  bench::must(env.files.make_folders(argv[2], 0700));
  const auto logs = bench::must(logstore::EventStore::open({.path = std::string(argv[2]) + "/logs.db"}));
  daemon::Cloud cloud(env, store, daemon::Machine{fabric, driver, images, plane, *logs});
  plane.on_stats = [&](const lb::Stats& stats) { cloud.on_stats(stats); };
  const daemon::AccessKey key = bench::must(daemon::owner_key(env.files, env.random, argv[2]));
  aws::Dispatcher dispatcher(env, store, [&](std::string_view access_key) -> std::optional<aws::Credentials> {
    if (access_key != key.access_key_id) return std::nullopt;
    return aws::Credentials{.access_key = key.access_key_id,
                            .secret_key = key.secret_access_key,
                            .session_token = "",
                            .principal_arn = fmt::format("arn:aws:iam::{}:root", aws::kAccount),
                            .user_id = aws::kAccount};
  });
  cloud.serve(dispatcher);
  aws::HttpServer::Options options;
  options.port = std::uint16_t(std::stoi(argv[1]));
  const auto server = bench::must(aws::HttpServer::start(world.io(), options, [&](aws::HttpRequest r, auto respond) {
    dispatcher.handle(std::move(r), std::move(respond));
  }));
  server->route("/health", [](const aws::HttpRequest&) { return aws::HttpAnswer{.status = 200}; });
  bench::must(cloud.start());
  boost::asio::signal_set signals(world.io(), SIGTERM);
  signals.async_wait([&](const boost::system::error_code& error, int) {
    if (!error) world.stop();
  });
  world.run();
  return 0;
}
