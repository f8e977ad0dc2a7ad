// One packet's walk through VPCs: its hops, up to where it arrives or can go no further.
//
// Pure. A block by groups or an ACL does not end the walk, so that all of them show; one of routing does. Leaves to
// reachability.h which packets are tried.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "net/reachability.h"
#include "net/verdict.h"

namespace brume::net {

struct WalkingPacket {
  std::string source, destination;
  int protocol = 6;
  int port = 0;  // destination
};

class Walk {
 public:
  // Addresses that a gateway exchanged, so that the reply finds back.
  struct Translation {
    std::string vpc_id;
    std::string by;  // nat-…, eni-… of an instance that routes, or empty: the internet gateway
    std::string inside, outside;
  };
  // Where the walk came into a VPC from: what the reply has to leave by.
  struct Way {
    HopKind kind = HopKind::interface;  // interface: from the VPC itself
    std::string id;                     // pcx-…
  };

  // `end`: a peering or a gateway that is the destination, and is walked no further than to; may be null.
  Walk(const ReachableVpcs& vpcs, WalkingPacket packet, const Place* end)
      : vpcs_(vpcs), packet_(std::move(packet)), end_(end) {}
  // The reply to what `forward` brought to where it ended, walked from there. `end` as above.
  static Walk reply_to(const Walk& forward, int port, const Place* end);

  void from_interface(const std::string& vpc_id, const std::string& interface_id);
  // `expected`: the interface that the packet is for, so that the walk goes on even if its address is not public.
  void from_internet(const std::string& vpc_id, const std::string& expected);
  // Into `vpc_id`, of the two that it joins.
  void from_peering(const std::string& vpc_id, const std::string& peering_id);

  [[nodiscard]] const std::vector<Hop>& hops() const { return hops_; }
  [[nodiscard]] int blocks() const;  // hops that stop the packet
  // Where it ended; the kind `address` if nowhere.
  [[nodiscard]] const Place& arrived() const { return arrived_; }
  // Marks the last hop, if the walk ended elsewhere than it should have.
  void block(std::string_view code);

 private:
  [[nodiscard]] const ReachableVpc& vpc(const std::string& id) const { return vpcs_.at(id); }
  // A hop with the packet's addresses as they are now.
  Hop& add(Hop hop);
  // The last hop has changed the packet's addresses.
  void exchanged();

  void leave(const std::string& vpc_id, const PolicyInterface& interface, bool first);
  void deliver(const std::string& vpc_id, const PolicyInterface* from, const PolicyInterface& to);
  // The stages of judge() on the sender's side (`egress`) or the receiver's, as hops.
  // `towards`: the peering by which it leaves the VPC.
  void judged(const std::string& vpc_id, const PolicyInterface* from, const PolicyInterface* to, bool egress,
              const std::string& towards = "");
  // The peering by which what follows the table leaves, also behind a NAT gateway; empty: by none.
  [[nodiscard]] std::string peering_towards(const std::string& vpc_id, const std::string& table) const;
  // The ACL of a NAT gateway's subnet, as a hop.
  void judged_at(const std::string& vpc_id, const NatGateway& nat, bool egress);
  void through_internet_gateway(const std::string& vpc_id, const NatGateway* nat);
  // Of IPv6; it lets nothing in but replies.
  void through_egress_only_gateway(const std::string& vpc_id, const std::string& id);
  void through_nat_gateway(const std::string& vpc_id, const std::string& nat_id);
  void through_peering(const std::string& vpc_id, const std::string& peering_id);
  void through_interface(const std::string& vpc_id, const PolicyInterface& from, const std::string& router_id);
  // Came in from beyond the VPC; a reply's destination is exchanged for what stands behind it.
  void enter(const std::string& vpc_id);
  bool take_back_translation(const std::string& vpc_id);
  // A hop for the route that the table has for the destination; the route, or null if the packet ends there.
  const Route* look_up(const std::string& vpc_id, const std::string& table);
  [[nodiscard]] bool wrong_way_back(const std::string& vpc_id, const Route& route) const;

  const ReachableVpcs& vpcs_;
  WalkingPacket packet_;
  const Place* end_ = nullptr;
  bool reply_ = false;
  std::vector<Hop> hops_;
  Place arrived_{.kind = PlaceKind::address, .id = "", .vpc_id = "", .address = ""};
  std::vector<Translation> translations_;
  std::map<std::string, Way> ways_;   // by VPC
  std::vector<std::string> routers_;  // that the packet has passed
};

}  // namespace brume::net
