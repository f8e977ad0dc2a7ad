#include "cli/reach.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstdio>
#include <optional>
#include <random>

#include "base/json.h"
#include "cli/command.h"
#include "cli/reach_text.h"

namespace brume::cli {
namespace {

constexpr int kCouldNotTell = 2;

// An end as the user named it, found.
struct End {
  std::string label;    // for the title
  std::string id;       // i-…, eni-…, igw-… or pcx-…; empty: outside
  std::string vpc_id;   // if it is in one
  std::string address;  // outside, or public
};

struct Port {
  int number = 0;
  std::string protocol = "tcp";
};

Result<Port> parse_port(const std::string& text) {
  Port port;
  std::string_view number = text;
  if (const std::size_t slash = text.find('/'); slash != std::string::npos) {
    port.protocol = text.substr(slash + 1);
    number = number.substr(0, slash);
  }
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), port.number);
  if (error != std::errc() || end != number.data() + number.size() || port.number < 0 || port.number > 65535 ||
      (port.protocol != "tcp" && port.protocol != "udp"))
    return fail("InvalidParameterValue", "'{}' is not a port; give one like 80 or 53/udp", text);
  return port;
}

bool is_address(const std::string& text, int family) {
  unsigned char bytes[16];
  return ::inet_pton(family, text.c_str(), bytes) == 1;
}

List<ec2::Filter> filter(const std::string& name, const std::string& value) {
  return {ec2::Filter{.Name = name, .Values = {value}}};
}

Result<End> instance_by_name(Session& session, const std::string& name) {
  BRUME_TRY(found, session.ec2.DescribeInstances(session.call, {.Filters = filter("tag:Name", name)}));
  std::vector<End> ends, running;
  std::string ids;
  for (const ec2::Reservation& reservation : found.Reservations)
    for (const ec2::Instance& instance : reservation.Instances) {
      if (instance.State && instance.State->Name == "terminated") continue;
      ends.push_back(
          {fmt::format("{} ({})", name, *instance.InstanceId), *instance.InstanceId, instance.VpcId.value_or(""), ""});
      if (instance.State && instance.State->Name == "running") running.push_back(ends.back());
      ids += (ids.empty() ? "" : ", ") + *instance.InstanceId;
    }
  if (ends.size() == 1) return ends.front();
  if (running.size() == 1) return running.front();
  if (ends.empty())
    return fail("InvalidParameterValue",
                "There is no instance named '{}'; give an instance's id or Name tag, eni-…, igw-…, an IPv4 address or "
                "\"internet\" (`aws ec2 describe-instances` shows what there is)",
                name);
  return fail("InvalidParameterValue", "{} instances are named '{}'; give the id of one of them: {}", ends.size(), name,
              ids);
}

Result<End> by_id(Session& session, const std::string& id) {
  if (id.starts_with("i-")) {
    BRUME_TRY(found, session.ec2.DescribeInstances(session.call, {.InstanceIds = {id}}));
    const ec2::Instance& instance = found.Reservations[0].Instances[0];
    std::string label = id;
    for (const ec2::Tag& tag : instance.Tags)
      if (tag.Key == "Name") label = fmt::format("{} ({})", *tag.Value, id);
    return End{label, id, instance.VpcId.value_or(""), ""};
  }
  if (id.starts_with("eni-")) {
    BRUME_TRY(found, session.ec2.DescribeNetworkInterfaces(session.call, {.NetworkInterfaceIds = {id}}));
    return End{id, id, found.NetworkInterfaces[0].VpcId.value_or(""), ""};
  }
  return End{id, id, "", ""};
}

// Whoever has the address; if there are several, the one in `vpc_id`.
Result<End> by_address(Session& session, const std::string& address, const std::string& vpc_id) {
  for (const bool is_private : {true, false}) {
    const std::string name = is_private ? "addresses.private-ip-address" : "addresses.association.public-ip";
    BRUME_TRY(found, session.ec2.DescribeNetworkInterfaces(session.call, {.Filters = filter(name, address)}));
    const ec2::NetworkInterface* one = found.NetworkInterfaces.size() == 1 ? &found.NetworkInterfaces[0] : nullptr;
    for (const ec2::NetworkInterface& interface : found.NetworkInterfaces)
      if (!one && interface.VpcId == vpc_id) one = &interface;
    if (one)
      return End{fmt::format("{} ({})", address, *one->NetworkInterfaceId), *one->NetworkInterfaceId,
                 one->VpcId.value_or(""), is_private ? "" : address};
    if (!found.NetworkInterfaces.empty())
      return fail("InvalidParameterValue", "{} interfaces in different VPCs have the address {}; give eni-… instead",
                  found.NetworkInterfaces.size(), address);
  }
  return End{address, "", "", address};
}

Result<End> find_end(Session& session, const std::string& text, const std::string& vpc_id) {
  if (text == "internet") return End{"the internet", "", "", ""};
  if (is_address(text, AF_INET)) return by_address(session, text, vpc_id);
  if (is_address(text, AF_INET6))
    return fail("InvalidParameterValue", "Reachability is analyzed for IPv4 addresses only, as on AWS: not {}", text);
  for (const std::string_view prefix : {"i-", "eni-", "igw-", "pcx-"})
    if (text.starts_with(prefix)) return by_id(session, text);
  return instance_by_name(session, text);
}

