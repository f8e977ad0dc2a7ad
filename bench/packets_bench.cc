// What a VPC's rules cost its packets: two instances beside a plain veth pair, few rules beside many.
//
//   packets_bench
//
// The ways are measured in turns, so that all meet the same machine; a figure is the median of its turns, a ratio the
// median of the ratios of one turn. What one thread can do alone it does on one CPU: the kernel carries a packet from
// socket to socket within the sender's call, so that the thread's processor time is the packet's. Prints the tables
// themselves; needs root.
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>

#include <map>
#include <memory>
#include <thread>

#include "measure.h"
#include "net/nftables.h"
#include "network.h"

namespace brume::bench {
namespace {

constexpr unsigned kLimitSeconds = 110;
constexpr int kTurns = 11, kLeastTurns = 3;
constexpr double kBudgetMs = 20e3;                 // of a table's turns: where the machine is too busy there are fewer
constexpr int kTracked = 7000, kUntracked = 7001;  // ports of UDP
constexpr int kTcp = 7002;
constexpr double kGiB = 1 << 30;

// Keeps the calling thread on one CPU: the `number`th of those it may use.
class OneCpu {
 public:
  explicit OneCpu(int number = 0) {
    ::sched_getaffinity(0, sizeof before_, &before_);
    std::vector<std::size_t> all;
    for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &before_)) all.push_back(cpu);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(all[std::size_t(number) % all.size()], &one);
    ::sched_setaffinity(0, sizeof one, &one);
  }
  ~OneCpu() { ::sched_setaffinity(0, sizeof before_, &before_); }
  OneCpu(const OneCpu&) = delete;
  OneCpu& operator=(const OneCpu&) = delete;

 private:
  cpu_set_t before_{};
};

void need(bool good, const char* what) {
  if (!good) give_up(std::string(what) + " failed");
}

