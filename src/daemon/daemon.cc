#include "daemon/daemon.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "aws/client.h"
#include "aws/dispatcher.h"
#include "aws/http_server.h"
#include "aws/upgrade.h"
#include "base/json.h"
#include "base/log.h"
#include "compute/consoles.h"
#include "compute/images_on_disk.h"
#include "compute/oci_exec.h"
#include "daemon/channel_frame.h"
#include "daemon/cloud.h"
#include "daemon/cloud_names.h"
#include "daemon/data_channel.h"
#include "daemon/exposition.h"
#include "daemon/instance_api.h"
#include "daemon/instance_metadata.h"
#include "daemon/keys.h"
#include "daemon/lb_process.h"
#include "daemon/metadata_fabric.h"
#include "daemon/outgoing_keys.h"
#include "daemon/pid_file.h"
#include "env/real.h"
#include "net/kernel_fabric.h"
#include "net/metadata_server.h"
#include "net/resolver.h"
#include "services/audit/trail.h"
#include "store/sqlite_backend.h"

namespace brume::daemon {
namespace {

// Sessions of whichever region.
DataChannels::Registry sessions_of(Cloud& cloud) {
  return {.connect = [&cloud](const std::string& id, const std::string& token,
                              const std::function<void()>& close) -> Result<ssm::Sessions::Connected> {
            Result<ssm::Sessions::Connected> refused = fail_internal("No region is in use");
            for (const auto& [name, region] : cloud.regions()) {
              auto connected = region->ssm.sessions().connect(id, token, close);
              if (connected) return connected;
              refused = std::move(connected);
            }
            return refused;
          },
          .ended =
              [&cloud](const std::string& id) {
                for (const auto& [name, region] : cloud.regions()) region->ssm.sessions().ended(id);
              }};
}

constexpr unsigned kSearchers = 4;                             // calls that write or search logs, at once
constexpr std::uint64_t kLogBudget = std::uint64_t(10) << 30;  // bytes of disk
constexpr unsigned kCallers = 4;                               // calls of services elsewhere, at once
constexpr auto kPatience = std::chrono::seconds(10);           // with one of them, and longer with large bodies:
constexpr std::size_t kSlowest = 500;                          // bytes a millisecond
constexpr unsigned kWorkers = 8;  // what is under way in the kernel and the runtime at once

Result<void> run(const Settings& settings) {
  if (::geteuid() != 0) return fail("AccessDenied", "Brume needs root to make namespaces and cgroups; run it as root");
  env::RealEnv world(kWorkers);
  env::Env& env = world.env();
  BRUME_CHECK(make_places(env.files, settings));
  BRUME_TRY(backend, store::SqliteBackend::open(state_file(settings)));
  store::Store store(*backend);
  BRUME_TRY(logs, logstore::EventStore::open({.path = settings.state_dir + "/logs.db", .disk_budget = kLogBudget}));
  BRUME_TRY(key, owner_key(env.files, env.random, settings.state_dir));
  BRUME_TRY(token_key, secret(env.files, env.random, settings.state_dir, "metadata-tokens"));
  BRUME_TRY(session_key, secret(env.files, env.random, settings.state_dir, "sessions"));
  BRUME_TRY(identity, identity_key(env.files, env.clock.wall(), settings.state_dir));
  BRUME_TRY(signer, net::IdentitySigner::open(identity));

  net::KernelFabric kernel(settings.run_dir, edge_options(settings));
  compute::ImagesOnDisk images(env.files, env.processes, settings.state_dir);
  compute::OciDriver driver(env, {settings.state_dir, settings.run_dir}, compute_settings(settings), images);
  compute::OciExec exec(env, {settings.state_dir, settings.run_dir}, compute_settings(settings), images);
  compute::Consoles consoles(env.files, settings.state_dir);
  Cloud* cloud_made = nullptr;
  net::MetadataServer metadata(
      world.io(), env.clock, env.random, kernel, token_key, [&](const std::string& vpc_id, const std::string& address) {
        return cloud_made ? instance_metadata(*cloud_made, vpc_id, address, env.clock.wall()) : std::nullopt;
      });
  metadata.sign_with(*signer);
  CloudNames names;
  net::Resolver resolver(world.io(), env.clock, env.random, kernel, names, HostServers(env.files, env.clock), {});
  InstanceApi* instance_api_made = nullptr;
  const auto open_in_vpc = [&](const std::string& vpc_id) {
    const auto report = [&](std::string_view service, const Result<void>& opened) {
      if (!opened) log_error("{} of {}: {}", service, vpc_id, opened.error().message);
    };
    report("metadata service", metadata.open(vpc_id));
    report("resolver", resolver.open(vpc_id));
    if (instance_api_made) report("API", instance_api_made->open(vpc_id));
  };
  MetadataFabric fabric(kernel, env.loop, open_in_vpc, [&](const std::string& vpc_id) {
    metadata.close(vpc_id);
    resolver.close(vpc_id);
    if (instance_api_made) instance_api_made->close(vpc_id);
  });
  LbProcess lb(env, world.io(), settings, fabric, [&](const lb::Stats& stats) {
    if (cloud_made) cloud_made->on_stats(stats);
  });
  std::vector<ec2::Cidr> public_addresses;
  for (const std::string& range : settings.public_addresses) public_addresses.push_back(*ec2::parse_cidr(range));
  Cloud cloud(env, store,
              {.fabric = fabric,
               .driver = driver,
               .images = images,
               .data_plane = lb,
               .logs = *logs,
               .public_addresses = public_addresses,
               .export_folder = settings.state_dir + "/exports",
               .consoles = &consoles,
               .aside = world.more_workers(kSearchers),
               .time_scale = settings.time_scale,
               .instance_memory_mib = settings.instance_memory_mib,
               .outside = {aws::Outgoing(
                               env.clock, {settings.endpoints.begin(), settings.endpoints.end()},
                               [&] { return outgoing_keys(settings.config_dir); },
                               [](std::string_view endpoint, const aws::HttpRequest& request) {
                                 const std::chrono::milliseconds carried(request.body.size() / kSlowest);
                                 return aws::http_exchange(endpoint, request, kPatience + carried);
                               }),
                           world.more_workers(kCallers)}},
              session_key, std::uint16_t(settings.api_port));
  cloud_made = &cloud;
  names.begin(cloud);

  aws::Dispatcher dispatcher(env, store, [&](std::string_view access_key) -> std::optional<aws::Credentials> {
    if (access_key != key.access_key_id) return std::nullopt;
    return aws::Credentials{.access_key = key.access_key_id,
                            .secret_key = key.secret_access_key,
                            .session_token = "",
                            .principal_arn = fmt::format("arn:aws:iam::{}:root", aws::kAccount),
                            .user_id = aws::kAccount};
  });
  cloud.serve(dispatcher);
  // Global services take calls signed for any region: those of one that AWS does not have are recorded where AWS
  // records what is global.
  audit::Trail trail(
      env,
      [&](const std::string& name) -> services::LogSink* {
        auto region = cloud.region(name);
        if (!region) region = cloud.region("us-east-1");
        return region ? &(*region)->logs : nullptr;
      },
      settings.audit_reads);
  dispatcher.tell([&](const aws::Dispatcher::Answered& answered) { trail.note(answered); });
  DataChannels channels(
      world.io(), env.loop, exec, [&](const std::string& id) { return kernel.instance_namespace(id); },
      sessions_of(cloud));
  InstanceApi instance_api(world.io(), kernel, dispatcher, channels);
  instance_api_made = &instance_api;
  // The port is taken first: two daemons do not both touch the machine.
  aws::HttpServer::Options options;
  options.port = std::uint16_t(settings.api_port);
  BRUME_TRY(server, aws::HttpServer::start(world.io(), options, [&](aws::HttpRequest request, auto respond) {
              dispatcher.handle(std::move(request), std::move(respond));
            }));
  server->upgrade(kChannelPath, [&](aws::Upgrade upgrade) { channels.take(std::move(upgrade)); });
  server->route("/health", [&](const aws::HttpRequest&) {
    Health health{.status = "running", .time_scale = settings.time_scale};
    for (const auto& [name, region] : cloud.regions()) health.regions.push_back(name);
    return aws::HttpAnswer{.status = 200, .headers = {{"Content-Type", "application/json"}}, .body = to_json(health)};
  });
  server->route("/decisions", [&](const aws::HttpRequest& request) {
    const auto query = aws::parse_form(aws::split_target(request.target).second);
    if (!query) return aws::HttpAnswer{.status = 400, .headers = {}, .body = query.error().message};
    std::map<std::string, std::string> asked(query->begin(), query->end());
    Decisions answer;
    if (const auto region = cloud.regions().find(asked["region"]); region != cloud.regions().end())
      answer.decisions = region->second->autoscaling.decisions(asked["group"]);
    return aws::HttpAnswer{.status = 200, .headers = {{"Content-Type", "application/json"}}, .body = to_json(answer)};
  });
  server->route("/metrics", [&](const aws::HttpRequest&) {
    std::map<std::string, const cloudwatch::MetricReader*> metrics;
    std::map<std::string, std::map<std::string, ec2::InstanceLoad>> loads;
    std::map<std::string, KeptMetrics> kept;
    for (const auto& [name, region] : cloud.regions()) {
      metrics.emplace(name, &region->cloudwatch.metrics());
      loads.emplace(name, region->ec2.instance_metrics().loads());
      const cloudwatch::MetricStore& store_of_metrics = region->cloudwatch.metric_store();
      kept[name] = {.bytes = store_of_metrics.blocks().bytes(), .dropped = store_of_metrics.dropped_bytes()};
    }
    return aws::HttpAnswer{
        .status = 200,
        .headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}},
        .body = exposition(loads) + exposition(kept) +
                exposition(metrics, services::scaled(std::chrono::seconds(60), settings.time_scale), env.clock.wall())};
  });