Result<std::string> internet_gateway_of(Session& session, const std::string& vpc_id) {
  BRUME_TRY(found,
            session.ec2.DescribeInternetGateways(session.call, {.Filters = filter("attachment.vpc-id", vpc_id)}));
  if (!found.InternetGateways.empty()) return *found.InternetGateways[0].InternetGatewayId;
  return fail("Gateway.NotAttached",
              "{} has no internet gateway, so nothing goes out of it or comes in from outside; attach one "
              "(`aws ec2 create-internet-gateway`, `attach-internet-gateway`) and route to it",
              vpc_id);
}

Result<ec2::CreateNetworkInsightsPathRequest> request_for(Session& session, End& from, End& to, const Port& port) {
  ec2::CreateNetworkInsightsPathRequest request{.Protocol = port.protocol, .DestinationPort = port.number};
  if (from.id.empty()) {
    if (to.vpc_id.empty())
      return fail("InvalidParameterValue", "One end has to be an instance or an interface: neither {} nor {} is",
                  from.label, to.label);
    BRUME_TRY(gateway, internet_gateway_of(session, to.vpc_id));
    from.id = gateway;
    if (!from.address.empty()) request.SourceIp = from.address;
  }
  request.Source = from.id;
  if (to.id.empty() && to.address.empty()) {
    if (from.vpc_id.empty())
      return fail("InvalidParameterValue", "One end has to be an instance or an interface: {} is none", from.label);
    BRUME_TRY(gateway, internet_gateway_of(session, from.vpc_id));
    to.id = gateway;
  }
  // A public address is reached from outside as its interface; from inside, as what it is: an address.
  if (!to.id.empty() && (to.address.empty() || from.id.starts_with("igw-"))) request.Destination = to.id;
  if (!to.address.empty()) request.DestinationIp = to.address;
  return request;
}

std::string token() {
  std::random_device random;
  return fmt::format("brume-reach-{:08x}{:08x}", random(), random());
}

// The path and the analysis are gone afterwards, whatever came of them.
Result<ec2::NetworkInsightsAnalysis> analyze(Session& session, ec2::CreateNetworkInsightsPathRequest request) {
  request.ClientToken = token();
  BRUME_TRY(made, session.ec2.CreateNetworkInsightsPath(session.call, request));
  const std::string path = *made.NetworkInsightsPath->NetworkInsightsPathId;
  const auto run = [&]() -> Result<ec2::NetworkInsightsAnalysis> {
    BRUME_TRY(started, session.ec2.StartNetworkInsightsAnalysis(
                           session.call, {.NetworkInsightsPathId = path, .ClientToken = token()}));
    const std::string id = *started.NetworkInsightsAnalysis->NetworkInsightsAnalysisId;
    auto found = session.ec2.DescribeNetworkInsightsAnalyses(session.call, {.NetworkInsightsAnalysisIds = {id}});
    auto deleted = session.ec2.DeleteNetworkInsightsAnalysis(session.call, {.NetworkInsightsAnalysisId = id});
    if (!found) return std::unexpected(std::move(found).error());
    if (!deleted) return std::unexpected(std::move(deleted).error());
    return found->NetworkInsightsAnalyses[0];
  };
  auto analysis = run();
  auto deleted = session.ec2.DeleteNetworkInsightsPath(session.call, {.NetworkInsightsPathId = path});
  if (analysis && !deleted) return std::unexpected(std::move(deleted).error());
  return analysis;
}

Result<int> reach(Session& session, const std::string& from_text, const std::string& to_text,
                  const std::string& port_text, bool json) {
  BRUME_TRY(port, parse_port(port_text));
  // An address that several VPCs have is looked for in the other end's.
  std::string vpc_id;
  if (is_address(from_text, AF_INET) && to_text != "internet" && !is_address(to_text, AF_INET)) {
    BRUME_TRY(other, find_end(session, to_text, ""));
    vpc_id = other.vpc_id;
  }
  BRUME_TRY(from, find_end(session, from_text, vpc_id));
  BRUME_TRY(to, find_end(session, to_text, from.vpc_id));
  BRUME_TRY(request, request_for(session, from, to, port));
  BRUME_TRY(analysis, analyze(session, request));
  if (json)
    std::printf("%s\n", to_json(analysis).c_str());
  else
    std::fputs(
        in_words(analysis, fmt::format("{} → {}, {} {}", from.label, to.label, port.protocol, port.number)).c_str(),
        stdout);
  return exit_status(analysis);
}

}  // namespace

int reach(const daemon::Settings& settings, const std::string& from, const std::string& to, const std::string& port,
          bool json) {
  const auto session = open_caller_session(settings);
  const auto status = session ? reach(**session, from, to, port, json) : Result<int>(std::unexpected(session.error()));
  if (status) return *status;
  report(status.error());
  return status.error().code == "Gateway.NotAttached" ? 1 : kCouldNotTell;
}

}  // namespace brume::cli
