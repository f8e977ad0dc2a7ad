#include "services/sts/resources.h"

#include <algorithm>

namespace brume::sts {
namespace {

struct Row {
  std::string_view service, operation, member;
  std::string_view prefix;  // of the ARN's resource, after another service's name if it is not this one's; empty: the
                            // member is an ARN
};
constexpr Row kRows[] = {
    {"ec2", "GetConsoleOutput", "InstanceId", "instance/"},
    {"ec2", "ModifyInstanceAttribute", "InstanceId", "instance/"},
    {"ec2", "ModifyInstanceMetadataOptions", "InstanceId", "instance/"},
    {"ec2", "RebootInstances", "InstanceIds", "instance/"},
    {"ec2", "StartInstances", "InstanceIds", "instance/"},
    {"ec2", "StopInstances", "InstanceIds", "instance/"},
    {"ec2", "TerminateInstances", "InstanceIds", "instance/"},
    {"elasticloadbalancing", "DeregisterTargets", "TargetGroupArn", ""},
    {"elasticloadbalancing", "RegisterTargets", "TargetGroupArn", ""},
    {"ssm", "DeleteParameter", "Name", "parameter/"},
    {"ssm", "DeleteParameters", "Names", "parameter/"},
    {"ssm", "GetParameter", "Name", "parameter/"},
    {"ssm", "GetParameterHistory", "Name", "parameter/"},
    {"ssm", "GetParameters", "Names", "parameter/"},
    {"ssm", "GetParametersByPath", "Path", "parameter/"},
    {"ssm", "PutParameter", "Name", "parameter/"},
    {"ssm", "StartSession", "DocumentName", "document/"},
    {"ssm", "StartSession", "Target", "ec2:instance/"},
    {"ssm", "TerminateSession", "SessionId", "session/"},
};

const void* find(const aws::Operation& operation, const void* input, std::string_view path, const Shape** shape) {
  const Shape* at = operation.input && input ? operation.input() : nullptr;
  while (at) {
    const std::size_t dot = path.find('.');
    const Member* member = at->kind == Kind::structure ? at->find(path.substr(0, dot)) : nullptr;
    input = member ? member->get(input) : nullptr;
    if (!input) return nullptr;
    at = *shape = member->shape();
    if (dot == std::string_view::npos) return input;
    path.remove_prefix(dot + 1);
  }
  return nullptr;
}

// Nothing where it is neither a string nor a list of strings, or there is none.
std::vector<std::string> texts(const aws::Operation& operation, const void* input, std::string_view path) {
  const Shape* shape = nullptr;
  const void* value = find(operation, input, path, &shape);
  if (!value) return {};
  if (shape->kind == Kind::string) return {*static_cast<const std::string*>(value)};
  if (shape->kind != Kind::list || shape->element()->kind != Kind::string) return {};
  std::vector<std::string> out;
  for (std::size_t i = 0; i < shape->list->size(value); ++i)
    out.push_back(*static_cast<const std::string*>(shape->list->at(value, i)));
  return out;
}

std::optional<std::string> arn_of(const Row& row, const std::string& region, std::string text) {
  if (row.prefix.empty()) return text;
  if (text.starts_with("arn:")) return {};  // may be one with a version
  if (row.prefix == "parameter/") {
    // "/a/b:3" is version 3 of "/a/b", whose ARN has one slash before it.
    text = text.substr(0, text.find(':'));
    if (text.starts_with('/')) text.erase(0, 1);
  }
  if (text.empty()) return {};
  const std::size_t colon = row.prefix.find(':');
  const std::string_view service = colon == std::string_view::npos ? row.service : row.prefix.substr(0, colon);
  return fmt::format("arn:aws:{}:{}:{}:{}{}", service, region, aws::kAccount,
                     row.prefix.substr(colon == std::string_view::npos ? 0 : colon + 1), text);
}

}  // namespace

std::optional<std::string> text_member(const aws::Operation& operation, const void* input, std::string_view path) {
  auto found = texts(operation, input, path);
  return found.size() == 1 ? std::optional(std::move(found.front())) : std::nullopt;
}

bool has_member(const aws::Operation& operation, const void* input, std::string_view name) {
  const Shape* shape = nullptr;
  return find(operation, input, name, &shape) != nullptr;
}

std::vector<std::optional<std::string>> resources_of(const aws::ServiceModel& service, const aws::Operation& operation,
                                                     const void* input, const std::string& region) {
  const std::string_view signing = service.signing_name, name = operation.name;
  if ((signing == "ec2" || signing == "autoscaling" || signing == "elasticloadbalancing") &&
      name.starts_with("Describe") && name.find("Attribute") == std::string_view::npos)
    return {"*"};
  std::vector<std::optional<std::string>> out;
  for (const Row& row : kRows)
    if (row.service == signing && row.operation == name)
      for (std::string& text : texts(operation, input, row.member)) out.push_back(arn_of(row, region, std::move(text)));
  if (out.empty()) out.emplace_back();
  return out;
}

}  // namespace brume::sts
