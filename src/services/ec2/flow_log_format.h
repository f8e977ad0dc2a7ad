// Flow log records as texts: the fields that a format names, and a line of them (VPC user guide, "Flow log records").
//
// Pure. The default format is version 2; a custom one has the highest version of its fields. What a line cannot tell is
// "-".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/flows.h"

namespace brume::ec2 {

inline constexpr const char* kDefaultFlowLogFormat =
    "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} "
    "${bytes} ${start} ${end} ${action} ${log-status}";

// What a record says of its interface.
struct FlowInterface {
  std::string id, vpc_id, subnet_id, az_id;
  std::string instance_id;             // empty: none
  std::vector<std::string> addresses;  // private ones, the primary first; IPv4 and IPv6
  bool node = false;                   // a load balancer's
  bool operator==(const FlowInterface&) const = default;
};

// One line's facts.
struct FlowLine {
  const FlowInterface& interface;
  std::string_view region;
  std::int64_t begin = 0, end = 0;
  const net::Flow* flow = nullptr;  // none: the line tells of the interface only
  bool accepted = false;            // which of the flow's counters
  std::string_view status = "OK";   // or NODATA, SKIPDATA
};

class FlowLogFormat {
 public:
  // Errors: InvalidParameter; UnsupportedOperation (501) for a field that AWS has and Brume cannot tell.
  static Result<FlowLogFormat> parse(std::string_view text);
  [[nodiscard]] std::string line(const FlowLine& facts) const;

 private:
  using Tell = std::string (*)(const FlowLine& line, int version);
  struct Field;
  static const Field kFields[];

  std::vector<Tell> fields_;
  int version_ = 2;
};

}  // namespace brume::ec2
