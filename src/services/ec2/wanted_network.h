// What the fabric should have of each VPC, from the tables, kept from one look to the next.
//
// A look at a VPC reads the rows of interfaces that changed (store::Changes) and compares each with what was seen of it
// last; only what differs is made anew, and the values that are answered share the rest with those answered before
// (base/shared_map.h). The table itself says what changed, so nothing is lost: the answer is always what policy_of()
// and routing_of() make of the tables. Instances come and go by others' word; of them this knows whose interfaces may
// have changed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/shared_map.h"
#include "net/fabric.h"
#include "services/ec2/network_state.h"

namespace brume::ec2 {

using InterfaceSpecs = std::map<std::string, net::InterfaceSpec>;  // by id

struct WantedVpc {
  bool exists = false;
  net::VpcSpec vpc;
  net::Policy policy;
  net::Routing routing;  // not to peers that nothing is in
  SharedMap<std::string, net::NodeSpec> nodes = {};
};

// Those of an instance, as they are attached now.
InterfaceSpecs interface_specs(const NetworkState& state, const std::string& instance_id);

class WantedNetwork {
 public:
  explicit WantedNetwork(NetworkState& state) : state_(state), changed_(state.network_interfaces) {}
  WantedNetwork(const WantedNetwork&) = delete;
  WantedNetwork& operator=(const WantedNetwork&) = delete;

  WantedVpc look(const std::string& vpc_id);
  // Instances of the VPC whose interfaces differ since this was last asked: at the last look(), or by touch().
  std::set<std::string> take_touched(const std::string& vpc_id);
  void touch(const std::string& vpc_id, const std::string& instance_id) { touched_[vpc_id].insert(instance_id); }

 private:
  // What of an interface's row matters here.
  struct Facts {
    std::string vpc_id, subnet_id, instance_id, mac, type, requester;
    int device_index = -1;  // -1: not attached
    bool source_dest_check = true;
    std::vector<std::string> addresses;  // private ones, each followed by its public one or ""
    std::vector<std::string> ipv6_addresses, groups;
    bool operator==(const Facts&) const = default;
  };
  // Of one VPC, by interface and group.
  struct Kept {
    // What changes with rules, routes and subnets, and of which version of their tables it is.
    std::optional<std::uint64_t> version;
    bool follows_interfaces = false;  // then their table counts too
    net::VpcSpec vpc;
    net::Policy rules;    // without interfaces
    net::Routing routes;  // without public addresses

    SharedMap<std::string, net::PolicyInterface> interfaces;
    SharedMap<std::string, net::NodeSpec> nodes;
    SharedSet<net::PublicAddress> addresses;
  };

  static Facts facts_of(const NetworkInterface& record);
  void read_interfaces();
  void read_rules(const std::string& vpc_id, Kept& kept);
  void forget(const std::string& id, const Facts& facts);
  void note(const std::string& id, const NetworkInterface& record);

  NetworkState& state_;
  store::Changes changed_;
  std::map<std::string, Facts> seen_;  // by interface
  std::map<std::string, Kept> kept_;   // by VPC
  std::map<std::string, std::set<std::string>> touched_;
};

}  // namespace brume::ec2
