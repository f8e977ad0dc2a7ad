// The network half of EC2: VPCs and what is in them, tags, regions and zones.
//
// Handlers check, then write desired state inside the caller's transaction. Errors are AWS's. One .cc file a resource.
// Leaves to others: instances and their kin (InstanceOperations), bringing the kernel to what the tables say
// (fabric_controller.h).
#pragma once

#include "ec2/api.h"
#include "services/common/context.h"
#include "services/ec2/network_state.h"

namespace brume::ec2 {

class NetworkOperations : public virtual Api {
 public:
  NetworkOperations(services::Context& context, NetworkState& state) : context_(context), state_(state) {}

  // vpc.cc
  Result<CreateVpcResult> CreateVpc(const aws::Call& call, const CreateVpcRequest& request) override;
  Result<CreateDefaultVpcResult> CreateDefaultVpc(const aws::Call& call,
                                                  const CreateDefaultVpcRequest& request) override;
  Result<DescribeVpcsResult> DescribeVpcs(const aws::Call& call, const DescribeVpcsRequest& request) override;
  Result<void> DeleteVpc(const aws::Call& call, const DeleteVpcRequest& request) override;
  Result<void> ModifyVpcAttribute(const aws::Call& call, const ModifyVpcAttributeRequest& request) override;
  Result<DescribeVpcAttributeResult> DescribeVpcAttribute(const aws::Call& call,
                                                          const DescribeVpcAttributeRequest& request) override;
  Result<AssociateVpcCidrBlockResult> AssociateVpcCidrBlock(const aws::Call& call,
                                                            const AssociateVpcCidrBlockRequest& request) override;
  Result<DisassociateVpcCidrBlockResult> DisassociateVpcCidrBlock(
      const aws::Call& call, const DisassociateVpcCidrBlockRequest& request) override;

  // subnet.cc
  Result<CreateSubnetResult> CreateSubnet(const aws::Call& call, const CreateSubnetRequest& request) override;
  Result<DescribeSubnetsResult> DescribeSubnets(const aws::Call& call, const DescribeSubnetsRequest& request) override;
  Result<void> DeleteSubnet(const aws::Call& call, const DeleteSubnetRequest& request) override;
  Result<void> ModifySubnetAttribute(const aws::Call& call, const ModifySubnetAttributeRequest& request) override;
  Result<AssociateSubnetCidrBlockResult> AssociateSubnetCidrBlock(
      const aws::Call& call, const AssociateSubnetCidrBlockRequest& request) override;
  Result<DisassociateSubnetCidrBlockResult> DisassociateSubnetCidrBlock(
      const aws::Call& call, const DisassociateSubnetCidrBlockRequest& request) override;

  // egress_only_gateway.cc
  Result<CreateEgressOnlyInternetGatewayResult> CreateEgressOnlyInternetGateway(
      const aws::Call& call, const CreateEgressOnlyInternetGatewayRequest& request) override;
  Result<DescribeEgressOnlyInternetGatewaysResult> DescribeEgressOnlyInternetGateways(
      const aws::Call& call, const DescribeEgressOnlyInternetGatewaysRequest& request) override;
  Result<DeleteEgressOnlyInternetGatewayResult> DeleteEgressOnlyInternetGateway(
      const aws::Call& call, const DeleteEgressOnlyInternetGatewayRequest& request) override;

  // internet_gateway.cc
  Result<CreateInternetGatewayResult> CreateInternetGateway(const aws::Call& call,
                                                            const CreateInternetGatewayRequest& request) override;
  Result<DescribeInternetGatewaysResult> DescribeInternetGateways(
      const aws::Call& call, const DescribeInternetGatewaysRequest& request) override;
  Result<void> AttachInternetGateway(const aws::Call& call, const AttachInternetGatewayRequest& request) override;
  Result<void> DetachInternetGateway(const aws::Call& call, const DetachInternetGatewayRequest& request) override;
  Result<void> DeleteInternetGateway(const aws::Call& call, const DeleteInternetGatewayRequest& request) override;

  // route_table.cc, route.cc
  Result<CreateRouteTableResult> CreateRouteTable(const aws::Call& call,
                                                  const CreateRouteTableRequest& request) override;
  Result<DescribeRouteTablesResult> DescribeRouteTables(const aws::Call& call,
                                                        const DescribeRouteTablesRequest& request) override;
  Result<void> DeleteRouteTable(const aws::Call& call, const DeleteRouteTableRequest& request) override;
  Result<AssociateRouteTableResult> AssociateRouteTable(const aws::Call& call,
                                                        const AssociateRouteTableRequest& request) override;
  Result<void> DisassociateRouteTable(const aws::Call& call, const DisassociateRouteTableRequest& request) override;
  Result<ReplaceRouteTableAssociationResult> ReplaceRouteTableAssociation(
      const aws::Call& call, const ReplaceRouteTableAssociationRequest& request) override;
  Result<CreateRouteResult> CreateRoute(const aws::Call& call, const CreateRouteRequest& request) override;
  Result<void> ReplaceRoute(const aws::Call& call, const ReplaceRouteRequest& request) override;
  Result<void> DeleteRoute(const aws::Call& call, const DeleteRouteRequest& request) override;