  BRUME_TRY(there, kernel.list());
  exec.end_strays();
  BRUME_CHECK(cloud.start());
  // Now that it is known which range each has; one that no table knows is about to be removed.
  for (const std::string& vpc_id : there.vpcs)
    if (names.vpc(vpc_id)) open_in_vpc(vpc_id);
  BRUME_CHECK(lb.start());
  BRUME_CHECK(write_pid_file(env, pid_file(settings), ::getpid()));

  boost::asio::signal_set signals(world.io(), SIGTERM, SIGINT);
  signals.async_wait([&](const boost::system::error_code& error, int) {
    if (!error) world.stop();
  });
  log_info("the API is at http://127.0.0.1:{}", settings.api_port);
  world.run();
  // Workers use what is declared above; they are through before any of it goes.
  fabric.loop_ended();
  world.end_workers();
  trail.flush();
  log_info("stopped; instances and load balancers go on");
  return env.files.remove_all(pid_file(settings));
}

}  // namespace

std::string pid_file(const Settings& settings) {
  return settings.run_dir + "/daemon.pid";
}
std::string state_file(const Settings& settings) {
  return settings.state_dir + "/state.db";
}

compute::Settings compute_settings(const Settings& settings) {
  return {.runtime = settings.runtime,
          .conmon = settings.conmon,
          .cgroup_root = cgroup_root(settings),
          .init_path = settings.init};
}

// Daemons side by side each have their own.
std::string cgroup_root(const Settings& settings) {
  if (settings.state_dir == Settings().state_dir) return "brume";
  return fmt::format("brume-{:08x}", std::uint32_t(std::hash<std::string>{}(settings.state_dir)));
}

net::EdgeOptions edge_options(const Settings& settings) {
  return {.host_namespace = "", .host_name = cgroup_root(settings)};
}

int run_daemon(const Settings& settings) {
  ::umask(0077);
  ::signal(SIGPIPE, SIG_IGN);
  if (auto ran = run(settings); !ran) {
    log_error("{}", ran.error().message);
    return 1;
  }
  return 0;
}

}  // namespace brume::daemon
