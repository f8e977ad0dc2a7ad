#include "world.h"

#include <algorithm>
#include <stdexcept>

namespace brume::simulation {
namespace {

constexpr const char* kRegion = "ap-southeast-1";

// A test's world that cannot be made is a broken test.
template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().code + ": " + result.error().message);
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

}  // namespace

World::World(std::uint64_t seed)
    : sim(seed), plane(sim.loop, [this](const std::string& target) {
        const std::string id = target.substr(0, target.find(':'));
        if (sick.contains(id) || (broken && broken(id))) return false;
        const auto all = driver.list();
        return all && std::ranges::any_of(*all, [&](const compute::Observed& o) {
                 return o.id == id && o.state == compute::State::running;
               });
      }) {
  caller.region = kRegion;
  boot();
}

void World::boot() {
  store_ = std::make_unique<store::Store>(disk);
  cloud_ = std::make_unique<daemon::Cloud>(sim.env, *store_,
                                           daemon::Machine{.fabric = fabric,
                                                           .driver = driver,
                                                           .images = images,
                                                           .data_plane = plane,
                                                           .logs = *logs_,
                                                           .time_scale = time_scale});
  plane.on_stats = [this](const lb::Stats& stats) { cloud_->on_stats(stats); };
  must(cloud_->start());
}

void World::crash() {
  sim.loop.clear();
  cloud_.reset();
  store_.reset();
  driver.crashed();
  plane.restart();
  boot();
}

daemon::Cloud::Region& World::region() {
  return *must(cloud_->region(kRegion));
}

void World::make_groups(const std::string& name, int count, const Size& size) {
  daemon::Cloud::Region& r = *must(cloud_->region(name));
  ec2::RegisterImageRequest image;
  image.Name = "crowd";
  image.ImageLocation = "file:///crowd.tar";
  ec2::CreateLaunchTemplateRequest launch_template;
  launch_template.LaunchTemplateName = "crowd";
  launch_template.LaunchTemplateData.emplace().InstanceType = "t2.micro";
  launch_template.LaunchTemplateData->ImageId = *must(call([&] { return r.ec2.RegisterImage(caller, image); })).ImageId;
  run_for(std::chrono::seconds(2));
  must(call([&] { return r.ec2.CreateLaunchTemplate(caller, launch_template); }));
  std::string subnets;
  for (const ec2::Subnet& subnet : must(r.ec2.DescribeSubnets(caller, {})).Subnets)
    subnets += (subnets.empty() ? "" : ",") + *subnet.SubnetId;
  for (int i = 0; i < count; ++i) {
    autoscaling::CreateAutoScalingGroupType group;
    group.AutoScalingGroupName = fmt::format("group-{:04}", i);
    group.LaunchTemplate.emplace().LaunchTemplateName = "crowd";
    group.MinSize = size.min;
    group.MaxSize = size.max;
    group.DesiredCapacity = size.desired;
    group.VPCZoneIdentifier = subnets;
    group.HealthCheckGracePeriod = 60;
    must(call([&] { return r.autoscaling.CreateAutoScalingGroup(caller, group); }));
  }
}

void World::make_web(int min, int max, int desired) {
  daemon::Cloud::Region& r = region();
  ec2::RegisterImageRequest image;
  image.Name = "web";
  image.ImageLocation = "file:///web.tar";
  const std::string image_id = *must(call([&] { return r.ec2.RegisterImage(caller, image); })).ImageId;
  run_for(std::chrono::seconds(2));

  ec2::CreateLaunchTemplateRequest launch_template;
  launch_template.LaunchTemplateName = "web";
  launch_template.LaunchTemplateData.emplace().ImageId = image_id;
  launch_template.LaunchTemplateData->InstanceType = "t2.micro";
  must(call([&] { return r.ec2.CreateLaunchTemplate(caller, launch_template); }));

  const auto subnets = must(r.ec2.DescribeSubnets(caller, {}));
  const std::string vpc = *subnets.Subnets[0].VpcId, a = *subnets.Subnets[0].SubnetId, b = *subnets.Subnets[1].SubnetId;
  elbv2::CreateTargetGroupInput target_group;
  target_group.Name = "web";
  target_group.Protocol = "HTTP";
  target_group.Port = 80;
  target_group.VpcId = vpc;
  const std::string tg =
      *must(call([&] { return r.elbv2.CreateTargetGroup(caller, target_group); })).TargetGroups[0].TargetGroupArn;
  elbv2::CreateLoadBalancerInput balancer;
  balancer.Name = "web";
  balancer.Subnets = {a, b};
  const std::string lb =
      *must(call([&] { return r.elbv2.CreateLoadBalancer(caller, balancer); })).LoadBalancers[0].LoadBalancerArn;
  elbv2::CreateListenerInput listener;
  listener.LoadBalancerArn = lb;
  listener.Protocol = "HTTP";
  listener.Port = 80;
  elbv2::Action& forward = listener.DefaultActions.emplace_back();
  forward.Type = "forward";
  forward.TargetGroupArn = tg;
  must(call([&] { return r.elbv2.CreateListener(caller, listener); }));

  autoscaling::CreateAutoScalingGroupType group;
  group.AutoScalingGroupName = "web";
  group.LaunchTemplate.emplace().LaunchTemplateName = "web";
  group.MinSize = min;
  group.MaxSize = max;
  group.DesiredCapacity = desired;
  group.VPCZoneIdentifier = a + "," + b;
  group.TargetGroupARNs = {tg};
  group.HealthCheckType = "ELB";
  group.HealthCheckGracePeriod = 60;
  must(call([&] { return r.autoscaling.CreateAutoScalingGroup(caller, group); }));
}

autoscaling::AutoScalingGroup World::group(const std::string& name) {
  autoscaling::AutoScalingGroupNamesType request;
  request.AutoScalingGroupNames = {name};
  return must(region().autoscaling.DescribeAutoScalingGroups(caller, request)).AutoScalingGroups.at(0);
}

std::vector<std::string> World::instances(const std::string& lifecycle, const std::string& name) {
  std::vector<std::string> ids;
  for (const autoscaling::Instance& instance : group(name).Instances)
    if (instance.LifecycleState == lifecycle) ids.push_back(*instance.InstanceId);
  return ids;
}

std::vector<autoscaling::Activity> World::activities(const std::string& name) {
  std::vector<autoscaling::Activity> all;
  autoscaling::DescribeScalingActivitiesType request;
  request.AutoScalingGroupName = name;
  do {
    auto page = must(region().autoscaling.DescribeScalingActivities(caller, request));
    all.insert(all.end(), page.Activities.begin(), page.Activities.end());
    request.NextToken = page.NextToken;
  } while (request.NextToken);
  std::ranges::reverse(all);
  return all;
}

}  // namespace brume::simulation
