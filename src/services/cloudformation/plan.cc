#include <algorithm>

#include "services/cloudformation/engine.h"
#include "services/cloudformation/lint.h"
#include "services/cloudformation/pseudo.h"

namespace brume::cloudformation {
namespace {

using templates::Value;

std::string random_letters(std::string_view seed_hex) {
  // 12 characters out of 32, from 5 bits of each two hexadecimal digits: as AWS writes them, upper case and digits.
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string out;
  for (std::size_t i = 0; i + 1 < seed_hex.size(); i += 2) {
    const auto digit = [&](char c) { return unsigned(c <= '9' ? c - '0' : c - 'a' + 10); };
    out += kLetters[(digit(seed_hex[i]) * 16 + digit(seed_hex[i + 1])) % 32];
  }
  return out;
}

// "<stack>-<logical id>-<letters>", the first two cut to fit.
std::string generated_name(std::string stack, std::string logical_id, const std::string& letters, std::size_t limit) {
  const std::size_t room = limit - letters.size() - 2;
  if (stack.size() + logical_id.size() > room) {
    const std::size_t half = room / 2;
    if (stack.size() > half) stack.resize(std::max(half, room - std::min(room - half, logical_id.size())));
    if (stack.size() + logical_id.size() > room) logical_id.resize(room - stack.size());
  }
  while (stack.ends_with('-')) stack.pop_back();
  return stack + "-" + logical_id + "-" + letters;
}

}  // namespace

Value parse_object(const std::string& text) {
  auto value = templates::parse_json(text.empty() ? "{}" : text);
  return value ? *std::move(value) : Value::map();
}

resources::Instance instance_of(const ResourceState& state) {
  return {.physical_id = state.physical_id,
          .properties = parse_object(state.properties),
          .attributes = parse_object(state.attributes)};
}

void record_instance(ResourceState& state, const resources::Instance& instance) {
  state.physical_id = instance.physical_id;
  state.properties = to_json_text(instance.properties);
  state.attributes = to_json_text(instance.attributes);
}

std::map<std::string, std::string> pseudo_parameters(const std::string& region, const std::string& name,
                                                     const std::string& id) {
  return {{"AWS::AccountId", aws::kAccount}, {"AWS::Partition", "aws"},
          {"AWS::Region", region},           {"AWS::StackId", id},
          {"AWS::StackName", name},          {"AWS::URLSuffix", "amazonaws.com"}};
}

std::map<std::string, std::string> given_parameters(const Definition& definition) {
  std::map<std::string, std::string> out;
  for (const Parameter& parameter : definition.parameters)
    out[parameter.ParameterKey.value_or("")] = parameter.ParameterValue.value_or("");
  return out;
}

Result<std::unique_ptr<Plan>> Engine::make_plan(const StackRecord& stack, const Definition& definition) {
  auto plan = std::make_unique<Plan>();
  BRUME_TRY(source, templates::read_template(definition.template_body));
  plan->source = std::move(source);
  // SSM values were looked up when the operation began, and stay what they were then.
  const auto resolved = [&](const std::string& name) -> Result<std::string> {
    for (const Parameter& parameter : definition.parameters)
      if (parameter.ParameterValue == name && parameter.ResolvedValue) return *parameter.ResolvedValue;
    return fail("ValidationError", "Unable to fetch parameters [{}] from parameter store for this account.", name);
  };
  BRUME_TRY(parameters, templates::bind_parameters(plan->source, given_parameters(definition), resolved));
  plan->scope = unknown_scope(plan->source, parameters, pseudo_parameters(context_.region, stack.name, stack.id));
  BRUME_CHECK(evaluate_conditions(plan->scope));
  BRUME_TRY(needs, templates::dependencies(plan->source, plan->scope));
  plan->needs = std::move(needs);
  BRUME_TRY(order, templates::in_order(plan->needs));
  plan->order = std::move(order);

  const std::string id = stack.id;
  plan->scope.ref = [this, id](const std::string& logical_id) -> Result<Value> {
    const Record* record = tables_.resources.find(key(id, logical_id));
    if (!record || record->now.physical_id.empty()) return Value::unknown();
    return Value::string(record->now.physical_id);
  };
  plan->scope.attribute = [this, id](const std::string& logical_id, const std::string& name) -> Result<Value> {
    const Record* record = tables_.resources.find(key(id, logical_id));
    if (!record || record->now.physical_id.empty()) return Value::unknown();
    resources::Instance instance = instance_of(record->now);
    const auto* type = resources::find_type(record->now.type);
    if (const StackRecord* owner = tables_.stacks.find(id); owner && type && type->is_live(name)) {
      resources::Work work = work_for(*owner, logical_id, record->now);
      BRUME_CHECK(type->settled(work, instance));
    }
    if (const Value* value = instance.attributes.find(name)) return *value;
    return fail("ValidationError", "Resource {} does not support attribute type {} in Fn::GetAtt", logical_id, name);
  };
  plan->scope.zones = [this](const std::string& region) -> Result<Value> {
    if (!region.empty() && region != context_.region)
      return fail("ValidationError", "Template error: Fn::GetAZs of another region ({}) is not supported", region);
    BRUME_TRY(found, apis_.ec2.DescribeAvailabilityZones(context_.call("cloudformation"), {}));
    std::vector<std::string> names;
    for (const auto& zone : found.AvailabilityZones)
      if (zone.State.value_or("available") == "available") names.push_back(zone.ZoneName.value_or(""));
    std::ranges::sort(names);
    Value out = Value::list();
    for (std::string& name : names) out.items.push_back(Value::string(std::move(name)));
    return out;
  };
  plan->scope.import = [this](const std::string& name) { return find_export(name); };
  plan->scope.resolve = [this](const std::string&, const std::string& reference) -> Result<Value> {
    ssm::GetParameterRequest request;
    request.Name = reference;
    BRUME_TRY(found, apis_.ssm.GetParameter(context_.call("cloudformation"), request));
    if (found.Parameter && found.Parameter->Type == "SecureString")
      return fail("ValidationError", "SSM Secure reference is not supported in: {{{{resolve:ssm:{}}}}}", reference);
    return Value::string(found.Parameter ? found.Parameter->Value.value_or("") : "");
  };
  return plan;
}

const Plan* Engine::plan_of(const StackRecord& stack) {
  auto& [operation, plan] = plans_[stack.id];
  if (plan && operation == stack.operation) return plan.get();
  auto made = make_plan(stack, stack.now);
  if (!made) return nullptr;
  operation = stack.operation;
  plan = *std::move(made);
  return plan.get();
}

Result<Value> Engine::wanted_properties(const Plan& plan, const templates::Resource& resource,
                                        const Definition& definition) {
  BRUME_TRY(properties, evaluate(resource.properties, plan.scope));
  const auto* type = resources::find_type(resource.type);
  const auto* tags = type ? type->find("Tags") : nullptr;
  if (!tags || definition.tags.empty()) return std::move(properties);
  const bool as_map = tags->shape()->kind == Kind::map;
  Value merged = as_map ? Value::map() : Value::list();
  if (const Value* own = properties.find("Tags")) merged = *own;
  for (const Tag& tag : definition.tags) {
    const std::string name = tag.Key.value_or(""), value = tag.Value.value_or("");
    if (as_map) {
      if (!merged.find(name)) merged.set(name, Value::string(value));
      continue;
    }
    // The resource's own tag wins over the stack's.
    if (std::ranges::any_of(merged.items, [&](const Value& item) { return item.text_of("Key") == name; })) continue;
    Value item = Value::map();
    item.set("Key", Value::string(name));
    item.set("Value", Value::string(value));
    if (resource.type == "AWS::AutoScaling::AutoScalingGroup") item.set("PropagateAtLaunch", Value::boolean(true));
    merged.items.push_back(std::move(item));
  }
  properties.set("Tags", std::move(merged));
  return std::move(properties);
}

Result<Value> Engine::find_export(const std::string& name) const {
  for (const auto& [id, stack] : tables_.stacks.rows()) {
    if (stack.status == "DELETE_COMPLETE") continue;
    for (const Output& output : stack.outputs)
      if (output.ExportName == name) return Value::string(output.OutputValue.value_or(""));
  }
  return fail("ValidationError", "No export named {} found.", name);
}

resources::Work Engine::work_for(const StackRecord& stack, const std::string& logical_id, const ResourceState& state) {
  const auto* type = resources::find_type(state.type);
  const std::string uuid = stack.id.substr(stack.id.rfind('/') + 1);
  return {.apis = apis_,
          .call = context_.call("cloudformation"),
          .name = generated_name(stack.name, logical_id, random_letters(context_.env.random.hex(24)),
                                 type ? type->name_limit : 255),
          .token = fmt::format("{}-{}-{}", uuid.substr(0, 13), logical_id.substr(0, 40), state.generation),
          .system_tags = {{"aws:cloudformation:stack-name", stack.name},
                          {"aws:cloudformation:stack-id", stack.id},
                          {"aws:cloudformation:logical-id", logical_id}},
          .update_policy = parse_object(state.update_policy)};
}

}  // namespace brume::cloudformation
