// What changing a VPC costs: a rule more in a group of 500 interfaces, hundreds of instances coming and going.
//
//   fabric_bench
//
// Only the network part: an instance is a namespace with an interface. Wall time holds on a quiet machine, processor
// time (this process's, with what the kernel does in its calls) on a busy one too. Prints the tables themselves; needs
// root.
#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include "env/namespaces.h"
#include "measure.h"
#include "net/nftables.h"
#include "net/rtnetlink.h"
#include "network.h"

namespace brume::bench {
namespace {

constexpr unsigned kLimitSeconds = 100;
constexpr int kMembers = 500, kRules = 20;         // of the group that gets a rule more
constexpr int kOthers = 200, kRulesOfOthers = 10;  // groups, with an interface each
constexpr int kThousand = 1000, kGroups = 100;     // of the VPC that gets an interface more
constexpr int kChanges = 21;
constexpr int kPauseMicroseconds = 30000;  // the kernel tidies up after a change for some ten milliseconds
constexpr int kInstances = 300;

struct Cost {
  std::vector<double> wall, cpu;
};
template <typename F>
void measure(Cost& cost, F&& work) {
  const double cpu = own_cpu_ms();
  const Stopwatch watch;
  work();
  cost.wall.push_back(watch.ms());
  cost.cpu.push_back(own_cpu_ms() - cpu);
}

void row(const std::string& what, int others, const Cost& cost) {
  print_row({what, std::to_string(others), fmt::format("{:.1f}", median(cost.wall)),
             fmt::format("{:.1f}", percentile(cost.wall, 0.99)), fmt::format("{:.1f}", median(cost.cpu))});
}

// --- a rule more ---

net::Policy policy_of_many(int others) {
  net::Policy policy = empty_policy();
  add_group(policy, 0, kRules);
  for (int i = 0; i < kMembers; ++i) add_interface(policy, i, {group_id(0)});
  for (int i = 1; i <= others; ++i) {
    add_group(policy, i, kRulesOfOthers);
    add_interface(policy, kMembers + i, {group_id(i)});
  }
  return policy;
}

void add_rules(const std::string& folder, int others) {
  net::KernelFabric fabric(fmt::format("{}/change-{}", folder, others));
  const net::Policy before = policy_of_many(others);
  must(fabric.ensure_vpc(vpc_spec()));
  must(fabric.enforce(before));
  const std::vector<std::pair<std::string, net::GroupRule>> kinds = {
      {"from a range of addresses", {"sgr-new", false, {6, 443, 443}, "192.168.0.0/24", ""}},
      {"from anywhere", {"sgr-new", false, {6, 443, 443}, "0.0.0.0/0", ""}},
      {"from the group itself", {"sgr-new", false, {6, 443, 443}, "", group_id(0)}}};
  for (const auto& [what, rule] : kinds) {
    net::Policy after = before;
    net::SecurityGroup group = after.groups.at(group_id(0));
    group.rules.push_back(rule);
    after.groups.put(group.id, group);
    Cost cost;
    for (int i = 0; i < kChanges; ++i) {
      measure(cost, [&] { must(fabric.enforce(after)); });
      must(fabric.enforce(before));
      ::usleep(kPauseMicroseconds);
    }
    row("Brume, " + what, others, cost);
  }
  must(fabric.remove_vpc(kVpcId));
}

// --- one more of a thousand ---

void add_one(const std::string& folder) {
  const std::string host = folder + "/host";
  must(env::make_network_namespace(host));
  inside(host, []() -> Result<void> {
    BRUME_TRY(kernel, net::Rtnetlink::open());
    return kernel.set_up(1);  // lo
  });
  net::KernelFabric fabric(folder + "/thousand", {.host_namespace = host});
  net::Policy policy = empty_policy();
  for (int i = 0; i < kGroups; ++i) add_group(policy, i, kRulesOfOthers);
  net::Routing routing;
  routing.vpc_id = kVpcId;
  routing.cidrs = {vpc_spec().cidr};
  routing.route_tables = {{"rtb-0", {{"0.0.0.0/0", net::RouteTarget::internet_gateway, "igw-0"}}}};
  for (const std::string& subnet : vpc_spec().subnet_cidrs) routing.subnet_route_tables[subnet] = "rtb-0";
  routing.internet_gateway = true;
  const auto public_address = [](int number) {
    const net::InterfaceSpec spec = interface_spec(number);
    return net::PublicAddress{fmt::format("127.8.{}.{}", number / 200, number % 200 + 1), spec.address, spec.id};
  };
  for (int i = 0; i < kThousand; ++i) {
    add_interface(policy, i, {group_id(i % kGroups)});
    routing.public_addresses.insert(public_address(i));
  }
  must(fabric.ensure_vpc(vpc_spec()));
  must(fabric.enforce(policy));
  must(fabric.route(routing));
  net::Policy more = policy;
  add_interface(more, kThousand, {group_id(0)});
  net::Routing further = routing;
  further.public_addresses.insert(public_address(kThousand));
  Cost rules, routes;
  for (int i = 0; i < kChanges; ++i) {
    measure(rules, [&] { must(fabric.enforce(more)); });
    measure(routes, [&] { must(fabric.route(further)); });
    must(fabric.route(routing));
    must(fabric.enforce(policy));
    ::usleep(kPauseMicroseconds);
  }
  row("an interface's rules", kGroups, rules);
  row("a public address", kGroups, routes);
  must(fabric.remove_vpc(kVpcId));
  must(env::remove_network_namespace(host));
}

// The same rules as they are written without sets: a chain for each interface that holds its groups' rules.
void add_rules_to_chains(const std::string& folder, int others) {
  const std::string path = fmt::format("{}/chains-{}", folder, others);
  must(env::make_network_namespace(path));
  std::string commands = "add table inet peer\nadd map inet peer interfaces { type ifname : verdict; }\n";
  const auto rule = [](int interface, int number) {
    return fmt::format("add rule inet peer c{} ip saddr 172.{}.{}.0/24 tcp dport {} accept\n", interface,
                       16 + number / 256, number % 256, 8000 + number);
  };
  for (int i = 0; i < kMembers + others; ++i) {
    commands += fmt::format("add chain inet peer c{}\n", i);
    for (int n = 0; n < (i < kMembers ? kRules : kRulesOfOthers); ++n) commands += rule(i, n);
    commands += fmt::format("add element inet peer interfaces {{ \"v{:014x}\" : jump c{} }}\n", i, i);
  }
  commands +=
      "add chain inet peer forward { type filter hook forward priority 0; policy drop; }\n"
      "add rule inet peer forward ct state established,related accept\n"
      "add rule inet peer forward oifname vmap @interfaces\n";
  inside(path, [&] { return net::run_nftables(commands); });
  Cost cost;
  for (int change = 0; change < kChanges; ++change) {
    std::string more;
    for (int i = 0; i < kMembers; ++i) more += rule(i, kRules + change);
    measure(cost, [&] { inside(path, [&] { return net::run_nftables(more); }); });
    ::usleep(kPauseMicroseconds);
  }
  row("nft, a chain for each interface", others, cost);
  must(env::remove_network_namespace(path));
}

// --- instances ---

// What the kernel holds for itself, in KiB: objects that cannot be reclaimed, per-CPU data and large areas. Reclaimable
// objects are mostly other processes' files.
double kernel_kib() {
  std::ifstream file("/proc/meminfo");
  double sum = 0;
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string name;
    double kib = 0;
    fields >> name >> kib;
    if (name == "SUnreclaim:" || name == "Percpu:" || name == "VmallocUsed:" || name == "KernelStack:") sum += kib;
  }
  return sum;
}
double own_kib() {
  ::malloc_trim(0);  // what is free but kept is nobody's
  return memory_of(::getpid()).rss_mib * 1024;
}

struct Pace {
  double ms = 0, cpu = 0;  // of all
  double kernel = 0, own = 0;
};
template <typename F>
Pace pace(F&& work) {
  const double kernel = kernel_kib(), own = own_kib(), cpu = own_cpu_ms();
  const Stopwatch watch;
  work();
  const double ms = watch.ms(), used = own_cpu_ms() - cpu;
  return {ms, used, kernel_kib() - kernel, own_kib() - own};
}

void print_pace(const std::string& what, const Pace& pace, bool memory) {
  const auto each = [&](double value, int digits) { return fmt::format("{:.{}f}", value / kInstances, digits); };
  print_row({what, fmt::format("{:.0f}", kInstances / pace.ms * 1e3), fmt::format("{:.1f}", pace.cpu / kInstances),
             memory ? each(pace.kernel, 0) : "", memory ? each(pace.own, 1) : ""});
}

// `work` for each instance, by some threads.
void by_threads(int threads, const std::function<void(int)>& work) {
  std::atomic<int> next = 0;
  std::vector<std::jthread> all;
  for (int t = 0; t < threads; ++t)
    all.emplace_back([&] {
      for (int i = next++; i < kInstances; i = next++) work(i);
    });
}

// The least that the kernel can do for it: a namespace and a veth into it, with nothing else.
void bare_namespaces(const std::string& folder) {
  const std::string hub = folder + "/hub";
  must(env::make_network_namespace(hub));
  const auto path = [&](int i) { return fmt::format("{}/bare-{}", folder, i); };
  const Pace made = pace([&] {
    for (int i = 0; i < kInstances; ++i) {
      must(env::make_network_namespace(path(i)));
      inside(hub, [&]() -> Result<void> {
        BRUME_TRY(kernel, net::Rtnetlink::open());
        BRUME_TRY(instance, env::open_network_namespace(path(i)));
        const net::Mac mac{2, 0, 0, 1, std::uint8_t(i / 256), std::uint8_t(i % 256)};
        return kernel.add_veth({fmt::format("v{}", i), "eth0", instance.get(), mac, mac, 9001});
      });
    }
  });
  print_pace("bare namespaces with a veth: made", made, true);
  const Pace removed = pace([&] {
    for (int i = 0; i < kInstances; ++i) {
      inside(hub, [&]() -> Result<void> {
        BRUME_TRY(kernel, net::Rtnetlink::open());
        return kernel.delete_link(fmt::format("v{}", i));
      });
      must(env::remove_network_namespace(path(i)));
    }
  });
  print_pace("removed", removed, false);
  must(env::remove_network_namespace(hub));
}

void many_instances(const std::string& folder) {
  net::KernelFabric fabric(folder + "/many");
  net::Policy policy = empty_policy();
  add_group(policy, 0, kRules);
  must(fabric.ensure_vpc(vpc_spec()));
  must(fabric.enforce(policy));
  // As services/ec2 does for each launch: the rules, then the interface.
  const auto launch = [&] {
    for (int i = 0; i < kInstances; ++i) {
      add_interface(policy, i, {group_id(0)});
      must(fabric.enforce(policy));
      must(fabric.ensure_interface(interface_spec(i)));
    }
  };
  const auto remove = [&](int i) { must(fabric.remove_instance(interface_spec(i).instance_id)); };
  print_pace("Brume: launched one after the other", pace(launch), true);
  print_pace("removed one after the other", pace([&] { by_threads(1, remove); }), false);
  for (int i = 0; i < kInstances; ++i) must(fabric.ensure_interface(interface_spec(i)));
  print_pace("removed eight at a time", pace([&] { by_threads(8, remove); }), false);
  must(fabric.remove_vpc(kVpcId));
}

}  // namespace
}  // namespace brume::bench

int main() {
  using namespace brume::bench;
  std::string why;
  const std::string folder = own_world(kLimitSeconds, why);
  if (folder.empty()) {
    std::printf("\nThe fabric: skipped, %s.\n", why.c_str());
    return 0;
  }
  std::puts(
      "\n| one rule more for a group of 500 interfaces | other groups | ms | p99 | processor ms "
      "|\n|---|---|---|---|---|");
  for (const int others : {0, kOthers}) add_rules(folder, others);
  for (const int others : {0, kOthers}) add_rules_to_chains(folder, others);
  std::puts(
      "\n| one more in a VPC of 1,000 interfaces with public addresses | groups | ms | p99 | processor ms "
      "|\n|---|---|---|---|---|");
  add_one(folder);
  std::puts(
      "\n| 300 instances in one VPC, the network part | a second | processor ms each | memory of the kernel each, KiB "
      "| "
      "of the process |\n|---|---|---|---|---|");
  bare_namespaces(folder);
  many_instances(folder);
}
