#include "services/cloudformation/resources/apis.h"
#include "services/cloudformation/resources/properties.h"

namespace brume::cloudformation::resources {
namespace {

Result<void> put(Work& work, Instance& instance, bool overwrite) {
  BRUME_TRY(request, read<ssm::PutParameterRequest>(without(instance.properties, {"Tags"})));
  request.Name = instance.physical_id;
  request.Overwrite = overwrite;
  if (!overwrite) request.Tags = all_tags<ssm::Tag>(work, instance.properties);
  BRUME_CHECK(work.apis.ssm.PutParameter(work.call, request));
  instance.attributes.set("Type", Value::string(instance.text("Type")));
  instance.attributes.set("Value", Value::string(instance.text("Value")));
  return {};
}

Result<void> create_parameter(Work& work, Instance& instance) {
  instance.physical_id = instance.properties.find("Name") ? instance.text("Name") : work.name;
  return put(work, instance, false);
}

Result<void> update_parameter(Work& work, Instance& instance, const Value& before) {
  BRUME_CHECK(put(work, instance, true));
  const TagChanges changes = tag_changes(before, instance.properties);
  if (!changes.drop.empty()) {
    ssm::RemoveTagsFromResourceRequest request;
    request.ResourceType = "Parameter";
    request.ResourceId = instance.physical_id;
    request.TagKeys = changes.drop;
    BRUME_CHECK(work.apis.ssm.RemoveTagsFromResource(work.call, request));
  }
  if (changes.put.empty()) return {};
  ssm::AddTagsToResourceRequest request;
  request.ResourceType = "Parameter";
  request.ResourceId = instance.physical_id;
  for (const auto& [key, value] : changes.put) {
    auto& tag = request.Tags.emplace_back();
    tag.Key = key;
    tag.Value = value;
  }
  BRUME_CHECK(work.apis.ssm.AddTagsToResource(work.call, request));
  return {};
}

Result<void> remove_parameter(Work& work, const Instance& instance) {
  ssm::DeleteParameterRequest request;
  request.Name = instance.physical_id;
  BRUME_CHECK(work.apis.ssm.DeleteParameter(work.call, request));
  return {};
}

}  // namespace

std::span<const ResourceType> ssm_types() {
  static const ResourceType types[] = {
      {.name = "AWS::SSM::Parameter",
       .properties = {text("Name", kCreateOnly), text("Type", kRequired), text("Value", kRequired), text("Description"),
                      text("AllowedPattern"), text("Tier"), text("DataType", kCreateOnly),
                      property<Map<std::string>>("Tags")},
       .attributes = {"Type", "Value"},
       .name_property = "Name",
       .create = create_parameter,
       .update = update_parameter,
       .remove = remove_parameter},
  };
  return types;
}

}  // namespace brume::cloudformation::resources
