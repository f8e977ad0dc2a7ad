#include "services/ec2/flow_log_records.h"

#include <algorithm>

namespace brume::ec2 {
namespace {

bool concerns(const FlowLog& log, const FlowInterface& interface) {
  return log.ResourceId == interface.id || log.ResourceId == interface.subnet_id || log.ResourceId == interface.vpc_id;
}

FlowInterface interface_of(const NetworkState& state, const NetworkInterface& record) {
  FlowInterface interface{.id = *record.NetworkInterfaceId,
                          .vpc_id = record.VpcId.value_or(""),
                          .subnet_id = record.SubnetId.value_or(""),
                          .az_id = "",
                          .instance_id = record.Attachment->InstanceId.value_or(""),
                          .addresses = {record.PrivateIpAddress.value_or("")},
                          .node = is_node(record)};
  if (const Subnet* subnet = state.subnets.find(interface.subnet_id))
    interface.az_id = subnet->AvailabilityZoneId.value_or("");
  for (const NetworkInterfacePrivateIpAddress& address : record.PrivateIpAddresses)
    if (address.PrivateIpAddress != record.PrivateIpAddress)
      interface.addresses.push_back(address.PrivateIpAddress.value_or(""));
  for (const NetworkInterfaceIpv6Address& address : record.Ipv6Addresses)
    interface.addresses.push_back(address.Ipv6Address.value_or(""));
  return interface;
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
  return text;
}

}  // namespace

std::optional<std::string> vpc_of_flow_log(const NetworkState& state, const FlowLog& log) {
  std::string id = log.ResourceId.value_or("");
  if (state.vpcs.contains(id)) return id;
  if (const Subnet* subnet = state.subnets.find(id)) return subnet->VpcId;
  if (const NetworkInterface* interface = state.network_interfaces.find(id)) return interface->VpcId;
  return std::nullopt;
}

FlowLogging flow_logging_of(const NetworkState& state, const std::string& vpc_id) {
  FlowLogging logging;
  if (!is_used(state, vpc_id)) return logging;
  for (const auto& [id, record] : state.flow_logs.rows())
    if (vpc_of_flow_log(state, record.log) == vpc_id) logging.logs.push_back(record.log);
  if (logging.logs.empty()) return logging;
  for (const auto& [id, record] : state.network_interfaces.rows()) {
    if (record.VpcId != vpc_id || !record.Attachment || record.InterfaceType == kNatGatewayInterface) continue;
    FlowInterface interface = interface_of(state, record);
    if (std::ranges::any_of(logging.logs, [&](const FlowLog& log) { return concerns(log, interface); }))
      logging.interfaces.emplace(id, std::move(interface));
  }
  return logging;
}

net::FlowWatch watch_of(const std::string& vpc_id, const FlowLogging& logging) {
  net::FlowWatch watch{.vpc_id = vpc_id, .interfaces = {}};
  for (const auto& [id, interface] : logging.interfaces)
    watch.interfaces.push_back({.id = id, .addresses = interface.addresses, .node = interface.node});
  return watch;
}

std::vector<FlowDelivery> deliveries_of(const FlowLogging& logging, const std::string& region,
                                        const net::FlowPeriod& period) {
  std::map<std::string, std::vector<const net::Flow*>> flows;
  for (const net::Flow& flow : period.flows) flows[flow.interface_id].push_back(&flow);
  std::vector<FlowDelivery> deliveries;
  for (const FlowLog& log : logging.logs) {
    const auto format = FlowLogFormat::parse(log.LogFormat.value_or(kDefaultFlowLogFormat));
    if (!format) continue;  // it was checked when the log was made
    const std::string type = log.TrafficType.value_or("ALL");
    for (const auto& [id, interface] : logging.interfaces) {
      if (!concerns(log, interface)) continue;
      FlowDelivery delivery{.flow_log_id = log.FlowLogId.value_or(""),
                            .group = log.LogGroupName.value_or(""),
                            .stream = id + "-" + lower(type),
                            .events = {}};
      FlowLine line{.interface = interface, .region = region, .begin = period.begin, .end = period.end};
      const auto write = [&] {
        delivery.events.push_back({Timestamp(std::chrono::seconds(period.begin)), format->line(line)});
      };
      const auto found = flows.find(id);
      if (found != flows.end()) {
        for (const net::Flow* flow : found->second) {
          line.flow = flow;
          for (const bool accepted : {true, false}) {
            if ((accepted ? flow->accepted : flow->rejected).packets == 0) continue;
            if (type != "ALL" && (type == "ACCEPT") != accepted) continue;
            line.accepted = accepted;
            write();
          }
        }
      }
      line.flow = nullptr;
      const bool skipped = period.skipped.contains(id);
      line.status = skipped ? "SKIPDATA" : "NODATA";
      if (skipped || found == flows.end()) write();
      if (!delivery.events.empty()) deliveries.push_back(std::move(delivery));
    }
  }
  return deliveries;
}

}  // namespace brume::ec2
