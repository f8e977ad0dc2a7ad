// DescribeInstances of a server with 1,000 instances: requests a second, and what one costs the server.
//
//   describe_bench --name NAME --port PORT --seconds N --log FILE [--state FOLDER] -- ARGV…
//
// Starts the server, makes the instances through its API, then asks over one connection, signing each request, and
// reads the answers without looking at them. The same for every server. Prints a row for each of three requests: name |
// request | requests a second | server's processor ms a request | median ms | KiB an answer
#include <unistd.h>

#include "arguments.h"
#include "connection.h"
#include "ec2/api.h"
#include "keys.h"
#include "process.h"

namespace brume::bench {
namespace {

constexpr const char* kRegion = "ap-southeast-1";
constexpr std::size_t kInstances = 1000;

void wait_for_server(Process& server, int port) {
  Connection connection{std::uint16_t(port)};
  const Stopwatch waited;
  while (!connection.exchange({.method = "GET", .headers = {{"Host", connection.authority()}}})) {
    if (server.ended() || waited.ms() > 60e3) give_up("the server does not answer; see its log");
    ::usleep(10000);
  }
}

// Returns the id of one of them.
std::string make_instances(ec2::Client& ec2) {
  const aws::Call call;
  ec2::RegisterImageRequest image;
  image.Name = "bench";
  image.ImageLocation = "file:///bench.tar";
  image.Architecture = "x86_64";
  image.RootDeviceName = "/dev/xvda";
  image.VirtualizationType = "hvm";
  const std::string image_id = *must(ec2.RegisterImage(call, image)).ImageId;
  ec2::RunInstancesRequest run;
  run.ImageId = image_id;
  run.InstanceType = "t2.micro";
  run.MinCount = run.MaxCount = 100;  // several launches, as an account has
  // The image takes a moment.
  Result<ec2::Reservation> launched = ec2.RunInstances(call, run);
  for (int i = 0; i < 100 && !launched; ++i, launched = ec2.RunInstances(call, run)) ::usleep(50000);
  for (std::size_t made = 100; made < kInstances; made += 100) launched = must(ec2.RunInstances(call, run));
  const std::string one = *must(std::move(launched)).Instances.at(0).InstanceId;
  const Stopwatch waited;
  while (true) {
    std::size_t running = 0;
    const auto described = must(ec2.DescribeInstances(call, {}));
    for (const ec2::Reservation& reservation : described.Reservations)
      for (const ec2::Instance& instance : reservation.Instances) running += *instance.State->Name == "running";
    if (running == kInstances) return one;
    if (waited.ms() > 120e3) give_up("the instances do not run");
    ::usleep(100000);
  }
}

void measure(const Arguments& arguments, pid_t server, const aws::Credentials& keys, const std::string& what,
             const std::string& parameters) {
  Connection connection{std::uint16_t(arguments.number("port"))};
  const auto ask = [&] {
    aws::HttpRequest request{.headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}},
                             .body = "Action=DescribeInstances&Version=2016-11-15" + parameters};
    sign_now(request, connection.authority(), keys, kRegion, "ec2");
    aws::HttpAnswer answer = must(connection.exchange(request));
    if (answer.status != 200) give_up("DescribeInstances: " + answer.body);
    return answer.body.size();
  };
  const std::size_t bytes = ask();  // and warms up
  const double before = cpu_ms(server);
  const Stopwatch all;
  std::vector<double> each;
  while (all.ms() < arguments.number("seconds") * 1e3) {
    const Stopwatch one;
    ask();
    each.push_back(one.ms());
  }
  const double wall = all.ms(), cpu = cpu_ms(server) - before;
  print_row({arguments.get("name"), what, fmt::format("{:.1f}", double(each.size()) * 1e3 / wall),
             fmt::format("{:.3f}", cpu / double(each.size())), fmt::format("{:.2f}", median(each)),
             fmt::format("{:.0f}", double(bytes) / 1024)});
}

int run(const Arguments& arguments) {
  Process server(arguments.rest, arguments.get("log"));
  const int port = arguments.number("port");
  wait_for_server(server, port);
  const aws::Credentials keys = credentials(arguments.get("state", ""));
  ConnectionTransport transport(std::uint16_t(port), keys, kRegion);
  ec2::Client ec2(transport);
  const std::string one = make_instances(ec2);
  measure(arguments, server.pid(), keys, "all 1,000", "");
  measure(arguments, server.pid(), keys, "one by id", "&InstanceId.1=" + one);
  measure(arguments, server.pid(), keys, "one by filter", "&Filter.1.Name=instance-id&Filter.1.Value.1=" + one);
  return 0;
}

}  // namespace
}  // namespace brume::bench

int main(int argc, char** argv) {
  return brume::bench::run(brume::bench::Arguments(argc, argv));
}
