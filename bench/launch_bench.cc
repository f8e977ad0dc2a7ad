// RunInstances until the instance runs, and until a load balancer has found it healthy. Instances are real ones.
//
//   launch_bench --port PORT --root ROOT --image FOLDER
//
// ROOT is that of the running `brume --root ROOT daemon`, FOLDER a root file system with busybox. Asks every 5 ms over
// one connection; so a time may be up to 5 ms too long. Prints rows: what | n | p50 ms | p99 ms | daemon's processor ms
// each
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "arguments.h"
#include "base/base64.h"
#include "connection.h"
#include "ec2/api.h"
#include "elbv2/api.h"
#include "keys.h"
#include "process.h"

namespace brume::bench {
namespace {

constexpr const char* kRegion = "ap-southeast-1";
constexpr const char* kUserData = "#!/bin/sh\nmkdir -p /www\necho ok > /www/index.html\nexec httpd -f -p 80 -h /www\n";
constexpr int kSingly = 40, kHealthy = 12, kAtOnce = 20;
constexpr int kCheckSeconds = 5;  // between health checks: as often as AWS allows

class Launches {
 public:
  Launches(const Arguments& arguments)
      : transport_(std::uint16_t(arguments.number("port")), credentials(arguments.get("root") + "/lib"), kRegion) {
    std::ifstream(arguments.get("root") + "/run/daemon.pid") >> daemon_;
    prepare(arguments.get("image"));
  }

  void singly() {
    std::vector<double> running, healthy;
    const double before = cpu_ms(daemon_);
    for (int i = 0; i < kSingly; ++i) {
      const Stopwatch since;
      const auto ids = launch(1);
      running.push_back(until_running(since, ids)[0]);
      terminate(ids);
    }
    row("to running, one at a time", running,
        fmt::format("{:.0f}, with its end and our questions", (cpu_ms(daemon_) - before) / kSingly));
    for (int i = 0; i < kHealthy; ++i) {
      const Stopwatch since;
      const auto ids = launch(1);
      until_running(since, ids);
      healthy.push_back(until_healthy(since, ids[0]));
      terminate(ids);
    }
    const auto late = std::ranges::count_if(healthy, [](double ms) { return ms > 1e3 * kCheckSeconds; });
    row(fmt::format("to healthy, one at a time ({} of {} at the second check)", late, kHealthy), healthy, "");
  }

  void at_once() {
    const double before = cpu_ms(daemon_);
    const Stopwatch since;
    const auto ids = launch(kAtOnce);
    const auto running = until_running(since, ids);
    row(fmt::format("to running, {} at once", kAtOnce), running,
        fmt::format("{:.0f}", (cpu_ms(daemon_) - before) / kAtOnce));
    terminate(ids);
  }

 private:
  void prepare(const std::string& folder) {
    ec2::RegisterImageRequest image;
    image.Name = "busybox";
    image.ImageLocation = "file://" + folder;
    image.RootDeviceName = "/dev/xvda";
    image.VirtualizationType = "hvm";
    image.Architecture = "x86_64";
    image_ = *must(ec2_.RegisterImage(call_, image)).ImageId;
    while (*must(ec2_.DescribeImages(call_, {.ImageIds = {image_}})).Images.at(0).State != "available") ::usleep(20000);

    const auto subnets = must(ec2_.DescribeSubnets(call_, {}));
    subnet_ = *subnets.Subnets.at(0).SubnetId;
    elbv2::CreateTargetGroupInput group;
    group.Name = "bench";
    group.Protocol = "HTTP";
    group.Port = 80;
    group.VpcId = subnets.Subnets[0].VpcId;
    group.HealthCheckIntervalSeconds = kCheckSeconds;
    group.HealthCheckTimeoutSeconds = 2;
    target_group_ = *must(elbv2_.CreateTargetGroup(call_, group)).TargetGroups.at(0).TargetGroupArn;
    elbv2::CreateLoadBalancerInput balancer;
    balancer.Name = "bench";
    balancer.Scheme = "internal";  // it listens on an address of 127.0.0.0/8
    balancer.Subnets = {subnet_, *subnets.Subnets.at(1).SubnetId};
    elbv2::CreateListenerInput listener;
    listener.LoadBalancerArn = must(elbv2_.CreateLoadBalancer(call_, balancer)).LoadBalancers.at(0).LoadBalancerArn;
    listener.Protocol = "HTTP";
    listener.Port = free_port();
    elbv2::Action& forward = listener.DefaultActions.emplace_back();
    forward.Type = "forward";
    forward.TargetGroupArn = target_group_;
    must(elbv2_.CreateListener(call_, listener));
    terminate(launch(1));  // the first one makes the network, too
  }

