#include "services/ec2/flow_log_records.h"

#include <gtest/gtest.h>

namespace brume::ec2 {
namespace {

const FlowInterface kWeb{.id = "eni-1",
                         .vpc_id = "vpc-1",
                         .subnet_id = "subnet-1",
                         .az_id = "apse1-az1",
                         .instance_id = "i-1",
                         .addresses = {"10.0.1.10", "10.0.1.11", "fd00::10"}};
const FlowInterface kNode{.id = "eni-2",
                          .vpc_id = "vpc-1",
                          .subnet_id = "subnet-2",
                          .az_id = "",
                          .instance_id = "",
                          .addresses = {"10.0.2.20"},
                          .node = true};

net::Flow flow(bool egress) {
  return {.interface_id = "eni-1",
          .egress = egress,
          .source = egress ? "10.0.1.10" : "10.0.2.20",
          .destination = egress ? "10.0.2.20" : "10.0.1.10",
          .protocol = 6,
          .source_port = egress ? 80 : 4000,
          .destination_port = egress ? 4000 : 80,
          .tcp_flags = egress ? 18 : 2,
          .accepted = {3, 180},
          .rejected = {2, 120}};
}

std::string line(const std::string& format, const FlowLine& facts) {
  const auto parsed = FlowLogFormat::parse(format);
  return parsed ? parsed->line(facts) : parsed.error().message;
}

TEST(FlowLogFormat, TheDefaultIsAwsVersion2) {
  const net::Flow in = flow(false), out = flow(true);
  FlowLine facts{.interface = kWeb, .region = "ap-southeast-1", .begin = 1764012345, .end = 1764012405, .flow = &in};
  facts.accepted = true;
  EXPECT_EQ(line(kDefaultFlowLogFormat, facts),
            "2 000000000000 eni-1 10.0.2.20 10.0.1.10 4000 80 6 3 180 1764012345 1764012405 ACCEPT OK");
  facts.flow = &out;
  facts.accepted = false;
  EXPECT_EQ(line(kDefaultFlowLogFormat, facts),
            "2 000000000000 eni-1 10.0.1.10 10.0.2.20 80 4000 6 2 120 1764012345 1764012405 REJECT OK");
  facts.flow = nullptr;
  facts.status = "NODATA";
  EXPECT_EQ(line(kDefaultFlowLogFormat, facts), "2 000000000000 eni-1 - - - - - - - 1764012345 1764012405 - NODATA");
}

TEST(FlowLogFormat, Fields) {
  const net::Flow in = flow(false), out = flow(true);
  net::Flow routed = flow(true), second = flow(false), large = flow(true), ipv6 = flow(true);
  routed.source = "192.0.2.1";
  second.destination = "10.0.1.11";
  large.accepted = {2, 65536};
  ipv6.ipv6 = true;
  ipv6.source = "fd00::11";
  ipv6.destination = "fd00::20";
  struct Case {
    const FlowInterface& interface;
    const net::Flow* flow;
    const char* format;
    const char* line;
  };
  const Case cases[] = {
      {kWeb, &in, "${version} ${srcaddr}", "2 10.0.2.20"},
      {kWeb, &in, "${vpc-id} ${subnet-id} ${instance-id} ${version}", "vpc-1 subnet-1 i-1 3"},
      {kWeb, &in, "${region}  ${az-id} ${version}", "ap-southeast-1 apse1-az1 4"},
      {kWeb, &in, "${flow-direction} ${version} ${version}", "ingress 5 5"},
      {kWeb, &out, "${flow-direction} ${type} ${tcp-flags}", "egress IPv4 18"},
      {kWeb, &out, "${sublocation-type} ${sublocation-id} ${pkt-src-aws-service} ${pkt-dst-aws-service}", "- - - -"},
      {kNode, &in, "${instance-id} ${az-id}", "- -"},
      // The interface's side is told by its primary address.
      {kWeb, &routed, "${srcaddr} ${pkt-srcaddr} ${dstaddr} ${pkt-dstaddr}", "10.0.1.10 192.0.2.1 10.0.2.20 10.0.2.20"},
      {kWeb, &second, "${srcaddr} ${pkt-srcaddr} ${dstaddr} ${pkt-dstaddr}", "10.0.2.20 10.0.2.20 10.0.1.10 10.0.1.11"},
      {kWeb, &ipv6, "${srcaddr} ${pkt-srcaddr} ${dstaddr} ${type}", "fd00::10 fd00::11 fd00::20 IPv6"},
      {kNode, &ipv6, "${srcaddr}", "fd00::11"},
      // No packet is longer than the links' MTU.
      {kWeb, &large, "${packets} ${bytes}", "8 65536"},
      {kWeb, nullptr, "${interface-id} ${vpc-id} ${srcaddr} ${pkt-srcaddr} ${tcp-flags} ${type} ${flow-direction}",
       "eni-1 vpc-1 - - - - -"},
  };
  for (const Case& c : cases)
    EXPECT_EQ(line(c.format, {.interface = c.interface,
                              .region = "ap-southeast-1",
                              .begin = 1,
                              .end = 2,
                              .flow = c.flow,
                              .accepted = true}),
              c.line)
        << c.format;
}

TEST(FlowLogFormat, WhatIsNone) {
  struct Case {
    std::string text;
    const char* code;
  };
  const Case cases[] = {
      {"", "InvalidParameter"},
      {"${}", "InvalidParameter"},
      {"${version", "InvalidParameter"},
      {"${version}${start}", "InvalidParameter"},
      {"${Version}", "InvalidParameter"},
      {"${version},${start}", "InvalidParameter"},
      {std::string(5000, ' '), "InvalidParameter"},
      {"${ecs-task-id}", "UnsupportedOperation"},
      {"${reject-reason}", "UnsupportedOperation"},
  };
  for (const Case& c : cases) {
    const auto parsed = FlowLogFormat::parse(c.text);
    ASSERT_FALSE(parsed) << c.text;
    EXPECT_EQ(parsed.error().code, c.code) << c.text;
  }
}

FlowLog log_of(const std::string& resource, const std::string& type, const std::string& group) {
  return {.FlowLogId = "fl-" + resource + type,
          .LogGroupName = group,
          .ResourceId = resource,
          .TrafficType = type,
          .LogFormat = "${interface-id} ${action} ${packets} ${log-status}"};
}

// "group/stream: line; line" of each.
std::vector<std::string> shown(const FlowLogging& logging, const net::FlowPeriod& period) {
  std::vector<std::string> out;
  for (const FlowDelivery& delivery : deliveries_of(logging, "ap-southeast-1", period)) {
    std::string text = delivery.group + "/" + delivery.stream + ":";
    for (const services::LogEvent& event : delivery.events) {
      text += " " + event.message + ";";
      EXPECT_EQ(event.time, Timestamp(std::chrono::seconds(period.begin)));
    }
    out.push_back(text);
  }
  return out;
}

using Lines = std::vector<std::string>;

TEST(FlowLogRecords, EachLogHasWhatItIsFor) {
  net::Flow accepted = flow(false), rejected = flow(true);
  accepted.rejected = {};
  rejected.accepted = {};
  const net::FlowPeriod both{.begin = 60, .end = 120, .flows = {accepted, rejected}};
  const std::map<std::string, FlowInterface> interfaces = {{"eni-1", kWeb}, {"eni-2", kNode}};
  struct Case {
    FlowLog log;
    net::FlowPeriod period;
    Lines deliveries;
  };
  const Case cases[] = {
      {log_of("vpc-1", "ALL", "g"),
       both,
       {"g/eni-1-all: eni-1 ACCEPT 3 OK; eni-1 REJECT 2 OK;", "g/eni-2-all: eni-2 - - NODATA;"}},
      {log_of("subnet-1", "ACCEPT", "g"), both, {"g/eni-1-accept: eni-1 ACCEPT 3 OK;"}},
      {log_of("eni-1", "REJECT", "h"), both, {"h/eni-1-reject: eni-1 REJECT 2 OK;"}},
      {log_of("subnet-2", "REJECT", "h"), both, {"h/eni-2-reject: eni-2 - - NODATA;"}},
      {log_of("subnet-9", "ALL", "g"), both, {}},
      // There was traffic, but none of the type: nothing to say.
      {log_of("eni-1", "REJECT", "g"), {.begin = 60, .end = 120, .flows = {accepted}}, {}},
      {log_of("eni-1", "ALL", "g"),
       {.begin = 60, .end = 120, .flows = {accepted}, .skipped = {"eni-1"}},
       {"g/eni-1-all: eni-1 ACCEPT 3 OK; eni-1 - - SKIPDATA;"}},
      {log_of("eni-1", "ALL", "g"),
       {.begin = 60, .end = 120, .skipped = {"eni-1"}},
       {"g/eni-1-all: eni-1 - - SKIPDATA;"}},
  };
  for (const Case& c : cases)
    EXPECT_EQ(shown({.logs = {c.log}, .interfaces = interfaces}, c.period), c.deliveries)
        << *c.log.ResourceId << " " << *c.log.TrafficType;
}

TEST(FlowLogRecords, AFlowThatWasAcceptedAndRejectedHasTwo) {
  EXPECT_EQ(shown({.logs = {log_of("vpc-1", "ALL", "g")}, .interfaces = {{"eni-1", kWeb}}},
                  {.begin = 60, .end = 120, .flows = {flow(true)}}),
            Lines{"g/eni-1-all: eni-1 ACCEPT 3 OK; eni-1 REJECT 2 OK;"});
}

TEST(FlowLogRecords, TheWatchIsOfTheInterfacesThatALogConcerns) {
  const net::FlowWatch watch = watch_of("vpc-1", {.logs = {}, .interfaces = {{"eni-1", kWeb}, {"eni-2", kNode}}});
  EXPECT_EQ(watch, (net::FlowWatch{.vpc_id = "vpc-1",
                                   .interfaces = {{"eni-1", {"10.0.1.10", "10.0.1.11", "fd00::10"}, false},
                                                  {"eni-2", {"10.0.2.20"}, true}}}));
}

}  // namespace
}  // namespace brume::ec2
