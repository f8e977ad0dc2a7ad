#include "cli/summary.h"

#include <chrono>
#include <cstdio>
#include <map>
#include <thread>

#include "cli/stack_progress.h"

namespace brume::cli {
namespace {

using std::chrono::steady_clock;

// The URLs of a load balancer's listeners.
Result<std::vector<std::string>> urls_of(Session& session, const std::string& load_balancer) {
  BRUME_TRY(described, session.elbv2.DescribeLoadBalancers(session.call, {.LoadBalancerArns = {load_balancer}}));
  BRUME_TRY(listeners, session.elbv2.DescribeListeners(session.call, {.LoadBalancerArn = load_balancer}));
  // One that has the host's ports to itself is at localhost; any other has a loopback address of its own.
  std::string host = "localhost";
  for (const elbv2::AvailabilityZone& zone : described.LoadBalancers.front().AvailabilityZones)
    for (const elbv2::LoadBalancerAddress& address : zone.LoadBalancerAddresses)
      if (address.IpAddress) host = *address.IpAddress;
  std::vector<std::string> urls;
  for (const elbv2::Listener& listener : listeners.Listeners)
    urls.push_back(*listener.Port == 80 ? fmt::format("http://{}/", host)
                                        : fmt::format("http://{}:{}/", host, *listener.Port));
  return urls;
}

struct TargetLine {
  std::string id, zone, state, reason;
};

Result<std::vector<TargetLine>> targets_of(Session& session, const std::vector<std::string>& groups) {
  std::vector<TargetLine> lines;
  std::map<std::string, std::string> zones;
  List<std::string> ids;
  for (const std::string& group : groups) {
    elbv2::DescribeTargetHealthInput request;
    request.TargetGroupArn = group;
    BRUME_TRY(health, session.elbv2.DescribeTargetHealth(session.call, request));
    for (const elbv2::TargetHealthDescription& d : health.TargetHealthDescriptions) {
      lines.push_back({*d.Target->Id, "", *d.TargetHealth->State, d.TargetHealth->Description.value_or("")});
      ids.push_back(*d.Target->Id);
    }
  }
  if (!ids.empty()) {
    BRUME_TRY(described, session.ec2.DescribeInstances(session.call, {.Filters = {{"instance-id", ids}}}));
    for (const ec2::Reservation& reservation : described.Reservations)
      for (const ec2::Instance& instance : reservation.Instances)
        zones[*instance.InstanceId] = instance.Placement ? instance.Placement->AvailabilityZone.value_or("") : "";
  }
  for (TargetLine& line : lines) line.zone = zones[line.id];
  return lines;
}

bool answers(const std::string& url) {
  std::string endpoint = url.substr(0, url.find('/', 7));
  if (const auto at = endpoint.find("localhost"); at != std::string::npos) endpoint.replace(at, 9, "127.0.0.1");
  const auto answer = aws::http_exchange(
      endpoint, {.method = "GET", .target = "/", .headers = {{"Host", endpoint.substr(7)}}}, std::chrono::seconds(5));
  return answer && answer->status < 500;
}

}  // namespace

Result<void> print_summary(Session& session, const std::string& stack) {
  BRUME_TRY(balancers, resources_of(session, stack, "AWS::ElasticLoadBalancingV2::LoadBalancer"));
  BRUME_TRY(groups, resources_of(session, stack, "AWS::ElasticLoadBalancingV2::TargetGroup"));
  std::vector<std::string> urls;
  for (const std::string& balancer : balancers) {
    BRUME_TRY(found, urls_of(session, balancer));
    urls.insert(urls.end(), found.begin(), found.end());
  }
  const auto end = steady_clock::now() + std::chrono::minutes(5);
  std::vector<TargetLine> targets;
  while (true) {
    BRUME_TRY(now, targets_of(session, groups));
    targets = now;
    bool ready = groups.empty() || !targets.empty();
    for (const TargetLine& line : targets) ready = ready && (line.state == "healthy" || line.state == "draining");
    if (ready) {
      for (const std::string& url : urls) ready = ready && answers(url);
      if (ready) break;
    }
    if (steady_clock::now() >= end) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  std::printf("\n");
  bool healthy = true;
  for (const TargetLine& line : targets) {
    std::printf("Target         %s  %s  %s%s%s\n", line.id.c_str(), line.zone.c_str(), line.state.c_str(),
                line.reason.empty() ? "" : "  ", line.reason.c_str());
    healthy = healthy && (line.state == "healthy" || line.state == "draining");
  }
  if (!healthy)
    return fail("NotAnswering",
                "Not every target became healthy within five minutes; `brume env` and `aws ec2 get-console-output "
                "--instance-id …` show what an instance says");
  for (const std::string& url : urls) std::printf("URL            %s\n", url.c_str());
  std::printf(
      "\nNext:\n"
      "  curl %s\n"
      "  eval \"$(brume env)\"\n"
      "  aws autoscaling describe-auto-scaling-groups\n"
      "  aws cloudformation describe-stack-events --stack-name %s\n",
      urls.empty() ? "http://localhost/" : urls.front().c_str(), stack.c_str());
  return {};
}

}  // namespace brume::cli
