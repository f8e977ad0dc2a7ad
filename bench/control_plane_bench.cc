// The whole control plane on a simulated machine: what groups cost that nothing happens to, and what healing costs.
//
//   control_plane_bench
//
// All figures are processor time of this process, whose only other work is the simulated machine. Each world is made
// anew; its groups have ten instances each over three zones and EC2 health checks. Aim: what an event costs does not
// grow with the number of groups that it does not concern. Prints the tables themselves.
#include <algorithm>

#include "keys.h"
#include "world.h"

namespace brume::bench {
namespace {

using simulation::World;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr int kInstances = 10;  // of a group

// A world with many groups, spread evenly over some regions.
class Crowd {
 public:
  Crowd(int groups, int regions) {
    const std::vector<std::string> names = {"ap-southeast-1", "eu-west-1", "us-east-1", "us-west-2"};
    for (int r = 0; r < regions; ++r)
      world.make_groups(names.at(r), groups / regions, {.min = kInstances, .max = kInstances, .desired = kInstances});
    world.run_for(minutes(5));
    // Launches go eight at a time.
    for (int i = 0; i < 240 && world.driver.running() < std::size_t(groups * kInstances); ++i)
      world.run_for(minutes(1));
    if (world.driver.running() != std::size_t(groups * kInstances)) give_up("the simulated groups did not come up");
    world.run_for(minutes(5));  // grace periods end
  }

  [[nodiscard]] std::uint64_t rounds() {
    std::uint64_t all = 0;
    for (const auto& [name, region] : world.cloud().regions()) all += region->autoscaling.rounds();
    return all;
  }

  // Kills an instance of one group and lets it heal for `period`.
  void heal_one(int which, env::Duration period) {
    daemon::Cloud::Region& region = *must(world.cloud().region("ap-southeast-1"));
    autoscaling::AutoScalingGroupNamesType request;
    request.AutoScalingGroupNames = {fmt::format("group-{:04}", which)};
    const auto before =
        must(region.autoscaling.DescribeAutoScalingGroups(world.caller, request)).AutoScalingGroups.at(0);
    const std::string victim = *before.Instances.at(0).InstanceId;
    world.driver.kill(victim);
    world.run_for(period);
    const auto after =
        must(region.autoscaling.DescribeAutoScalingGroups(world.caller, request)).AutoScalingGroups.at(0);
    const bool healed = std::ranges::count(after.Instances, "InService",
                                           [](const auto& i) { return *i.LifecycleState; }) == kInstances &&
                        std::ranges::none_of(after.Instances, [&](const auto& i) { return *i.InstanceId == victim; });
    if (!healed) give_up("a simulated group did not heal");
  }

  World world;
};

// Processor milliseconds that `work` takes.
template <typename F>
double cost(F&& work) {
  const double before = own_cpu_ms();
  work();
  return own_cpu_ms() - before;
}

void measure(int groups, int regions) {
  std::unique_ptr<Crowd> crowd;
  const double made = cost([&] { crowd = std::make_unique<Crowd>(groups, regions); });
  const std::uint64_t rounds = crowd->rounds();
  const double idle = cost([&] { crowd->world.run_for(hours(1)); });
  const double looked = double(crowd->rounds() - rounds);
  constexpr int kHeals = 40;
  constexpr seconds kPeriod{2};
  const double share = cost([&] {
    for (int i = 0; i < kHeals; ++i) crowd->world.run_for(kPeriod);
  });
  const double healing = cost([&] {
    for (int i = 0; i < kHeals; ++i) crowd->heal_one(i % (groups / regions), kPeriod);
  });
  print_row({fmt::format("{}", groups), std::to_string(regions), fmt::format("{:.2f}", made / (groups * kInstances)),
             fmt::format("{:.1f}", idle * 1e3 / looked), fmt::format("{:.0f}", idle),
             fmt::format("{:.4f}%", idle / 36e3), fmt::format("{:.2f}", std::max(0.0, healing - share) / kHeals),
             fmt::format("{:.0f}", memory_of(::getpid()).rss_mib)});
}

// One group behind a load balancer; an instance dies each hour.
void measure_day() {
  std::vector<double> days;
  for (std::uint64_t seed = 1; seed <= 5; ++seed)
    days.push_back(cost([&] {
      World world(seed);
      world.make_web(2, 5, 2);
      world.run_for(minutes(2));
      for (int hour = 0; hour < 24; ++hour) {
        world.driver.kill(world.instances().at(0));
        world.run_for(hours(1));
      }
      if (world.instances().size() != 2) give_up("the simulated day went wrong");
    }));
  print_row({"a day of one group of 2 behind a load balancer, an instance dying each hour",
             fmt::format("{:.0f}", median(days))});
}

void run() {
  std::puts(
      "| groups | regions | launch of one, ms | idle round of one group, µs | a virtual hour idle, ms | of one core | "
      "healing of one instance, ms | memory of the process, MiB |\n|---|---|---|---|---|---|---|---|");
  measure(1, 1);
  measure(10, 1);
  measure(100, 1);
  measure(250, 1);
  measure(1000, 4);
  std::puts("\n| simulated | processor ms |\n|---|---|");
  measure_day();
}

}  // namespace
}  // namespace brume::bench

int main() {
  brume::bench::run();
}