  std::vector<std::string> launch(int count) {
    ec2::RunInstancesRequest request;
    request.ImageId = image_;
    request.InstanceType = "t2.micro";
    request.SubnetId = subnet_;
    request.UserData = base64_encode(kUserData);
    request.MinCount = request.MaxCount = count;
    std::vector<std::string> ids;
    for (const ec2::Instance& instance : must(ec2_.RunInstances(call_, request)).Instances)
      ids.push_back(*instance.InstanceId);
    return ids;
  }

  std::vector<double> until_running(const Stopwatch& since, const std::vector<std::string>& ids) {
    std::set<std::string> waiting(ids.begin(), ids.end());
    std::vector<double> times;
    while (true) {
      ec2::DescribeInstancesRequest request;
      request.InstanceIds.assign(waiting.begin(), waiting.end());
      for (const auto& reservation : must(ec2_.DescribeInstances(call_, request)).Reservations)
        for (const ec2::Instance& instance : reservation.Instances) {
          if (*instance.State->Name == "running") {
            times.push_back(since.ms());
            waiting.erase(*instance.InstanceId);
          } else if (*instance.State->Name != "pending") {
            give_up(fmt::format("{} is {}: {}", *instance.InstanceId, *instance.State->Name,
                                instance.StateReason ? instance.StateReason->Message.value_or("") : ""));
          }
        }
      if (waiting.empty()) return times;
      if (since.ms() > 60e3) give_up("an instance does not run");
      ::usleep(5000);
    }
  }

  double until_healthy(const Stopwatch& since, const std::string& id) {
    must(elbv2_.RegisterTargets(call_, {target_group_, {{.Id = id}}}));
    while (true) {
      const auto health =
          must(elbv2_.DescribeTargetHealth(call_, {.TargetGroupArn = target_group_, .Targets = {{.Id = id}}}));
      if (*health.TargetHealthDescriptions.at(0).TargetHealth->State == "healthy") break;
      if (since.ms() > 60e3) give_up("an instance does not become healthy; its console:\n" + console(id));
      ::usleep(5000);
    }
    const double time = since.ms();
    must(elbv2_.DeregisterTargets(call_, {target_group_, {{.Id = id}}}));
    return time;
  }

  std::string console(const std::string& id) {
    const auto output = must(ec2_.GetConsoleOutput(call_, {.InstanceId = id}));
    return base64_decode(output.Output.value_or("")).value_or("");
  }

  // Waits, so that the next launch has the machine for itself.
  void terminate(const std::vector<std::string>& ids) {
    ec2::TerminateInstancesRequest request;
    request.InstanceIds.assign(ids.begin(), ids.end());
    must(ec2_.TerminateInstances(call_, request));
    const Stopwatch waited;
    for (const std::string& id : ids)
      while (
          *must(ec2_.DescribeInstances(call_, {.InstanceIds = {id}})).Reservations.at(0).Instances.at(0).State->Name !=
          "terminated") {
        if (waited.ms() > 60e3) give_up("an instance does not end");
        ::usleep(5000);
      }
  }

  static void row(const std::string& what, const std::vector<double>& times, const std::string& cpu) {
    print_row({what, std::to_string(times.size()), fmt::format("{:.0f}", median(times)),
               fmt::format("{:.0f}", percentile(times, 0.99)), cpu});
  }

  ConnectionTransport transport_;
  ec2::Client ec2_{transport_};
  elbv2::Client elbv2_{transport_};
  aws::Call call_;
  pid_t daemon_ = 0;
  std::string image_, subnet_, target_group_;
};

}  // namespace
}  // namespace brume::bench

int main(int argc, char** argv) {
  brume::bench::Launches launches(brume::bench::Arguments(argc, argv));
  launches.singly();
  launches.at_once();
}