  // network_acl.cc
  Result<CreateNetworkAclResult> CreateNetworkAcl(const aws::Call& call,
                                                  const CreateNetworkAclRequest& request) override;
  Result<DescribeNetworkAclsResult> DescribeNetworkAcls(const aws::Call& call,
                                                        const DescribeNetworkAclsRequest& request) override;
  Result<void> DeleteNetworkAcl(const aws::Call& call, const DeleteNetworkAclRequest& request) override;
  Result<void> CreateNetworkAclEntry(const aws::Call& call, const CreateNetworkAclEntryRequest& request) override;
  Result<void> ReplaceNetworkAclEntry(const aws::Call& call, const ReplaceNetworkAclEntryRequest& request) override;
  Result<void> DeleteNetworkAclEntry(const aws::Call& call, const DeleteNetworkAclEntryRequest& request) override;
  Result<ReplaceNetworkAclAssociationResult> ReplaceNetworkAclAssociation(
      const aws::Call& call, const ReplaceNetworkAclAssociationRequest& request) override;

  // security_group.cc, security_group_rules.cc
  Result<CreateSecurityGroupResult> CreateSecurityGroup(const aws::Call& call,
                                                        const CreateSecurityGroupRequest& request) override;
  Result<DescribeSecurityGroupsResult> DescribeSecurityGroups(const aws::Call& call,
                                                              const DescribeSecurityGroupsRequest& request) override;
  Result<DeleteSecurityGroupResult> DeleteSecurityGroup(const aws::Call& call,
                                                        const DeleteSecurityGroupRequest& request) override;
  Result<AuthorizeSecurityGroupIngressResult> AuthorizeSecurityGroupIngress(
      const aws::Call& call, const AuthorizeSecurityGroupIngressRequest& request) override;
  Result<AuthorizeSecurityGroupEgressResult> AuthorizeSecurityGroupEgress(
      const aws::Call& call, const AuthorizeSecurityGroupEgressRequest& request) override;
  Result<RevokeSecurityGroupIngressResult> RevokeSecurityGroupIngress(
      const aws::Call& call, const RevokeSecurityGroupIngressRequest& request) override;
  Result<RevokeSecurityGroupEgressResult> RevokeSecurityGroupEgress(
      const aws::Call& call, const RevokeSecurityGroupEgressRequest& request) override;
  Result<ModifySecurityGroupRulesResult> ModifySecurityGroupRules(
      const aws::Call& call, const ModifySecurityGroupRulesRequest& request) override;
  Result<UpdateSecurityGroupRuleDescriptionsIngressResult> UpdateSecurityGroupRuleDescriptionsIngress(
      const aws::Call& call, const UpdateSecurityGroupRuleDescriptionsIngressRequest& request) override;
  Result<UpdateSecurityGroupRuleDescriptionsEgressResult> UpdateSecurityGroupRuleDescriptionsEgress(
      const aws::Call& call, const UpdateSecurityGroupRuleDescriptionsEgressRequest& request) override;
  Result<DescribeSecurityGroupRulesResult> DescribeSecurityGroupRules(
      const aws::Call& call, const DescribeSecurityGroupRulesRequest& request) override;
  Result<DescribeSecurityGroupReferencesResult> DescribeSecurityGroupReferences(
      const aws::Call& call, const DescribeSecurityGroupReferencesRequest& request) override;

  // network_interface_operations.cc
  Result<CreateNetworkInterfaceResult> CreateNetworkInterface(const aws::Call& call,
                                                              const CreateNetworkInterfaceRequest& request) override;
  Result<DescribeNetworkInterfacesResult> DescribeNetworkInterfaces(
      const aws::Call& call, const DescribeNetworkInterfacesRequest& request) override;
  Result<DescribeNetworkInterfaceAttributeResult> DescribeNetworkInterfaceAttribute(
      const aws::Call& call, const DescribeNetworkInterfaceAttributeRequest& request) override;
  Result<void> ModifyNetworkInterfaceAttribute(const aws::Call& call,
                                               const ModifyNetworkInterfaceAttributeRequest& request) override;
  Result<void> ResetNetworkInterfaceAttribute(const aws::Call& call,
                                              const ResetNetworkInterfaceAttributeRequest& request) override;
  Result<void> DeleteNetworkInterface(const aws::Call& call, const DeleteNetworkInterfaceRequest& request) override;

  // ipv6_address_operations.cc
  Result<AssignIpv6AddressesResult> AssignIpv6Addresses(const aws::Call& call,
                                                        const AssignIpv6AddressesRequest& request) override;
  Result<UnassignIpv6AddressesResult> UnassignIpv6Addresses(const aws::Call& call,
                                                            const UnassignIpv6AddressesRequest& request) override;

