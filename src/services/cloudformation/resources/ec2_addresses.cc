// Elastic IPs and what they stand for; IPv6 blocks of VPCs and subnets.
#include <algorithm>

#include "services/cloudformation/resources/ec2_common.h"

namespace brume::cloudformation::resources {
namespace {

using Tags = List<ec2::Tag>;

// Elastic IPs -------------------------------------------------------------------------------------------------------

std::string allocation_of(const Instance& instance) {
  return instance.attributes.text_of("AllocationId");
}

Result<void> associate(Work& work, const Instance& instance) {
  ec2::AssociateAddressRequest request;
  request.AllocationId = allocation_of(instance);
  request.InstanceId = instance.text("InstanceId");
  BRUME_CHECK(work.apis.ec2.AssociateAddress(work.call, request));
  return {};
}

Result<void> disassociate(Work& work, const Instance& instance) {
  ec2::DescribeAddressesRequest request;
  request.AllocationIds = {allocation_of(instance)};
  BRUME_TRY(found, work.apis.ec2.DescribeAddresses(work.call, request));
  for (const auto& address : found.Addresses) {
    if (!address.AssociationId) continue;
    ec2::DisassociateAddressRequest end;
    end.AssociationId = address.AssociationId;
    BRUME_CHECK(work.apis.ec2.DisassociateAddress(work.call, end));
  }
  return {};
}

Result<void> create_elastic_ip(Work& work, Instance& instance) {
  BRUME_TRY(request, read<ec2::AllocateAddressRequest>(instance.properties));
  BRUME_TRY(made, work.apis.ec2.AllocateAddress(work.call, request));
  instance.physical_id = made.PublicIp.value_or("");
  set_attribute(instance, "PublicIp", made.PublicIp);
  set_attribute(instance, "AllocationId", made.AllocationId);
  BRUME_CHECK(tag_ec2(work, instance, allocation_of(instance)));
  return instance.properties.find("InstanceId") ? associate(work, instance) : Result<void>();
}

Result<void> update_elastic_ip(Work& work, Instance& instance, const Value& before) {
  if (changed(before, instance.properties, "InstanceId"))
    BRUME_CHECK(instance.properties.find("InstanceId") ? associate(work, instance) : disassociate(work, instance));
  return retag_ec2(work, instance, before, allocation_of(instance));
}

Result<void> remove_elastic_ip(Work& work, const Instance& instance) {
  if (instance.properties.find("InstanceId")) BRUME_CHECK(disassociate(work, instance));
  ec2::ReleaseAddressRequest request;
  request.AllocationId = allocation_of(instance);
  return work.apis.ec2.ReleaseAddress(work.call, request);
}

Result<void> create_association(Work& work, Instance& instance) {
  BRUME_TRY(request, read<ec2::AssociateAddressRequest>(instance.properties));
  if (instance.properties.find("EIP")) request.PublicIp = instance.text("EIP");
  BRUME_TRY(made, work.apis.ec2.AssociateAddress(work.call, request));
  instance.physical_id = made.AssociationId.value_or("");
  set_attribute(instance, "Id", instance.physical_id);
  return {};
}

Result<void> remove_association(Work& work, const Instance& instance) {
  ec2::DisassociateAddressRequest request;
  request.AssociationId = instance.physical_id;
  return work.apis.ec2.DisassociateAddress(work.call, request);
}

Result<void> update_association(Work& work, Instance& instance, const Value&) {
  // It is gone already where its instance is, or where somebody has moved the address.
  if (auto gone = remove_association(work, instance); !gone && !not_found(gone.error()))
    return std::unexpected(gone.error());
  return create_association(work, instance);
}

// Blocks ------------------------------------------------------------------------------------------------------------

Result<void> create_vpc_block(Work& work, Instance& instance) {
  BRUME_TRY(request, read<ec2::AssociateVpcCidrBlockRequest>(instance.properties));
  BRUME_TRY(made, work.apis.ec2.AssociateVpcCidrBlock(work.call, request));
  if (made.CidrBlockAssociation) instance.physical_id = made.CidrBlockAssociation->AssociationId.value_or("");
  if (made.Ipv6CidrBlockAssociation) {
    instance.physical_id = made.Ipv6CidrBlockAssociation->AssociationId.value_or("");
    set_attribute(instance, "IpSource", made.Ipv6CidrBlockAssociation->IpSource);
    set_attribute(instance, "Ipv6AddressAttribute", made.Ipv6CidrBlockAssociation->Ipv6AddressAttribute);
  }
  set_attribute(instance, "Id", instance.physical_id);
  return {};
}

// Is the association, of those that a VPC or subnet has, there for use?
template <typename Associations>
Result<bool> block_settled(const Instance& instance, const Associations& associations, auto state_of) {
  for (const auto& association : associations) {
    if (association.AssociationId != instance.physical_id) continue;
    const auto& state = state_of(association);
    const std::string name = state ? state->State.value_or("") : "";
    if (name == "failed" || name == "failing")
      return fail("NotStabilized", "CIDR block association {} failed: {}", instance.physical_id,
                  state->StatusMessage.value_or(""));
    return name == "associated";
  }
  return fail("NotStabilized", "CIDR block association {} disappeared", instance.physical_id);
}

Result<bool> vpc_block_settled(Work& work, Instance& instance) {
  ec2::DescribeVpcsRequest request;
  request.VpcIds = {instance.text("VpcId")};
  BRUME_TRY(found, work.apis.ec2.DescribeVpcs(work.call, request));
  if (found.Vpcs.empty()) return fail("NotStabilized", "VPC {} disappeared", instance.text("VpcId"));
  const ec2::Vpc& vpc = found.Vpcs[0];
  if (std::ranges::any_of(vpc.CidrBlockAssociationSet,
                          [&](const auto& one) { return one.AssociationId == instance.physical_id; }))
    return block_settled(instance, vpc.CidrBlockAssociationSet, [](const auto& one) { return one.CidrBlockState; });
  return block_settled(instance, vpc.Ipv6CidrBlockAssociationSet,
                       [](const auto& one) { return one.Ipv6CidrBlockState; });
}

Result<void> remove_vpc_block(Work& work, const Instance& instance) {
  ec2::DisassociateVpcCidrBlockRequest request;
  request.AssociationId = instance.physical_id;
  BRUME_CHECK(work.apis.ec2.DisassociateVpcCidrBlock(work.call, request));
  return {};
}

Result<void> create_subnet_block(Work& work, Instance& instance) {
  BRUME_TRY(request, read<ec2::AssociateSubnetCidrBlockRequest>(instance.properties));
  BRUME_TRY(made, work.apis.ec2.AssociateSubnetCidrBlock(work.call, request));
  instance.physical_id = made.Ipv6CidrBlockAssociation->AssociationId.value_or("");
  set_attribute(instance, "Id", instance.physical_id);
  return {};
}

Result<bool> subnet_block_settled(Work& work, Instance& instance) {
  ec2::DescribeSubnetsRequest request;
  request.SubnetIds = {instance.text("SubnetId")};
  BRUME_TRY(found, work.apis.ec2.DescribeSubnets(work.call, request));
  if (found.Subnets.empty()) return fail("NotStabilized", "Subnet {} disappeared", instance.text("SubnetId"));
  return block_settled(instance, found.Subnets[0].Ipv6CidrBlockAssociationSet,
                       [](const auto& one) { return one.Ipv6CidrBlockState; });
}

Result<void> remove_subnet_block(Work& work, const Instance& instance) {
  ec2::DisassociateSubnetCidrBlockRequest request;
  request.AssociationId = instance.physical_id;
  BRUME_CHECK(work.apis.ec2.DisassociateSubnetCidrBlock(work.call, request));
  return {};
}

}  // namespace

std::span<const ResourceType> ec2_address_types() {
  static const ResourceType types[] = {
      // Ref is the address itself.
      {.name = "AWS::EC2::EIP",
       .properties = {text("Domain", kCreateOnly), text("Address", kCreateOnly),
                      text("NetworkBorderGroup", kCreateOnly), text("InstanceId"), property<Tags>("Tags")},
       .attributes = {"AllocationId", "PublicIp"},
       .create = create_elastic_ip,
       .update = update_elastic_ip,
       .remove = remove_elastic_ip},
      {.name = "AWS::EC2::EIPAssociation",
       .properties = {text("AllocationId", kCreateOnly), text("EIP", kCreateOnly), text("InstanceId", kCreateOnly),
                      text("NetworkInterfaceId", kCreateOnly), text("PrivateIpAddress", kCreateOnly)},
       .attributes = {"Id"},
       .create = create_association,
       .delete_then_create = true,
       .update = update_association,
       .remove = remove_association},
      {.name = "AWS::EC2::VPCCidrBlock",
       .properties = {text("VpcId", kRequired | kCreateOnly), boolean("AmazonProvidedIpv6CidrBlock", kCreateOnly),
                      text("CidrBlock", kCreateOnly), text("Ipv6CidrBlock", kCreateOnly),
                      text("Ipv6CidrBlockNetworkBorderGroup", kCreateOnly), text("Ipv6Pool", kCreateOnly)},
       .attributes = {"Id", "IpSource", "Ipv6AddressAttribute"},
       .create = create_vpc_block,
       .settled = vpc_block_settled,
       .remove = remove_vpc_block},
      {.name = "AWS::EC2::SubnetCidrBlock",
       .properties = {text("SubnetId", kRequired | kCreateOnly), text("Ipv6CidrBlock", kRequired | kCreateOnly)},
       .attributes = {"Id"},
       .create = create_subnet_block,
       .settled = subnet_block_settled,
       .remove = remove_subnet_block},
  };
  return types;
}

}  // namespace brume::cloudformation::resources
