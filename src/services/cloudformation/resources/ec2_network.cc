#include "services/cloudformation/resources/ec2_common.h"

namespace brume::cloudformation::resources {

Result<void> tag_ec2(Work& work, const Instance& instance) {
  return tag_ec2(work, instance, instance.physical_id);
}

Result<void> tag_ec2(Work& work, const Instance& instance, const std::string& id) {
  ec2::CreateTagsRequest request;
  request.Resources = {id};
  request.Tags = all_tags<ec2::Tag>(work, instance.properties);
  if (request.Tags.empty()) return {};
  return work.apis.ec2.CreateTags(work.call, request);
}

Result<void> retag_ec2(Work& work, Instance& instance, const Value& before) {
  return retag_ec2(work, instance, before, instance.physical_id);
}

Result<void> retag_ec2(Work& work, const Instance& instance, const Value& before, const std::string& id) {
  const TagChanges changes = tag_changes(before, instance.properties);
  if (!changes.drop.empty()) {
    ec2::DeleteTagsRequest request;
    request.Resources = {id};
    for (const std::string& key : changes.drop) request.Tags.emplace_back().Key = key;
    BRUME_CHECK(work.apis.ec2.DeleteTags(work.call, request));
  }
  if (changes.put.empty()) return {};
  ec2::CreateTagsRequest request;
  request.Resources = {id};
  for (const auto& [key, value] : changes.put) {
    ec2::Tag& tag = request.Tags.emplace_back();
    tag.Key = key;
    tag.Value = value;
  }
  return work.apis.ec2.CreateTags(work.call, request);
}

List<ec2::Filter> ec2_filter(std::string name, std::string value) {
  List<ec2::Filter> out;
  ec2::Filter& filter = out.emplace_back();
  filter.Name = std::move(name);
  filter.Values = {std::move(value)};
  return out;
}

void set_attribute(Instance& instance, std::string name, const std::optional<std::string>& value) {
  instance.attributes.set(std::move(name), Value::string(value.value_or("")));
}

void set_attribute(Instance& instance, std::string name, const std::vector<std::string>& values) {
  Value list = Value::list();
  for (const std::string& value : values) list.items.push_back(Value::string(value));
  instance.attributes.set(std::move(name), std::move(list));
}

namespace {

// VPC ---------------------------------------------------------------------------------------------------------------

Result<void> set_vpc_attributes(Work& work, const Instance& instance, const Value& before) {
  for (const char* name : {"EnableDnsSupport", "EnableDnsHostnames"}) {
    if (!changed(before, instance.properties, name)) continue;
    ec2::ModifyVpcAttributeRequest request;
    request.VpcId = instance.physical_id;
    const bool support = std::string_view(name) == "EnableDnsSupport";
    // What a template no longer says goes back to AWS's default: support on, host names off.
    (support ? request.EnableDnsSupport : request.EnableDnsHostnames).emplace().Value =
        flag(instance.properties, name, support);
    BRUME_CHECK(work.apis.ec2.ModifyVpcAttribute(work.call, request));
  }
  return {};
}

// The blocks that it has now; VPCCidrBlock resources add to them.
void show_blocks(Instance& instance, const ec2::Vpc& vpc) {
  std::vector<std::string> associations, blocks;
  for (const auto& association : vpc.CidrBlockAssociationSet)
    associations.push_back(association.AssociationId.value_or(""));
  for (const auto& association : vpc.Ipv6CidrBlockAssociationSet)
    blocks.push_back(association.Ipv6CidrBlock.value_or(""));
  set_attribute(instance, "CidrBlockAssociations", associations);
  set_attribute(instance, "Ipv6CidrBlocks", blocks);
}

Result<void> create_vpc(Work& work, Instance& instance) {
  BRUME_TRY(request, read<ec2::CreateVpcRequest>(instance.properties));
  BRUME_TRY(made, work.apis.ec2.CreateVpc(work.call, request));
  instance.physical_id = made.Vpc->VpcId.value_or("");
  BRUME_CHECK(tag_ec2(work, instance));
  BRUME_CHECK(set_vpc_attributes(work, instance, Value::map()));
  set_attribute(instance, "VpcId", instance.physical_id);
  set_attribute(instance, "CidrBlock", made.Vpc->CidrBlock);
  show_blocks(instance, *made.Vpc);
  ec2::DescribeSecurityGroupsRequest groups;
  groups.Filters = ec2_filter("vpc-id", instance.physical_id);
  BRUME_TRY(found, work.apis.ec2.DescribeSecurityGroups(work.call, groups));
  for (const auto& group : found.SecurityGroups)
    if (group.GroupName == "default") set_attribute(instance, "DefaultSecurityGroup", group.GroupId);
  ec2::DescribeNetworkAclsRequest acls;
  acls.Filters = ec2_filter("vpc-id", instance.physical_id);
  BRUME_TRY(found_acls, work.apis.ec2.DescribeNetworkAcls(work.call, acls));
  for (const auto& acl : found_acls.NetworkAcls)
    if (acl.IsDefault.value_or(false)) set_attribute(instance, "DefaultNetworkAcl", acl.NetworkAclId);
  return {};
}

Result<bool> vpc_settled(Work& work, Instance& instance) {
  ec2::DescribeVpcsRequest request;
  request.VpcIds = {instance.physical_id};
  BRUME_TRY(found, work.apis.ec2.DescribeVpcs(work.call, request));
  if (found.Vpcs.empty()) return false;
  show_blocks(instance, found.Vpcs[0]);
  return found.Vpcs[0].State.value_or("available") == "available";
}

Result<void> update_vpc(Work& work, Instance& instance, const Value& before) {
  BRUME_CHECK(set_vpc_attributes(work, instance, before));
  return retag_ec2(work, instance, before);
}

Result<void> remove_vpc(Work& work, const Instance& instance) {
  ec2::DeleteVpcRequest request;
  request.VpcId = instance.physical_id;
  return work.apis.ec2.DeleteVpc(work.call, request);
}

// Subnet ------------------------------------------------------------------------------------------------------------

Result<void> set_subnet_attributes(Work& work, const Instance& instance, const Value& before) {
  const auto bring = [&](const char* name, auto member) -> Result<void> {
    if (!changed(before, instance.properties, name)) return {};
    ec2::ModifySubnetAttributeRequest request;
    request.SubnetId = instance.physical_id;
    (request.*member).emplace().Value = flag(instance.properties, name);
    return work.apis.ec2.ModifySubnetAttribute(work.call, request);
  };
  BRUME_CHECK(bring("MapPublicIpOnLaunch", &ec2::ModifySubnetAttributeRequest::MapPublicIpOnLaunch));
  return bring("AssignIpv6AddressOnCreation", &ec2::ModifySubnetAttributeRequest::AssignIpv6AddressOnCreation);
}

void show_blocks(Instance& instance, const ec2::Subnet& subnet) {
  std::vector<std::string> blocks;
  for (const auto& association : subnet.Ipv6CidrBlockAssociationSet)
    blocks.push_back(association.Ipv6CidrBlock.value_or(""));
  set_attribute(instance, "Ipv6CidrBlocks", blocks);
}

Result<void> create_subnet(Work& work, Instance& instance) {
  BRUME_TRY(request, read<ec2::CreateSubnetRequest>(instance.properties));
  BRUME_TRY(made, work.apis.ec2.CreateSubnet(work.call, request));
  instance.physical_id = made.Subnet->SubnetId.value_or("");
  set_attribute(instance, "SubnetId", instance.physical_id);
  set_attribute(instance, "AvailabilityZone", made.Subnet->AvailabilityZone);
  set_attribute(instance, "AvailabilityZoneId", made.Subnet->AvailabilityZoneId);
  set_attribute(instance, "CidrBlock", made.Subnet->CidrBlock);
  set_attribute(instance, "VpcId", made.Subnet->VpcId);
  show_blocks(instance, *made.Subnet);
  BRUME_CHECK(tag_ec2(work, instance));
  return set_subnet_attributes(work, instance, Value::map());
}

Result<std::optional<ec2::Subnet>> describe_subnet(Work& work, const std::string& id) {
  ec2::DescribeSubnetsRequest request;
  request.SubnetIds = {id};
  BRUME_TRY(found, work.apis.ec2.DescribeSubnets(work.call, request));
  if (found.Subnets.empty()) return std::nullopt;
  return std::move(found.Subnets[0]);
}

Result<bool> subnet_settled(Work& work, Instance& instance) {
  BRUME_TRY(found, describe_subnet(work, instance.physical_id));
  if (!found) return false;
  show_blocks(instance, *found);
  return found->State.value_or("available") == "available";
}

Result<void> change_ipv6_block(Work& work, Instance& instance, const Value& before) {
  if (!changed(before, instance.properties, "Ipv6CidrBlock")) return {};
  BRUME_TRY(found, describe_subnet(work, instance.physical_id));
  if (found && before.find("Ipv6CidrBlock")) {
    for (const auto& association : found->Ipv6CidrBlockAssociationSet) {
      ec2::DisassociateSubnetCidrBlockRequest request;
      request.AssociationId = association.AssociationId;
      BRUME_CHECK(work.apis.ec2.DisassociateSubnetCidrBlock(work.call, request));
    }
  }
  if (!instance.properties.find("Ipv6CidrBlock")) return {};
  ec2::AssociateSubnetCidrBlockRequest request;
  request.SubnetId = instance.physical_id;
  request.Ipv6CidrBlock = instance.text("Ipv6CidrBlock");
  BRUME_CHECK(work.apis.ec2.AssociateSubnetCidrBlock(work.call, request));
  return {};
}

Result<void> update_subnet(Work& work, Instance& instance, const Value& before) {
  BRUME_CHECK(change_ipv6_block(work, instance, before));
  BRUME_CHECK(set_subnet_attributes(work, instance, before));
  return retag_ec2(work, instance, before);
}

Result<void> remove_subnet(Work& work, const Instance& instance) {
  ec2::DeleteSubnetRequest request;
  request.SubnetId = instance.physical_id;
  return work.apis.ec2.DeleteSubnet(work.call, request);
}

// Internet gateway and its attachment -------------------------------------------------------------------------------

Result<void> create_gateway(Work& work, Instance& instance) {
  BRUME_TRY(made, work.apis.ec2.CreateInternetGateway(work.call, {}));
  instance.physical_id = made.InternetGateway->InternetGatewayId.value_or("");
  set_attribute(instance, "InternetGatewayId", instance.physical_id);
  return tag_ec2(work, instance);
}

Result<void> remove_gateway(Work& work, const Instance& instance) {
  ec2::DeleteInternetGatewayRequest request;
  request.InternetGatewayId = instance.physical_id;
  return work.apis.ec2.DeleteInternetGateway(work.call, request);
}

Result<void> attach_gateway(Work& work, Instance& instance) {
  BRUME_TRY(request, read<ec2::AttachInternetGatewayRequest>(instance.properties));
  BRUME_CHECK(work.apis.ec2.AttachInternetGateway(work.call, request));
  instance.physical_id = "IGW|" + instance.text("VpcId");
  instance.attributes.set("AttachmentType", Value::string("IGW"));
  return {};
}

Result<void> detach_gateway(Work& work, const Value& properties) {
  BRUME_TRY(request, read<ec2::DetachInternetGatewayRequest>(properties));
  return work.apis.ec2.DetachInternetGateway(work.call, request);
}

Result<void> update_attachment(Work& work, Instance& instance, const Value& before) {
  BRUME_CHECK(detach_gateway(work, before));
  return attach_gateway(work, instance);
}

Result<void> remove_attachment(Work& work, const Instance& instance) {
  return detach_gateway(work, instance.properties);
}

// Route table, routes, associations ---------------------------------------------------------------------------------

Result<void> create_route_table(Work& work, Instance& instance) {
  BRUME_TRY(request, read<ec2::CreateRouteTableRequest>(instance.properties));
  BRUME_TRY(made, work.apis.ec2.CreateRouteTable(work.call, request));
  instance.physical_id = made.RouteTable->RouteTableId.value_or("");
  set_attribute(instance, "RouteTableId", instance.physical_id);
  return tag_ec2(work, instance);
}

Result<void> remove_route_table(Work& work, const Instance& instance) {
  ec2::DeleteRouteTableRequest request;
  request.RouteTableId = instance.physical_id;
  return work.apis.ec2.DeleteRouteTable(work.call, request);
}

Result<void> create_route(Work& work, Instance& instance) {
  BRUME_TRY(request, read<ec2::CreateRouteRequest>(instance.properties));
  BRUME_CHECK(work.apis.ec2.CreateRoute(work.call, request));
  std::string block;
  for (const auto& destination :
       {request.DestinationCidrBlock, request.DestinationIpv6CidrBlock, request.DestinationPrefixListId})
    if (destination) block = *destination;
  instance.physical_id = request.RouteTableId.value_or("") + "|" + block;
  set_attribute(instance, "CidrBlock", block);
  return {};
}

Result<void> update_route(Work& work, Instance& instance, const Value&) {
  BRUME_TRY(request, read<ec2::ReplaceRouteRequest>(instance.properties));
  return work.apis.ec2.ReplaceRoute(work.call, request);
}

Result<void> remove_route(Work& work, const Instance& instance) {
  BRUME_TRY(request, read<ec2::DeleteRouteRequest>(instance.properties));
  return work.apis.ec2.DeleteRoute(work.call, request);
}

Result<void> associate_table(Work& work, Instance& instance) {
  BRUME_TRY(request, read<ec2::AssociateRouteTableRequest>(instance.properties));
  BRUME_TRY(made, work.apis.ec2.AssociateRouteTable(work.call, request));
  instance.physical_id = made.AssociationId.value_or("");
  set_attribute(instance, "Id", instance.physical_id);
  return {};
}

Result<void> reassociate_table(Work& work, Instance& instance, const Value&) {
  ec2::ReplaceRouteTableAssociationRequest request;
  request.AssociationId = instance.physical_id;
  request.RouteTableId = instance.text("RouteTableId");
  BRUME_TRY(made, work.apis.ec2.ReplaceRouteTableAssociation(work.call, request));
  instance.physical_id = made.NewAssociationId.value_or("");
  set_attribute(instance, "Id", instance.physical_id);
  return {};
}

Result<void> disassociate_table(Work& work, const Instance& instance) {
  ec2::DisassociateRouteTableRequest request;
  request.AssociationId = instance.physical_id;
  return work.apis.ec2.DisassociateRouteTable(work.call, request);
}

}  // namespace

std::span<const ResourceType> ec2_network_types() {
  using Tags = List<ec2::Tag>;
  static const ResourceType types[] = {
      {.name = "AWS::EC2::VPC",
       .properties = {text("CidrBlock", kRequired | kCreateOnly), boolean("EnableDnsHostnames"),
                      boolean("EnableDnsSupport"), text("InstanceTenancy", kCreateOnly), property<Tags>("Tags")},
       .attributes = {"VpcId", "CidrBlock", "CidrBlockAssociations", "Ipv6CidrBlocks", "DefaultSecurityGroup",
                      "DefaultNetworkAcl"},
       .live = {"CidrBlockAssociations", "Ipv6CidrBlocks"},
       .create = create_vpc,
       .settled = vpc_settled,
       .update = update_vpc,
       .remove = remove_vpc},
      {.name = "AWS::EC2::Subnet",
       .properties = {text("VpcId", kRequired | kCreateOnly), text("CidrBlock", kRequired | kCreateOnly),
                      text("AvailabilityZone", kCreateOnly), text("AvailabilityZoneId", kCreateOnly),
                      boolean("MapPublicIpOnLaunch"), text("Ipv6CidrBlock"), boolean("AssignIpv6AddressOnCreation"),
                      property<Tags>("Tags")},
       .attributes = {"SubnetId", "AvailabilityZone", "AvailabilityZoneId", "CidrBlock", "Ipv6CidrBlocks", "VpcId"},
       .live = {"Ipv6CidrBlocks"},
       .create = create_subnet,
       .settled = subnet_settled,
       .update = update_subnet,
       .remove = remove_subnet},
      {.name = "AWS::EC2::InternetGateway",
       .properties = {property<Tags>("Tags")},
       .attributes = {"InternetGatewayId"},
       .create = create_gateway,
       .update = retag_ec2,
       .remove = remove_gateway},
      {.name = "AWS::EC2::VPCGatewayAttachment",
       .properties = {text("VpcId", kRequired), text("InternetGatewayId", kRequired)},
       .attributes = {"AttachmentType"},
       .create = attach_gateway,
       .update = update_attachment,
       .remove = remove_attachment},
      {.name = "AWS::EC2::RouteTable",
       .properties = {text("VpcId", kRequired | kCreateOnly), property<Tags>("Tags")},
       .attributes = {"RouteTableId"},
       .create = create_route_table,
       .update = retag_ec2,
       .remove = remove_route_table},
      {.name = "AWS::EC2::Route",
       .properties = {text("RouteTableId", kRequired | kCreateOnly), text("DestinationCidrBlock", kCreateOnly),
                      text("DestinationIpv6CidrBlock", kCreateOnly), text("DestinationPrefixListId", kCreateOnly),
                      text("GatewayId"), text("EgressOnlyInternetGatewayId"), text("InstanceId"), text("NatGatewayId"),
                      text("NetworkInterfaceId"), text("VpcPeeringConnectionId")},
       .attributes = {"CidrBlock"},
       .create = create_route,
       .update = update_route,
       .remove = remove_route},
      {.name = "AWS::EC2::SubnetRouteTableAssociation",
       .properties = {text("SubnetId", kRequired | kCreateOnly), text("RouteTableId", kRequired)},
       .attributes = {"Id"},
       .create = associate_table,
       .update = reassociate_table,
       .remove = disassociate_table},
  };
  return types;
}

}  // namespace brume::cloudformation::resources
