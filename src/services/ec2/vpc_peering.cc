// VPC peerings: between two VPCs of this machine, also of different regions.
//
// A peering has a row in the table of each of its two regions; both change in one transaction.
#include <utility>

#include "aws/call.h"
#include "services/ec2/filters.h"
#include "services/ec2/network_operations.h"
#include "services/ec2/refusals.h"

namespace brume::ec2 {
namespace {

using Connection = VpcPeeringConnection;

// A request waits for a week; what came to nothing is shown for two hours (VPC peering guide, "lifecycle").
constexpr std::chrono::hours kAcceptable{7 * 24}, kEndedVisible{2};

constexpr FilterField<Connection> kFilters[] = {
    {"vpc-peering-connection-id", [](const Connection& c) { return value(c.VpcPeeringConnectionId); }},
    {"status-code", [](const Connection& c) { return value(c.Status->Code); }},
    {"status-message", [](const Connection& c) { return value(c.Status->Message); }},
    {"accepter-vpc-info.cidr-block", [](const Connection& c) { return value(c.AccepterVpcInfo->CidrBlock); }},
    {"accepter-vpc-info.owner-id", [](const Connection& c) { return value(c.AccepterVpcInfo->OwnerId); }},
    {"accepter-vpc-info.vpc-id", [](const Connection& c) { return value(c.AccepterVpcInfo->VpcId); }},
    {"requester-vpc-info.cidr-block", [](const Connection& c) { return value(c.RequesterVpcInfo->CidrBlock); }},
    {"requester-vpc-info.owner-id", [](const Connection& c) { return value(c.RequesterVpcInfo->OwnerId); }},
    {"requester-vpc-info.vpc-id", [](const Connection& c) { return value(c.RequesterVpcInfo->VpcId); }},
};

NetworkState* region_of(NetworkState& state, const std::string& name) {
  for (NetworkState* region : state.all_regions())
    if (region->context.region == name) return region;
  return nullptr;
}

VpcPeeringConnectionVpcInfo info_of(const NetworkState& state, const Vpc& vpc) {
  VpcPeeringConnectionVpcInfo info{.CidrBlock = vpc.CidrBlock,
                                   .OwnerId = aws::kAccount,
                                   .PeeringOptions = VpcPeeringConnectionOptionsDescription{false, false, false},
                                   .VpcId = vpc.VpcId,
                                   .Region = state.context.region};
  for (const VpcCidrBlockAssociation& block : vpc.CidrBlockAssociationSet)
    info.CidrBlockSet.push_back({.CidrBlock = block.CidrBlock});
  for (const VpcIpv6CidrBlockAssociation& block : vpc.Ipv6CidrBlockAssociationSet)
    info.Ipv6CidrBlockSet.push_back({.Ipv6CidrBlock = block.Ipv6CidrBlock});
  return info;
}

bool overlap(const Vpc& a, const Vpc& b) {
  return std::ranges::any_of(a.CidrBlockAssociationSet, [&](const auto& one) {
    return std::ranges::any_of(b.CidrBlockAssociationSet, [&](const auto& other) {
      return parse_cidr(*one.CidrBlock)->overlaps(*parse_cidr(*other.CidrBlock));
    });
  });
}

// As it is at `now`: a request that nobody took has expired.
Connection at(const PeeringRecord& record, Timestamp now) {
  Connection shape = record.connection;
  if (shape.Status->Code == "pending-acceptance" && shape.ExpirationTime && *shape.ExpirationTime <= now)
    shape.Status = VpcPeeringConnectionStateReason{.Code = "expired", .Message = "Expired"};
  return shape;
}

bool is_forgotten(const PeeringRecord& record, Timestamp now) {
  return (record.ended_at && now - *record.ended_at > kEndedVisible) ||
         (at(record, now).Status->Code == "expired" && now - *record.connection.ExpirationTime > kEndedVisible);
}

Connection describe(const NetworkState& state, const PeeringRecord& record) {
  Connection shape = at(record, state.context.env.clock.wall());
  shape.Tags = state.tags.of(*shape.VpcPeeringConnectionId);
  shape.Tags.set_present();
  return shape;
}

void forget_old(NetworkState& state) {
  std::vector<std::string> old;
  for (const auto& [id, record] : state.peerings.rows())
    if (is_forgotten(record, state.context.env.clock.wall())) old.push_back(id);
  for (const std::string& id : old) {
    state.tags.erase_all(id);
    state.peerings.erase(id);
  }
}

// Sets the status in both regions and tells both VPCs.
void set_status(NetworkState& state, const std::string& id, const char* code, const std::string& message, bool ended) {
  const PeeringRecord before = *state.peerings.find(id);
  for (NetworkState* region : state.all_regions())
    if (region->peerings.contains(id))
      region->peerings.modify(id, [&](PeeringRecord& record) {
        record.connection.Status = VpcPeeringConnectionStateReason{.Code = code, .Message = message};
        record.connection.ExpirationTime.reset();
        if (ended) record.ended_at = state.context.env.clock.wall();
      });
  for (const auto& side : {before.connection.RequesterVpcInfo, before.connection.AccepterVpcInfo})
    if (NetworkState* region = region_of(state, *side->Region)) region->changed(*side->VpcId);
}

Result<Connection> find_connection(const NetworkState& state, const std::optional<std::string>& id) {
  BRUME_TRY(record, find(state.peerings, kVpcPeering, id));
  if (is_forgotten(*record, state.context.env.clock.wall())) return no_such(kVpcPeering, *id);
  return describe(state, *record);
}

[[nodiscard]] std::unexpected<Error> wrong_state(const Connection& connection, const char* wanted) {
  return fail("InvalidStateTransition", "Invalid state transition for {}, attempted to transition from {} to {}",
              *connection.VpcPeeringConnectionId, *connection.Status->Code, wanted);
}

}  // namespace

void end_peerings(NetworkState& state, const std::string& vpc_id) {
  std::vector<std::string> ended;
  for (const auto& [id, record] : state.peerings.rows())
    if (!record.ended_at &&
        (record.connection.RequesterVpcInfo->VpcId == vpc_id || record.connection.AccepterVpcInfo->VpcId == vpc_id))
      ended.push_back(id);
  for (const std::string& id : ended) set_status(state, id, "deleted", "Deleted", true);
}

Result<CreateVpcPeeringConnectionResult> NetworkOperations::CreateVpcPeeringConnection(
    const aws::Call& call, const CreateVpcPeeringConnectionRequest& request) {
  BRUME_TRY(own, find(state_.vpcs, kVpc, request.VpcId));
  BRUME_TRY(tags, tags_for(call, request.TagSpecifications, kVpcPeering.type));
  if (request.PeerOwnerId.value_or(aws::kAccount) != aws::kAccount)
    return no_such(kVpc, request.PeerVpcId.value_or(""));
  if (!request.PeerVpcId) return fail("MissingParameter", "The request must contain the parameter peerVpcId");
  NetworkState* peer_region = region_of(state_, request.PeerRegion.value_or(context_.region));
  const VpcRecord* peer = peer_region ? peer_region->vpcs.find(*request.PeerVpcId) : nullptr;
  if (!peer) return no_such(kVpc, *request.PeerVpcId);
  forget_old(state_);
  for (const auto& [id, record] : state_.peerings.rows()) {
    const Connection shown = describe(state_, record);
    const bool forth =
        shown.RequesterVpcInfo->VpcId == request.VpcId && shown.AccepterVpcInfo->VpcId == peer->vpc.VpcId;
    const bool back = shown.RequesterVpcInfo->VpcId == peer->vpc.VpcId && shown.AccepterVpcInfo->VpcId == request.VpcId;
    if ((forth || back) && shown.Status->Code == "active")
      return fail("VpcPeeringConnectionAlreadyExists",
                  "There is already an active peering connection ({}) between {} "
                  "and {}",
                  id, *request.VpcId, *request.PeerVpcId);
    // Asked for again, a request is the one that waits.
    if (forth && shown.Status->Code == "pending-acceptance")
      return CreateVpcPeeringConnectionResult{.VpcPeeringConnection = shown};
  }
  const Timestamp now = context_.env.clock.wall();
  const std::string id = services::new_id(context_.env.random, kVpcPeering.prefix);
  PeeringRecord record{.connection = {.AccepterVpcInfo = info_of(*peer_region, peer->vpc),
                                      .ExpirationTime = now + kAcceptable,
                                      .RequesterVpcInfo = info_of(state_, own->vpc),
                                      .Status = VpcPeeringConnectionStateReason{.Code = "pending-acceptance",
                                                                                .Message = "Pending Acceptance by " +
                                                                                           std::string(aws::kAccount)},
                                      .VpcPeeringConnectionId = id}};
  if (overlap(own->vpc, peer->vpc)) {
    record.connection.Status = VpcPeeringConnectionStateReason{
        .Code = "failed", .Message = "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range"};
    record.connection.ExpirationTime.reset();
    record.ended_at = now;
  }
  state_.peerings.put(id, record);
  if (peer_region != &state_) peer_region->peerings.put(id, record);
  BRUME_CHECK(state_.tags.set(id, kVpcPeering.type, tags));
  CreateVpcPeeringConnectionResult result{.VpcPeeringConnection = describe(state_, record)};
  if (!record.ended_at)
    result.VpcPeeringConnection->Status = VpcPeeringConnectionStateReason{
        .Code = "initiating-request", .Message = "Initiating Request to " + std::string(aws::kAccount)};
  return result;
}

Result<AcceptVpcPeeringConnectionResult> NetworkOperations::AcceptVpcPeeringConnection(
    const aws::Call&, const AcceptVpcPeeringConnectionRequest& request) {
  BRUME_TRY(connection, find_connection(state_, request.VpcPeeringConnectionId));
  const std::string id = *connection.VpcPeeringConnectionId;
  if (connection.AccepterVpcInfo->Region != context_.region)
    return fail("OperationNotPermitted",
                "Incorrect region ({}) specified for this request. VPC peering connection {} "
                "must be accepted in region {}",
                context_.region, id, *connection.AccepterVpcInfo->Region);
  if (connection.Status->Code != "pending-acceptance") return wrong_state(connection, "active");
  set_status(state_, id, "active", "Active", false);
  return AcceptVpcPeeringConnectionResult{.VpcPeeringConnection = describe(state_, *state_.peerings.find(id))};
}

Result<RejectVpcPeeringConnectionResult> NetworkOperations::RejectVpcPeeringConnection(
    const aws::Call&, const RejectVpcPeeringConnectionRequest& request) {
  BRUME_TRY(connection, find_connection(state_, request.VpcPeeringConnectionId));
  if (connection.Status->Code != "pending-acceptance") return wrong_state(connection, "rejected");
  set_status(state_, *connection.VpcPeeringConnectionId, "rejected", "Rejected by " + std::string(aws::kAccount), true);
  return RejectVpcPeeringConnectionResult{.Return = true};
}

Result<DeleteVpcPeeringConnectionResult> NetworkOperations::DeleteVpcPeeringConnection(
    const aws::Call&, const DeleteVpcPeeringConnectionRequest& request) {
  BRUME_TRY(connection, find_connection(state_, request.VpcPeeringConnectionId));
  if (connection.Status->Code != "active" && connection.Status->Code != "pending-acceptance")
    return wrong_state(connection, "deleted");
  set_status(state_, *connection.VpcPeeringConnectionId, "deleted", "Deleted by " + std::string(aws::kAccount), true);
  return DeleteVpcPeeringConnectionResult{.Return = true};
}

Result<DescribeVpcPeeringConnectionsResult> NetworkOperations::DescribeVpcPeeringConnections(
    const aws::Call&, const DescribeVpcPeeringConnectionsRequest& request) {
  std::vector<Connection> connections;
  if (request.VpcPeeringConnectionIds.empty()) {
    for (const auto& [id, record] : state_.peerings.rows())
      if (!is_forgotten(record, context_.env.clock.wall())) connections.push_back(describe(state_, record));
  } else {
    for (const std::string& id : request.VpcPeeringConnectionIds) {
      BRUME_TRY(connection, find_connection(state_, id));
      connections.push_back(connection);
    }
  }
  BRUME_TRY(page, filtered_page<Connection>(std::move(connections), request, kFilters,
                                            [](const Connection& c) { return *c.VpcPeeringConnectionId; }));
  return DescribeVpcPeeringConnectionsResult{.VpcPeeringConnections = page.items, .NextToken = page.next_token};
}

}  // namespace brume::ec2
