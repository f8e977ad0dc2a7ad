// Which interfaces a VPC's flow logs concern, and what is to be written of what was counted.
//
// Pure: of the tables, and of counters. An interface has a stream in each log group, "<eni>-all", "-accept" or
// "-reject"; a flow log has records of what its traffic type names. Every period has a line of each interface: of its
// flows, SKIPDATA where some were not counted, NODATA where there was no traffic.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ec2/shapes.h"
#include "services/common/log_sink.h"
#include "services/ec2/flow_log_format.h"
#include "services/ec2/network_state.h"

namespace brume::ec2 {

// What is to be logged of a VPC.
struct FlowLogging {
  std::vector<FlowLog> logs;                        // in the order of their ids
  std::map<std::string, FlowInterface> interfaces;  // that one of the logs concerns, by id
};

// The VPC of a flow log's resource; nothing if the resource is gone.
std::optional<std::string> vpc_of_flow_log(const NetworkState& state, const FlowLog& log);
// Empty if nothing in the VPC carries packets. A NAT gateway's interface is not in it: the kernel has none.
FlowLogging flow_logging_of(const NetworkState& state, const std::string& vpc_id);
net::FlowWatch watch_of(const std::string& vpc_id, const FlowLogging& logging);

struct FlowDelivery {
  std::string flow_log_id;
  std::string group, stream;
  std::vector<services::LogEvent> events;
};
std::vector<FlowDelivery> deliveries_of(const FlowLogging& logging, const std::string& region,
                                        const net::FlowPeriod& period);

}  // namespace brume::ec2
