#include "services/ec2/flow_log_format.h"

#include <fmt/format.h>

#include <algorithm>

#include "aws/call.h"
#include "services/ec2/refusals.h"

namespace brume::ec2 {
namespace {

constexpr const char* kNothing = "-";
// No packet is longer (the links' MTU). The kernel forwards several of a TCP flow in one piece, and counts it as one.
constexpr std::uint64_t kLongestPacket = 9001;

const net::PacketCount& count_of(const FlowLine& line) {
  return line.accepted ? line.flow->accepted : line.flow->rejected;
}

std::string or_nothing(const std::string& text) {
  return text.empty() ? kNothing : text;
}

template <typename F>
std::string of_flow(const FlowLine& line, F tell) {
  return line.flow ? fmt::format("{}", tell(*line.flow)) : kNothing;
}

// The interface's side of a flow is told by its own primary address, whatever the packet had.
std::string address(const FlowLine& line, bool source) {
  if (!line.flow) return kNothing;
  const net::Flow& flow = *line.flow;
  const std::string& packets = source ? flow.source : flow.destination;
  if (flow.egress != source) return packets;
  const auto own = std::ranges::find_if(line.interface.addresses, [&](const std::string& address) {
    return (address.find(':') != std::string::npos) == flow.ipv6;
  });
  return own == line.interface.addresses.end() ? packets : *own;
}

}  // namespace

struct FlowLogFormat::Field {
  const char* name;
  int version;
  Tell tell;  // none: Brume cannot
};

const FlowLogFormat::Field FlowLogFormat::kFields[] = {
    {"version", 2, [](const FlowLine&, int version) { return std::to_string(version); }},
    {"account-id", 2, [](const FlowLine&, int) { return std::string(aws::kAccount); }},
    {"interface-id", 2, [](const FlowLine& line, int) { return line.interface.id; }},
    {"srcaddr", 2, [](const FlowLine& line, int) { return address(line, true); }},
    {"dstaddr", 2, [](const FlowLine& line, int) { return address(line, false); }},
    {"srcport", 2,
     [](const FlowLine& line, int) { return of_flow(line, [](const net::Flow& flow) { return flow.source_port; }); }},
    {"dstport", 2,
     [](const FlowLine& line, int) {
       return of_flow(line, [](const net::Flow& flow) { return flow.destination_port; });
     }},
    {"protocol", 2,
     [](const FlowLine& line, int) { return of_flow(line, [](const net::Flow& flow) { return flow.protocol; }); }},
    {"packets", 2,
     [](const FlowLine& line, int) {
       return of_flow(line, [&](const net::Flow&) {
         const net::PacketCount& count = count_of(line);
         return std::max(count.packets, (count.bytes + kLongestPacket - 1) / kLongestPacket);
       });
     }},
    {"bytes", 2,
     [](const FlowLine& line, int) { return of_flow(line, [&](const net::Flow&) { return count_of(line).bytes; }); }},
    {"start", 2, [](const FlowLine& line, int) { return std::to_string(line.begin); }},
    {"end", 2, [](const FlowLine& line, int) { return std::to_string(line.end); }},
    {"action", 2,
     [](const FlowLine& line, int) {
       return of_flow(line, [&](const net::Flow&) { return line.accepted ? "ACCEPT" : "REJECT"; });
     }},
    {"log-status", 2, [](const FlowLine& line, int) { return std::string(line.status); }},
    {"vpc-id", 3, [](const FlowLine& line, int) { return line.interface.vpc_id; }},
    {"subnet-id", 3, [](const FlowLine& line, int) { return line.interface.subnet_id; }},
    {"instance-id", 3, [](const FlowLine& line, int) { return or_nothing(line.interface.instance_id); }},
    {"tcp-flags", 3,
     [](const FlowLine& line, int) { return of_flow(line, [](const net::Flow& flow) { return flow.tcp_flags; }); }},
    {"type", 3,
     [](const FlowLine& line, int) {
       return of_flow(line, [](const net::Flow& flow) { return flow.ipv6 ? "IPv6" : "IPv4"; });
     }},
    {"pkt-srcaddr", 3,
     [](const FlowLine& line, int) { return of_flow(line, [](const net::Flow& flow) { return flow.source; }); }},
    {"pkt-dstaddr", 3,
     [](const FlowLine& line, int) { return of_flow(line, [](const net::Flow& flow) { return flow.destination; }); }},
    {"region", 4, [](const FlowLine& line, int) { return std::string(line.region); }},
    {"az-id", 4, [](const FlowLine& line, int) { return or_nothing(line.interface.az_id); }},
    // There are no sublocations, and no addresses of AWS's own services.
    {"sublocation-type", 4, [](const FlowLine&, int) { return std::string(kNothing); }},
    {"sublocation-id", 4, [](const FlowLine&, int) { return std::string(kNothing); }},
    {"pkt-src-aws-service", 5, [](const FlowLine&, int) { return std::string(kNothing); }},
    {"pkt-dst-aws-service", 5, [](const FlowLine&, int) { return std::string(kNothing); }},
    {"flow-direction", 5,
     [](const FlowLine& line, int) {
       return of_flow(line, [](const net::Flow& flow) { return flow.egress ? "egress" : "ingress"; });
     }},
    {"traffic-path", 5, nullptr},
    {"ecs-cluster-arn", 7, nullptr},
    {"ecs-cluster-name", 7, nullptr},
    {"ecs-container-instance-arn", 7, nullptr},
    {"ecs-container-instance-id", 7, nullptr},
    {"ecs-container-id", 7, nullptr},
    {"ecs-second-container-id", 7, nullptr},
    {"ecs-service-name", 7, nullptr},
    {"ecs-task-definition-arn", 7, nullptr},
    {"ecs-task-arn", 7, nullptr},
    {"ecs-task-id", 7, nullptr},
    {"reject-reason", 8, nullptr},
};

Result<FlowLogFormat> FlowLogFormat::parse(std::string_view text) {
  constexpr std::size_t kMostText = 4096;
  FlowLogFormat format;
  if (text.size() > kMostText)
    return fail("InvalidParameter", "The LogFormat is longer than {} characters.", kMostText);
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find(' ', start), text.size());
    std::string_view name = text.substr(start, end - start);
    start = end + 1;
    if (name.empty()) continue;
    if (name.size() < 4 || !name.starts_with("${") || !name.ends_with('}'))
      return fail("InvalidParameter", "Invalid LogFormat: '{}' is not of the form ${{field-id}}.", name);
    name = name.substr(2, name.size() - 3);
    const auto field = std::ranges::find_if(kFields, [&](const Field& known) { return known.name == name; });
    if (field == std::end(kFields)) return fail("InvalidParameter", "Unknown fields provided in LogFormat: {}.", name);
    BRUME_CHECK(refuse(fmt::format("LogFormat with the field {}", name), field->tell == nullptr));
    format.fields_.push_back(field->tell);
    format.version_ = std::max(format.version_, field->version);
  }
  if (format.fields_.empty()) return fail("InvalidParameter", "The LogFormat must have at least one field.");
  return format;
}

std::string FlowLogFormat::line(const FlowLine& facts) const {
  std::string out;
  for (const Tell tell : fields_) {
    if (!out.empty()) out += ' ';
    out += tell(facts, version_);
  }
  return out;
}

}  // namespace brume::ec2
