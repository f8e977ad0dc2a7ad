#include "daemon/cloud.h"

#include <algorithm>
#include <regex>

#include "base/log.h"
#include "net/ipv6_link.h"
#include "services/cloudwatch/instance_actions.h"

namespace brume::daemon {
namespace {

services::Context context_of(env::Env& env, store::Store& store, services::Hints& hints, std::string region,
                             double time_scale) {
  return services::Context{env, store, hints, std::move(region), time_scale};
}

Machine with_aside(Machine machine, env::Loop& loop) {
  for (env::Aside* aside : {&machine.aside, &machine.outside.aside})
    if (!*aside) *aside = [&loop](auto work, auto done) { loop.run_blocking(std::move(work), std::move(done)); };
  return machine;
}

// "ap-southeast-1", "us-gov-west-1": the form of AWS's region names.
bool is_region_name(const std::string& name) {
  static const std::regex form("[a-z]{2}(-[a-z]{2,4})?-[a-z]{4,12}-[1-9]");
  return std::regex_match(name, form);
}

}  // namespace

Cloud::Region::Region(const services::Context& context, Cloud& cloud)
    : driver(cloud.machine_.driver, cloud.exits_),
      cloudwatch(context, alarm_actions, &cloud.metric_budget_),
      logs(
          context, cloud.machine_.logs, cloudwatch, cloud.machine_.aside, [&cloud] { cloud.log_keeper_.touch(); },
          cloud.machine_.export_folder, cloud.machine_.outside),
      ec2(context, cloud.machine_.fabric, driver, cloud.machine_.images, logs, cloudwatch,
          [&cloud](std::string_view name_or_arn) -> std::optional<ec2::InstanceProfile> {
            const auto profile = cloud.iam_.find_profile(name_or_arn);
            if (!profile) return std::nullopt;
            return ec2::InstanceProfile{*profile->InstanceProfileName, *profile->InstanceProfileId, *profile->Arn};
          }),
      ssm(context,
          [this, context](const std::string& image) {
            ec2::DescribeImagesRequest request;
            request.ImageIds = {image};
            return ec2.DescribeImages(context.call("ssm"), request).has_value();
          },
          {.runs =
               [this, context](const std::string& instance) {
                 ec2::DescribeInstancesRequest request;
                 request.InstanceIds = {instance};
                 const auto found = ec2.DescribeInstances(context.call("ssm"), request);
                 return found && !found->Reservations.empty() &&
                        found->Reservations.front().Instances.front().State->Name == "running";
               },
           .api_port = cloud.api_port_}),
      elbv2(context, ec2, cloud.machine_.data_plane, cloudwatch),
      access_logs(context, cloud.machine_.data_plane.access_log_folder(context.region), logs,
                  [this] { return elbv2.access_logs(); }),
      autoscaling(context, ec2, elbv2, cloudwatch, alarm_actions, cloudwatch),
      cloudformation(context, {ec2, autoscaling, elbv2, cloud.iam_, ssm, cloudwatch, logs}) {
  if (cloud.machine_.consoles)
    consoles = std::make_unique<ec2::ConsoleShipper>(context, ec2, *cloud.machine_.consoles, logs);
  cloudwatch::add_instance_actions(alarm_actions, context, cloudwatch, ec2);
}

Cloud::Cloud(env::Env& env, store::Store& store, Machine machine, std::optional<std::string> session_key,
             std::uint16_t api_port)
    : env_(env),
      store_(store),
      machine_(with_aside(std::move(machine), env.loop)),
      api_port_(api_port),
      hints_(env.loop),
      log_keeper_(env, machine_.logs, machine_.aside),
      metric_budget_(machine_.metric_budget),
      exits_(machine_.driver),
      iam_(context_of(env, store, hints_, "", 1)),
      authority_(iam_, env.clock, session_key ? *std::move(session_key) : env.random.hex(64)),
      sts_(env, authority_) {}

Cloud::~Cloud() = default;

Result<void> Cloud::start() {
  BRUME_CHECK(iam_.load());
  BRUME_TRY(scopes, store_.backend().scopes());
  // All are loaded before any starts: each must know what is another's.
  for (const std::string& scope : scopes)
    if (!scope.empty()) BRUME_CHECK(load(scope));
  BRUME_CHECK(forget_strangers());
  for (const auto& [name, region] : regions_) BRUME_CHECK(start(*region));
  log_keeper_.start();
  return {};
}

Result<void> Cloud::load(const std::string& name) {
  auto made = std::make_unique<Region>(context_of(env_, store_, hints_, name, machine_.time_scale), *this);
  ec2::NetworkState& network = made->ec2.network_state();
  network.public_pool = machine_.public_addresses;
  network.ipv6 = net::has_ipv6();
  network.regions = [this] {
    std::vector<ec2::NetworkState*> all;
    for (const auto& [id, region] : regions_) all.push_back(&region->ec2.network_state());
    return all;
  };
  made->ec2.limit_memory({.limit_mib = machine_.instance_memory_mib, .elsewhere = [this, name] {
                            std::int64_t taken = 0;
                            for (const auto& [id, region] : regions_)
                              if (id != name) taken += region->ec2.memory_taken_mib();
                            return taken;
                          }});
  BRUME_CHECK(made->cloudwatch.load());
  BRUME_CHECK(made->logs.load());
  BRUME_CHECK(made->ec2.load());
  if (made->consoles) BRUME_CHECK(made->consoles->load());
  BRUME_CHECK(made->ssm.load());
  BRUME_CHECK(made->elbv2.load());
  BRUME_CHECK(made->autoscaling.load());
  BRUME_CHECK(made->cloudformation.load());
  regions_.emplace(name, std::move(made));
  return {};
}

Result<void> Cloud::forget_strangers() {
  if (!machine_.consoles) return {};
  BRUME_TRY(gone, machine_.consoles->gone());
  for (const std::string& id : gone) {
    if (std::ranges::any_of(regions_, [&](const auto& region) { return region.second->consoles->knows(id); })) continue;
    log_warning("the console of {}, which no region knows, is removed", id);
    BRUME_CHECK(machine_.consoles->forget(id));
  }
  return {};
}

Result<void> Cloud::start(Region& region) {
  region.cloudwatch.start();
  region.logs.start();
  BRUME_CHECK(region.ec2.start());
  if (region.consoles) region.consoles->start();
  region.elbv2.start();
  region.access_logs.start();
  region.autoscaling.start();
  region.cloudformation.start();
  return {};
}

Result<Cloud::Region*> Cloud::region(const std::string& name) {
  if (const auto found = regions_.find(name); found != regions_.end()) return found->second.get();
  if (!is_region_name(name)) return fail("InvalidRegion", "'{}' is not the name of an AWS region", name);
  BRUME_CHECK(load(name));
  Region& made = *regions_.at(name);
  BRUME_CHECK(start(made));
  return &made;
}

void Cloud::serve(aws::Dispatcher& dispatcher) {
  dispatcher.accept(authority_);
  // Api is a virtual base of ec2::Service: the pointer must be to the Api.
  const auto regional = [&](const aws::ServiceModel& model, auto member, aws::Dispatcher::Aside aside = {}) {
    dispatcher.add(
        model,
        [this, member](const std::string& name) -> Result<void*> {
          BRUME_TRY(found, region(name));
          return member(*found);
        },
        std::move(aside));
  };
  regional(ec2::model(), [](Region& r) -> void* { return static_cast<ec2::Api*>(&r.ec2); });
  regional(ssm::model(), [](Region& r) -> void* { return static_cast<ssm::Api*>(&r.ssm); });
  regional(cloudwatch::model(), [](Region& r) -> void* { return static_cast<cloudwatch::Api*>(&r.cloudwatch); });
  regional(logs::model(), [](Region& r) -> void* { return static_cast<logs::Api*>(&r.logs); },
           {{logs::kAside.begin(), logs::kAside.end()}, machine_.aside});
  dispatcher.answer_with_events(
      logs::model(), "StartLiveTail", [this](const aws::Call& call, const void* input) -> Result<aws::EventSource> {
        BRUME_TRY(found, region(call.region));
        return found->logs.start_live_tail(call, *static_cast<const logs::StartLiveTailRequest*>(input));
      });
  // What another service has to say first.
  const auto run_first = [&](const char* operation, auto errand) {
    dispatcher.run_first(
        logs::model(), operation,
        [this, errand](const aws::Call& call, const void* input) -> Result<aws::Dispatcher::Errand> {
          BRUME_TRY(found, region(call.region));
          return errand(found->logs, input);
        },
        machine_.outside.aside);
  };
  run_first("PutSubscriptionFilter", [](logs::Service& service, const void* input) {
    return service.put_errand(*static_cast<const logs::PutSubscriptionFilterRequest*>(input));
  });
  run_first("CreateExportTask", [](logs::Service& service, const void* input) {
    return service.export_errand(*static_cast<const logs::CreateExportTaskRequest*>(input));
  });
  regional(elbv2::model(), [](Region& r) -> void* { return static_cast<elbv2::Api*>(&r.elbv2); });
  regional(autoscaling::model(), [](Region& r) -> void* { return static_cast<autoscaling::Api*>(&r.autoscaling); });
  regional(cloudformation::model(),
           [](Region& r) -> void* { return static_cast<cloudformation::Api*>(&r.cloudformation); });
  dispatcher.add(iam::model(), [this](const std::string&) -> Result<void*> { return static_cast<iam::Api*>(&iam_); });
  dispatcher.add(sts::model(), [this](const std::string&) -> Result<void*> { return static_cast<sts::Api*>(&sts_); });
}

void Cloud::on_stats(const lb::Stats& stats) {
  for (const auto& [name, region] : regions_) region->elbv2.on_stats(stats);
}

}  // namespace brume::daemon
