// Network interfaces and their attachments to instances.
#include "services/cloudformation/resources/ec2_common.h"

namespace brume::cloudformation::resources {
namespace {

using Tags = List<ec2::Tag>;

Result<void> modify_interface(Work& work, const std::string& id, auto&& set) {
  ec2::ModifyNetworkInterfaceAttributeRequest request;
  request.NetworkInterfaceId = id;
  set(request);
  return work.apis.ec2.ModifyNetworkInterfaceAttribute(work.call, request);
}

Result<void> create_interface(Work& work, Instance& instance) {
  BRUME_TRY(request, read<ec2::CreateNetworkInterfaceRequest>(instance.properties));
  request.Groups = text_list(instance.properties, "GroupSet");
  request.ClientToken = work.token;
  BRUME_TRY(made, work.apis.ec2.CreateNetworkInterface(work.call, request));
  instance.physical_id = made.NetworkInterface->NetworkInterfaceId.value_or("");
  set_attribute(instance, "Id", instance.physical_id);
  set_attribute(instance, "PrimaryPrivateIpAddress", made.NetworkInterface->PrivateIpAddress);
  set_attribute(instance, "VpcId", made.NetworkInterface->VpcId);
  if (instance.properties.find("SourceDestCheck"))
    BRUME_CHECK(modify_interface(work, instance.physical_id, [&](auto& change) {
      change.SourceDestCheck.emplace().Value = flag(instance.properties, "SourceDestCheck", true);
    }));
  return tag_ec2(work, instance);
}

std::vector<std::string> ipv6_list(const Value& properties) {
  std::vector<std::string> out;
  if (const Value* list = properties.find("Ipv6Addresses"))
    for (const Value& item : list->items) out.push_back(item.text_of("Ipv6Address"));
  return out;
}

// `count` of the addresses that it has, the last ones.
Result<std::vector<std::string>> last_addresses(Work& work, const std::string& id, int count) {
  ec2::DescribeNetworkInterfacesRequest request;
  request.NetworkInterfaceIds = {id};
  BRUME_TRY(found, work.apis.ec2.DescribeNetworkInterfaces(work.call, request));
  std::vector<std::string> out;
  for (const auto& interface : found.NetworkInterfaces)
    for (const auto& address : interface.Ipv6Addresses) out.push_back(address.Ipv6Address.value_or(""));
  if (std::cmp_greater(out.size(), count)) out.erase(out.begin(), out.end() - count);
  return out;
}

Result<void> bring_ipv6(Work& work, const Instance& instance, const Value& before) {
  const auto old_list = ipv6_list(before), new_list = ipv6_list(instance.properties);
  BRUME_TRY(old_count, read<std::int32_t>(before, "Ipv6AddressCount"));
  BRUME_TRY(new_count, read<std::int32_t>(instance.properties, "Ipv6AddressCount"));
  std::vector<std::string> gone = missing_in(old_list, new_list);
  if (new_count < old_count) {
    BRUME_TRY(last, last_addresses(work, instance.physical_id, old_count - new_count));
    gone.insert(gone.end(), last.begin(), last.end());
  }
  if (!gone.empty()) {
    ec2::UnassignIpv6AddressesRequest request;
    request.NetworkInterfaceId = instance.physical_id;
    request.Ipv6Addresses = std::move(gone);
    BRUME_CHECK(work.apis.ec2.UnassignIpv6Addresses(work.call, request));
  }
  ec2::AssignIpv6AddressesRequest request;
  request.NetworkInterfaceId = instance.physical_id;
  request.Ipv6Addresses = missing_in(new_list, old_list);
  if (new_count > old_count) request.Ipv6AddressCount = new_count - old_count;
  if (request.Ipv6Addresses.empty() && !request.Ipv6AddressCount) return {};
  BRUME_CHECK(work.apis.ec2.AssignIpv6Addresses(work.call, request));
  return {};
}

Result<void> update_interface(Work& work, Instance& instance, const Value& before) {
  const Value& now = instance.properties;
  const std::string& id = instance.physical_id;
  if (changed(before, now, "GroupSet"))
    BRUME_CHECK(modify_interface(work, id, [&](auto& request) { request.Groups = text_list(now, "GroupSet"); }));
  if (changed(before, now, "Description"))
    BRUME_CHECK(modify_interface(
        work, id, [&](auto& request) { request.Description.emplace().Value = instance.text("Description"); }));
  if (changed(before, now, "SourceDestCheck"))
    BRUME_CHECK(modify_interface(work, id, [&](auto& request) {
      request.SourceDestCheck.emplace().Value = flag(now, "SourceDestCheck", true);
    }));
  BRUME_CHECK(bring_ipv6(work, instance, before));
  return retag_ec2(work, instance, before);
}

Result<void> remove_interface(Work& work, const Instance& instance) {
  ec2::DeleteNetworkInterfaceRequest request;
  request.NetworkInterfaceId = instance.physical_id;
  auto done = work.apis.ec2.DeleteNetworkInterface(work.call, request);
  // EC2 has no code of its own for what passes when the instance is gone.
  if (!done && done.error().message.contains("currently in use"))
    return fail("InvalidNetworkInterface.InUse", "{}", done.error().message);
  return done;
}

// Attachments -------------------------------------------------------------------------------------------------------

Result<void> set_delete_on_termination(Work& work, const Instance& instance) {
  return modify_interface(work, instance.text("NetworkInterfaceId"), [&](auto& request) {
    auto& attachment = request.Attachment.emplace();
    attachment.AttachmentId = instance.physical_id;
    attachment.DeleteOnTermination = flag(instance.properties, "DeleteOnTermination", true);
  });
}

Result<void> create_attachment(Work& work, Instance& instance) {
  BRUME_TRY(request, read<ec2::AttachNetworkInterfaceRequest>(instance.properties));
  BRUME_TRY(made, work.apis.ec2.AttachNetworkInterface(work.call, request));
  instance.physical_id = made.AttachmentId.value_or("");
  set_attribute(instance, "AttachmentId", instance.physical_id);
  return set_delete_on_termination(work, instance);
}

Result<void> remove_attachment(Work& work, const Instance& instance) {
  ec2::DetachNetworkInterfaceRequest request;
  request.AttachmentId = instance.physical_id;
  return work.apis.ec2.DetachNetworkInterface(work.call, request);
}

Result<void> update_attachment(Work& work, Instance& instance, const Value& before) {
  bool moves = false;
  for (const char* name : {"DeviceIndex", "InstanceId", "NetworkInterfaceId"})
    moves |= changed(before, instance.properties, name);
  if (!moves) return set_delete_on_termination(work, instance);
  if (auto gone = remove_attachment(work, instance); !gone && !not_found(gone.error()))
    return std::unexpected(gone.error());
  return create_attachment(work, instance);
}

}  // namespace

std::span<const ResourceType> ec2_interface_types() {
  static const ResourceType types[] = {
      {.name = "AWS::EC2::NetworkInterface",
       .properties = {text("SubnetId", kRequired | kCreateOnly), text("Description"), texts("GroupSet"),
                      text("InterfaceType", kCreateOnly), text("PrivateIpAddress", kCreateOnly),
                      number("Ipv6AddressCount"), property<List<ec2::InstanceIpv6Address>>("Ipv6Addresses"),
                      boolean("SourceDestCheck"), property<Tags>("Tags")},
       .attributes = {"Id", "PrimaryPrivateIpAddress", "VpcId"},
       .create = create_interface,
       .update = update_interface,
       .remove = remove_interface},
      {.name = "AWS::EC2::NetworkInterfaceAttachment",
       .properties = {text("InstanceId", kRequired | kCreateOnly), text("NetworkInterfaceId", kRequired | kCreateOnly),
                      number("DeviceIndex", kRequired | kCreateOnly), boolean("DeleteOnTermination")},
       .attributes = {"AttachmentId"},
       .create = create_attachment,
       .delete_then_create = true,
       .update = update_attachment,
       .remove = remove_attachment},
  };
  return types;
}

}  // namespace brume::cloudformation::resources