  // tag_operations.cc
  Result<void> CreateTags(const aws::Call& call, const CreateTagsRequest& request) override;
  Result<void> DeleteTags(const aws::Call& call, const DeleteTagsRequest& request) override;
  Result<DescribeTagsResult> DescribeTags(const aws::Call& call, const DescribeTagsRequest& request) override;

  // regions.cc
  Result<DescribeRegionsResult> DescribeRegions(const aws::Call& call, const DescribeRegionsRequest& request) override;
  Result<DescribeAvailabilityZonesResult> DescribeAvailabilityZones(
      const aws::Call& call, const DescribeAvailabilityZonesRequest& request) override;
  Result<DescribeAccountAttributesResult> DescribeAccountAttributes(
      const aws::Call& call, const DescribeAccountAttributesRequest& request) override;
  Result<DescribeDhcpOptionsResult> DescribeDhcpOptions(const aws::Call& call,
                                                        const DescribeDhcpOptionsRequest& request) override;
  Result<DescribePrefixListsResult> DescribePrefixLists(const aws::Call& call,
                                                        const DescribePrefixListsRequest& request) override;

  // address_operations.cc
  Result<AllocateAddressResult> AllocateAddress(const aws::Call& call, const AllocateAddressRequest& request) override;
  Result<DescribeAddressesResult> DescribeAddresses(const aws::Call& call,
                                                    const DescribeAddressesRequest& request) override;
  Result<DescribeAddressesAttributeResult> DescribeAddressesAttribute(
      const aws::Call& call, const DescribeAddressesAttributeRequest& request) override;
  Result<AssociateAddressResult> AssociateAddress(const aws::Call& call,
                                                  const AssociateAddressRequest& request) override;
  Result<void> DisassociateAddress(const aws::Call& call, const DisassociateAddressRequest& request) override;
  Result<void> ReleaseAddress(const aws::Call& call, const ReleaseAddressRequest& request) override;

  // nat_gateway.cc
  Result<CreateNatGatewayResult> CreateNatGateway(const aws::Call& call,
                                                  const CreateNatGatewayRequest& request) override;
  Result<DescribeNatGatewaysResult> DescribeNatGateways(const aws::Call& call,
                                                        const DescribeNatGatewaysRequest& request) override;
  Result<DeleteNatGatewayResult> DeleteNatGateway(const aws::Call& call,
                                                  const DeleteNatGatewayRequest& request) override;

  // vpc_peering.cc
  Result<CreateVpcPeeringConnectionResult> CreateVpcPeeringConnection(
      const aws::Call& call, const CreateVpcPeeringConnectionRequest& request) override;
  Result<AcceptVpcPeeringConnectionResult> AcceptVpcPeeringConnection(
      const aws::Call& call, const AcceptVpcPeeringConnectionRequest& request) override;
  Result<RejectVpcPeeringConnectionResult> RejectVpcPeeringConnection(
      const aws::Call& call, const RejectVpcPeeringConnectionRequest& request) override;
  Result<DeleteVpcPeeringConnectionResult> DeleteVpcPeeringConnection(
      const aws::Call& call, const DeleteVpcPeeringConnectionRequest& request) override;
  Result<DescribeVpcPeeringConnectionsResult> DescribeVpcPeeringConnections(
      const aws::Call& call, const DescribeVpcPeeringConnectionsRequest& request) override;

  // prefix_list.cc
  Result<CreateManagedPrefixListResult> CreateManagedPrefixList(const aws::Call& call,
                                                                const CreateManagedPrefixListRequest& request) override;
  Result<DescribeManagedPrefixListsResult> DescribeManagedPrefixLists(
      const aws::Call& call, const DescribeManagedPrefixListsRequest& request) override;
  Result<GetManagedPrefixListEntriesResult> GetManagedPrefixListEntries(
      const aws::Call& call, const GetManagedPrefixListEntriesRequest& request) override;
  Result<ModifyManagedPrefixListResult> ModifyManagedPrefixList(const aws::Call& call,
                                                                const ModifyManagedPrefixListRequest& request) override;
  Result<DeleteManagedPrefixListResult> DeleteManagedPrefixList(const aws::Call& call,
                                                                const DeleteManagedPrefixListRequest& request) override;

  // flow_log.cc
  Result<CreateFlowLogsResult> CreateFlowLogs(const aws::Call& call, const CreateFlowLogsRequest& request) override;
  Result<DescribeFlowLogsResult> DescribeFlowLogs(const aws::Call& call,
                                                  const DescribeFlowLogsRequest& request) override;
  Result<DeleteFlowLogsResult> DeleteFlowLogs(const aws::Call& call, const DeleteFlowLogsRequest& request) override;

 private:
  // By id, or by name in the default VPC. (security_group.cc)
  Result<const SecurityGroup*> find_group(const std::optional<std::string>& id,
                                          const std::optional<std::string>& name) const;

  services::Context& context_;
  NetworkState& state_;
};

}  // namespace brume::ec2
