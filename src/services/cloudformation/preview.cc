#include "services/cloudformation/preview.h"

#include <algorithm>
#include <set>

#include "services/cloudformation/resources/properties.h"

namespace brume::cloudformation {
namespace {

using templates::Value;

Change change_of(std::string action, const std::string& id, const std::string& type, const std::string& physical_id) {
  Change change;
  change.Type = "Resource";
  auto& resource = change.ResourceChange.emplace();
  resource.Action = std::move(action);
  resource.LogicalResourceId = id;
  resource.ResourceType = type;
  if (!physical_id.empty()) resource.PhysicalResourceId = physical_id;
  resource.Scope.set_present();
  resource.Details.set_present();
  return change;
}

// Fills in a modification; false if nothing differs.
bool modify(ResourceChange& change, const resources::ResourceType& type, const Value& before, const Value& after) {
  std::string replacement = "False";
  for (const auto& property : type.properties) {
    if (!resources::changed(before, after, property.name)) continue;
    const Value* wanted = after.find(property.name);
    const bool dynamic = wanted && wanted->has_unknown();
    const bool replaces = !type.update || (property.traits & resources::kCreateOnly);
    if (replaces && replacement != "True") replacement = dynamic ? "Conditional" : "True";
    const bool tags = std::string_view(property.name) == "Tags";
    const std::string scope = tags ? "Tags" : "Properties";
    if (std::ranges::find(change.Scope, scope) == change.Scope.end()) change.Scope.push_back(scope);
    auto& detail = change.Details.emplace_back();
    auto& target = detail.Target.emplace();
    target.Attribute = scope;
    if (!tags) target.Name = property.name;
    target.RequiresRecreation = !replaces ? "Never" : dynamic ? "Conditionally" : "Always";
    detail.Evaluation = dynamic ? "Dynamic" : "Static";
    detail.ChangeSource = "DirectModification";
  }
  change.Replacement = replacement;
  return !change.Details.empty();
}

}  // namespace

Result<List<Change>> preview(Engine& engine, const Tables& tables, const StackRecord& stack,
                             const Definition& definition) {
  List<Change> out;
  out.set_present();
  BRUME_TRY(plan, engine.make_plan(stack, definition));
  std::set<std::string> replaced, modified;
  const auto ref = plan->scope.ref;
  const auto attribute = plan->scope.attribute;
  plan->scope.ref = [&](const std::string& id) -> Result<Value> {
    if (replaced.contains(id)) return Value::unknown();
    return ref(id);
  };
  plan->scope.attribute = [&](const std::string& id, const std::string& name) -> Result<Value> {
    if (replaced.contains(id) || modified.contains(id)) return Value::unknown();
    return attribute(id, name);
  };
  for (const std::string& id : plan->order) {
    const auto& resource = *plan->source.resource(id);
    const auto* type = resources::find_type(resource.type);
    const ResourceRecord* record = tables.resources.find(Engine::key(stack.id, id));
    if (!record || record->now.physical_id.empty() || record->status == "DELETE_COMPLETE") {
      out.push_back(change_of("Add", id, resource.type, ""));
      continue;
    }
    BRUME_TRY(properties, engine.wanted_properties(*plan, resource, definition));
    Change change = change_of("Modify", id, resource.type, record->now.physical_id);
    if (record->now.type != resource.type) {
      change.ResourceChange->Replacement = "True";
    } else if (!modify(*change.ResourceChange, *type, instance_of(record->now).properties, properties)) {
      continue;
    }
    modified.insert(id);
    if (change.ResourceChange->Replacement != "False") replaced.insert(id);
    out.push_back(std::move(change));
  }
  for (const std::string& id : engine.logical_ids(stack.id)) {
    if (plan->needs.contains(id)) continue;
    const ResourceRecord& record = *tables.resources.find(Engine::key(stack.id, id));
    if (record.status == "DELETE_COMPLETE") continue;
    out.push_back(change_of("Remove", id, record.now.type, record.now.physical_id));
    if (record.now.deletion_policy == "Retain") out.back().ResourceChange->PolicyAction = "Retain";
  }
  return out;
}

Result<bool> without_effect(Engine& engine, const Tables& tables, const StackRecord& stack,
                            const Definition& definition) {
  BRUME_TRY(changes, preview(engine, tables, stack, definition));
  if (!changes.empty()) return false;
  const auto same_tags = std::ranges::equal(
      stack.now.tags, definition.tags, [](const Tag& a, const Tag& b) { return a.Key == b.Key && a.Value == b.Value; });
  if (!same_tags) return false;
  if (stack.now.template_body == definition.template_body) return true;
  BRUME_TRY(before, templates::read_template(stack.now.template_body));
  BRUME_TRY(after, templates::read_template(definition.template_body));
  const bool same_outputs = std::ranges::equal(before.outputs, after.outputs, [](const auto& a, const auto& b) {
    return a.name == b.name && a.value == b.value && a.export_name == b.export_name && a.condition == b.condition &&
           a.description == b.description;
  });
  const bool same_resources = std::ranges::all_of(after.resources, [&](const auto& b) {
    const auto* a = before.resource(b.id);
    return !a || (a->deletion_policy == b.deletion_policy && a->update_replace_policy == b.update_replace_policy &&
                  a->metadata == b.metadata && a->creation_policy == b.creation_policy &&
                  a->update_policy == b.update_policy);
  });
  return same_outputs && same_resources;
}

}  // namespace brume::cloudformation
