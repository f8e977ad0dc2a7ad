// What ELBv2 keeps.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "elbv2/shapes.h"

namespace brume::elbv2 {

using Attributes = std::map<std::string, std::string>;

// A load balancer's foothold in one subnet.
struct NodeRecord {
  std::string zone, subnet, network_interface, address;
};

struct LoadBalancerRecord {
  LoadBalancer load_balancer;
  Attributes attributes;  // all of them, defaults included
  List<Tag> tags;
  std::vector<NodeRecord> nodes;
  std::string listen_address;  // on the host: 0.0.0.0 for the first, a loopback address of its own for others
};

struct TargetRecord {
  TargetDescription target;  // as registered, Port filled in
  std::string zone, address;
  std::int32_t port = 0;
  std::optional<Timestamp> draining_since;
};

struct TargetGroupRecord {
  TargetGroup target_group;  // without LoadBalancerArns
  Attributes attributes;
  List<Tag> tags;
  std::vector<TargetRecord> targets;
};

struct ListenerRecord {
  Listener listener;
  Attributes attributes;
  List<Tag> tags;
};

struct RuleRecord {
  Rule rule;
  std::string listener;  // ARN
  List<Tag> tags;
};

}  // namespace brume::elbv2

BRUME_RECORD(brume::elbv2::NodeRecord, zone, subnet, network_interface, address)
BRUME_RECORD(brume::elbv2::LoadBalancerRecord, load_balancer, attributes, tags, nodes, listen_address)
BRUME_RECORD(brume::elbv2::TargetRecord, target, zone, address, port, draining_since)
BRUME_RECORD(brume::elbv2::TargetGroupRecord, target_group, attributes, tags, targets)
BRUME_RECORD(brume::elbv2::ListenerRecord, listener, attributes, tags)
BRUME_RECORD(brume::elbv2::RuleRecord, rule, listener, tags)