struct Connected {
  env::Fd client, server;
};
Connected connected(const Way& way) {
  const env::Fd listener = tcp_listener(way.b, kTcp);
  Connected pair;
  pair.client = tcp_socket(way.a);
  need(connect_to(pair.client, way.b, kTcp), "connect");
  pair.server = env::Fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  const int on = 1;
  for (const env::Fd* fd : {&pair.client, &pair.server})
    ::setsockopt(fd->get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return pair;
}

// By name of a figure, its values of each turn.
using Figures = std::map<std::string, std::vector<double>>;

// One thread writes, another reads, each on a CPU of its own, for 0.2 s.
void stream(const Way& way, Figures& figures) {
  const Connected pair = connected(way);
  const double cpu = own_cpu_ms();
  const Stopwatch watch;
  const OneCpu here(0);
  std::jthread writer([&](const std::stop_token& stop) {
    const OneCpu other(1);
    const std::string block(128 * 1024, 'x');
    while (!stop.stop_requested()) need(::send(pair.client.get(), block.data(), block.size(), 0) > 0, "send");
    ::shutdown(pair.client.get(), SHUT_WR);
  });
  std::string buffer(256 * 1024, ' ');
  double bytes = 0;
  for (ssize_t n = 1; n > 0; bytes += double(n)) {
    n = ::recv(pair.server.get(), buffer.data(), buffer.size(), 0);
    need(n >= 0, "recv");
    if (watch.ms() > 200) writer.request_stop();
  }
  const double ms = watch.ms();
  writer.join();
  figures["stream GiB/s"].push_back(bytes / kGiB / ms * 1e3);
  figures["stream ms/GiB"].push_back((own_cpu_ms() - cpu) / (bytes / kGiB));
}

// One byte there and back, each side a thread that sleeps until it comes, on a CPU of its own.
void round_trips(const Way& way, Figures& figures) {
  constexpr int kTimes = 2000;
  const Connected pair = connected(way);
  const std::jthread server([&] {
    const OneCpu other(1);
    for (char byte = 0; ::recv(pair.server.get(), &byte, 1, 0) == 1;)
      need(::send(pair.server.get(), &byte, 1, 0) == 1, "send");
  });
  const OneCpu here(0);
  std::vector<double> trips;
  for (int i = 0; i < kTimes; ++i) {
    char byte = 'x';
    const Stopwatch watch;
    need(::send(pair.client.get(), &byte, 1, 0) == 1 && ::recv(pair.client.get(), &byte, 1, 0) == 1, "a round trip");
    trips.push_back(watch.ms() * 1e3);
  }
  figures["trip µs"].push_back(median(trips));
  ::shutdown(pair.client.get(), SHUT_WR);
}

// The same without threads: the way alone.
void carried_trips(const Way& way, Figures& figures) {
  constexpr int kTimes = 5000;
  const Connected pair = connected(way);
  const OneCpu here;
  const double cpu = thread_cpu_ns();
  char byte = 'x';
  for (int i = 0; i < kTimes; ++i)
    for (const auto& [from, to] : {std::pair(&pair.client, &pair.server), std::pair(&pair.server, &pair.client)})
      need(::send(from->get(), &byte, 1, 0) == 1 && ::recv(to->get(), &byte, 1, 0) == 1, "a round trip");
  figures["carried µs"].push_back((thread_cpu_ns() - cpu) / 1e3 / kTimes);
}

// Opened, accepted and reset.
void connections(const Way& way, Figures& figures) {
  constexpr int kTimes = 500;
  const env::Fd listener = tcp_listener(way.b, kTcp);
  std::vector<env::Fd> clients(kTimes);
  for (env::Fd& client : clients) client = tcp_socket(way.a);
  const linger reset{.l_onoff = 1, .l_linger = 0};
  const OneCpu here;
  const double cpu = thread_cpu_ns();
  for (env::Fd& client : clients) {
    need(connect_to(client, way.b, kTcp), "connect");
    const env::Fd server(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    ::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    client = env::Fd();
  }
  figures["connect µs"].push_back((thread_cpu_ns() - cpu) / 1e3 / kTimes);
}

// Processor nanoseconds of a datagram of one byte. `fresh`: each of a flow of its own.
double datagrams(const Way& way, int port, bool fresh) {
  const int times = fresh ? 500 : 5000, burst = fresh ? 1 : 20;
  const env::Fd inbox = udp_socket(way.b, port);
  std::vector<env::Fd> outboxes(fresh ? std::size_t(times) : 1);
  for (env::Fd& outbox : outboxes) {
    outbox = udp_socket(way.a, 0);
    need(connect_to(outbox, way.b, port), "connect");
  }
  char byte = 'x';
  if (!fresh) {  // the kernel takes a flow for established when there has been a reply
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    need(::send(outboxes[0].get(), &byte, 1, 0) == 1, "send");
    need(::recvfrom(inbox.get(), &byte, 1, 0, reinterpret_cast<sockaddr*>(&from), &size) == 1, "recv");
    need(::sendto(inbox.get(), &byte, 1, 0, reinterpret_cast<const sockaddr*>(&from), size) == 1, "send");
    need(::recv(outboxes[0].get(), &byte, 1, 0) == 1, "recv");
  }
  const OneCpu here;
  const double cpu = thread_cpu_ns();
  for (int i = 0; i < times; i += burst) {
    const int outbox = outboxes[fresh ? std::size_t(i) : 0].get();
    for (int n = 0; n < burst; ++n) need(::send(outbox, &byte, 1, 0) == 1, "send");
    for (int n = 0; n < burst; ++n) need(::recv(inbox.get(), &byte, 1, 0) == 1, "recv");
  }
  return (thread_cpu_ns() - cpu) / times;
}

// "12.3 (×1.04)": the median, and that of the ratios to the first of all turn by turn.
std::string shown(const std::string& name, const Figures& figures, const Figures& first, int digits) {
  const std::vector<double>& values = figures.at(name);
  std::vector<double> ratios;
  for (std::size_t i = 0; i < values.size(); ++i) ratios.push_back(values[i] / first.at(name)[i]);
  std::string text = fmt::format("{:.{}f}", median(values), digits);
  if (&figures != &first) text += fmt::format(" (×{:.2f})", median(ratios));
  return text;
}

// Two instances whose groups let the benchmark's traffic in, among `rules` in all, spread over `groups`.
net::Policy policy_with(int rules, int groups) {
  net::Policy policy = empty_policy();
  add_group(policy, 0, 0);
  std::vector<std::string> ids;
  for (int i = 1; i <= groups; ++i) {
    // The last one, which is asked last, is the one that lets it in.
    const bool last = i == groups;
    add_group(policy, i, rules / groups - (last ? 3 : 0));
    ids.push_back(group_id(i));
    if (!last) continue;
    net::SecurityGroup group = policy.groups.at(group_id(i));
    group.rules.push_back({"sgr-a", false, {17, kTracked, kTracked}, "10.0.0.0/16", ""});
    group.rules.push_back({"sgr-b", false, {17, kUntracked, kUntracked}, "0.0.0.0/0", ""});
    group.rules.push_back({"sgr-c", false, {6, kTcp, kTcp}, "10.0.0.0/16", ""});
    policy.groups.put(group.id, group);
  }
  add_interface(policy, 0, {group_id(0)});
  add_interface(policy, 1, std::move(ids));
  return policy;
}

void compare_ways(const std::string& folder) {
  net::KernelFabric fabric(folder + "/ways");
  const std::vector<Way> ways = {plain_veth(folder), routed_veths(folder), instances(fabric, policy_with(20, 1))};
  std::vector<Figures> figures(ways.size());
  const Stopwatch spent;
  for (int turn = 0; turn < kTurns && (turn < kLeastTurns || spent.ms() < kBudgetMs); ++turn)
    for (std::size_t i = 0; i < ways.size(); ++i) {
      stream(ways[i], figures[i]);
      round_trips(ways[i], figures[i]);
      carried_trips(ways[i], figures[i]);
      connections(ways[i], figures[i]);
      figures[i]["datagram ns"].push_back(datagrams(ways[i], kTracked, false));
    }
  std::puts(
      "\n| between two namespaces | TCP, GiB/s | processor ms a GiB | TCP round trip, µs | its way in the "
      "kernel, processor µs | UDP packet, processor ns | connection, processor µs |\n|---|---|---|---|---|---|---|");
  for (std::size_t i = 0; i < ways.size(); ++i) {
    const auto cell = [&](const char* name, int digits) { return shown(name, figures[i], figures[0], digits); };
    print_row({ways[i].name, cell("stream GiB/s", 2), cell("stream ms/GiB", 0), cell("trip µs", 1),
               cell("carried µs", 1), cell("datagram ns", 0), cell("connect µs", 1)});
  }
}

// A thousand rules as they are written where there are no sets: one after the other, for the packets to pass.
void add_chain_of_rules(const std::string& path) {
  std::string commands =
      "add table inet peer\n"
      "add chain inet peer forward { type filter hook forward priority 0; policy accept; }\n";
  for (int i = 0; i < 1000; ++i)
    commands += fmt::format("add rule inet peer forward ip saddr 172.{}.{}.0/24 tcp dport {} accept\n", 16 + i / 256,
                            i % 256, 8000 + i);
  inside(path, [&] { return net::run_nftables(commands); });
}

void compare_rules(const std::string& folder) {
  struct Case {
    std::string name;
    net::Policy policy;
    bool chain = false;
  };
  const std::vector<Case> cases = {{"3 rules", policy_with(3, 1)},
                                   {"1,000 rules", policy_with(1000, 1)},
                                   {"1,000 rules in 5 groups", policy_with(1000, 5)},
                                   {"3 rules, and nft with 1,000 in a chain", policy_with(3, 1), true}};
  std::vector<std::unique_ptr<net::KernelFabric>> fabrics;
  std::vector<Way> ways;
  for (const Case& which : cases) {
    fabrics.push_back(std::make_unique<net::KernelFabric>(fmt::format("{}/rules-{}", folder, ways.size())));
    ways.push_back(instances(*fabrics.back(), which.policy));
    if (which.chain) add_chain_of_rules(fabrics.back()->vpc_namespace(kVpcId));
  }
  std::vector<Figures> figures(ways.size());
  const Stopwatch spent;
  for (int turn = 0; turn < kTurns && (turn < kLeastTurns || spent.ms() < kBudgetMs); ++turn)
    for (std::size_t i = 0; i < ways.size(); ++i) {
      figures[i]["tracked"].push_back(datagrams(ways[i], kTracked, false));
      figures[i]["judged"].push_back(datagrams(ways[i], kUntracked, false));
      figures[i]["first"].push_back(datagrams(ways[i], kTracked, true));
    }
  std::puts(
      "\n| the receiver's groups | packet of a tracked flow, processor ns | of one judged packet by packet | first of "
      "a "
      "flow |\n|---|---|---|---|");
  for (std::size_t i = 0; i < ways.size(); ++i) {
    const auto cell = [&](const char* name) { return shown(name, figures[i], figures[0], 0); };
    print_row({cases[i].name, cell("tracked"), cell("judged"), cell("first")});
  }
}

}  // namespace
}  // namespace brume::bench

int main() {
  using namespace brume::bench;
  std::string why;
  const std::string folder = own_world(kLimitSeconds, why);
  if (folder.empty()) {
    std::printf("\nPackets: skipped, %s.\n", why.c_str());
    return 0;
  }
  compare_ways(folder);
  compare_rules(folder);
}
