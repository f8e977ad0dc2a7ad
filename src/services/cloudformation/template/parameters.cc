#include "services/cloudformation/template/parameters.h"

#include <algorithm>
#include <charconv>
#include <regex>

namespace brume::cloudformation::templates {
namespace {

struct IdType {
  std::string_view type, prefix;
};
// AWS-specific types of which CloudFormation checks the form; whether it exists is the service's business.
constexpr IdType kIdTypes[] = {{"AWS::EC2::VPC::Id", "vpc-"},
                               {"AWS::EC2::Subnet::Id", "subnet-"},
                               {"AWS::EC2::SecurityGroup::Id", "sg-"},
                               {"AWS::EC2::Image::Id", "ami-"},
                               {"AWS::EC2::Instance::Id", "i-"},
                               {"AWS::EC2::Volume::Id", "vol-"},
                               {"AWS::EC2::SecurityGroup::GroupName", ""},
                               {"AWS::EC2::KeyPair::KeyName", ""},
                               {"AWS::EC2::AvailabilityZone::Name", ""},
                               {"AWS::Route53::HostedZone::Id", ""}};

std::string trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> out;
  if (text.empty()) return out;
  for (std::size_t start = 0;;) {
    const std::size_t comma = text.find(',', start);
    out.push_back(trimmed(text.substr(start, comma - start)));
    if (comma == std::string_view::npos) return out;
    start = comma + 1;
  }
}

std::optional<double> number(std::string_view text) {
  double out = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
  return problem == std::errc() && end == text.data() + text.size() ? std::optional(out) : std::nullopt;
}

// "List<X>" → X; CommaDelimitedList → String.
bool list_type(std::string_view type, std::string_view& element) {
  if (type == "CommaDelimitedList") {
    element = "String";
    return true;
  }
  if (!type.starts_with("List<") || !type.ends_with('>')) {
    element = type;
    return false;
  }
  element = type.substr(5, type.size() - 6);
  return true;
}

bool ssm_value(std::string_view type, std::string_view& inner) {
  constexpr std::string_view kStart = "AWS::SSM::Parameter::Value<";
  if (!type.starts_with(kStart) || !type.ends_with('>')) return false;
  inner = type.substr(kStart.size(), type.size() - kStart.size() - 1);
  return true;
}

std::unexpected<Error> broken(const Parameter& parameter, std::string_view otherwise) {
  if (!parameter.constraint_description.empty())
    return fail("ValidationError", "Parameter {} failed to satisfy constraint: {}", parameter.name,
                parameter.constraint_description);
  return fail("ValidationError", "Parameter '{}' {}", parameter.name, otherwise);
}

Result<void> check_one(const Parameter& parameter, std::string_view type, const std::string& text) {
  if (type == "Number" && !number(text))
    return fail("ValidationError", "Parameter '{}' must be a number.", parameter.name);
  for (const IdType& id : kIdTypes) {
    if (id.type != type) continue;
    if (text.empty() || !text.starts_with(id.prefix))
      return fail(
          "ValidationError",
          "Parameter validation failed: parameter value {} for parameter name {} does not exist or is not of type {}",
          text.empty() ? "''" : text, parameter.name, type);
  }
  if (!parameter.allowed_values.empty() &&
      std::ranges::find(parameter.allowed_values, text) == parameter.allowed_values.end()) {
    std::string all;
    for (const std::string& value : parameter.allowed_values) all += (all.empty() ? "" : ", ") + value;
    return broken(parameter, fmt::format("must be one of AllowedValues: [{}]", all));
  }
  if (parameter.allowed_pattern) {
    try {
      // Polynomial: a pattern cannot be made to take for ever. Short and shallow: the compiler recurses.
      constexpr auto kFlags = std::regex_constants::ECMAScript | std::regex_constants::__polynomial;
      if (parameter.allowed_pattern->size() > 1024 || std::ranges::count(*parameter.allowed_pattern, '(') > 64)
        return format_error(parameter.line, "AllowedPattern of parameter {} is too long or has too many groups",
                            parameter.name);
      if (!std::regex_match(text, std::regex(*parameter.allowed_pattern, kFlags)))
        return broken(parameter, fmt::format("must match pattern {}", *parameter.allowed_pattern));
    } catch (const std::regex_error&) {
      return format_error(parameter.line, "AllowedPattern of parameter {} is not a valid regular expression",
                          parameter.name);
    }
  }
  return {};
}

Result<void> check_bounds(const Parameter& parameter, std::string_view type, const std::string& text) {
  if (type == "Number") {
    const double value = number(text).value_or(0);
    if (parameter.min_value && value < *parameter.min_value)
      return broken(parameter, fmt::format("must be a number not less than {}", *parameter.min_value));
    if (parameter.max_value && value > *parameter.max_value)
      return broken(parameter, fmt::format("must be a number not greater than {}", *parameter.max_value));
    return {};
  }
  if (parameter.min_length && text.size() < *parameter.min_length)
    return broken(parameter, fmt::format("must contain at least {} characters", *parameter.min_length));
  if (parameter.max_length && text.size() > *parameter.max_length)
    return broken(parameter, fmt::format("must contain at most {} characters", *parameter.max_length));
  return {};
}

Result<Value> typed(const Parameter& parameter, std::string_view type, const std::string& text, bool constraints) {
  std::string_view element;
  if (!list_type(type, element)) {
    if (constraints) {
      BRUME_CHECK(check_one(parameter, element, text));
      BRUME_CHECK(check_bounds(parameter, element, text));
    }
    return Value::string(text);
  }
  Value out = Value::list();
  for (std::string& item : split(text)) {
    if (constraints) {
      BRUME_CHECK(check_one(parameter, element, item));
      BRUME_CHECK(check_bounds(parameter, element, item));
    }
    out.items.push_back(Value::string(std::move(item)));
  }
  return out;
}

}  // namespace

bool known_parameter_type(std::string_view type) {
  std::string_view inner = type, element;
  if (type == "AWS::SSM::Parameter::Name") return true;
  ssm_value(type, inner);
  list_type(inner, element);
  return element == "String" || element == "Number" ||
         std::ranges::find(kIdTypes, element, &IdType::type) != std::end(kIdTypes);
}

Result<ParameterValues> bind_parameters(const Template& source, const std::map<std::string, std::string>& given,
                                        const LookUp& look_up, bool allow_missing) {
  std::string unknown, missing;
  for (const auto& [name, value] : given)
    if (!source.parameter(name)) unknown += (unknown.empty() ? "" : ", ") + name;
  if (!unknown.empty()) return fail("ValidationError", "Parameters: [{}] do not exist in the template", unknown);
  ParameterValues out;
  for (const Parameter& parameter : source.parameters) {
    if (!known_parameter_type(parameter.type))
      return format_error(parameter.line, "Unrecognized parameter type: {} of parameter {}", parameter.type,
                          parameter.name);
    const auto found = given.find(parameter.name);
    if (found == given.end() && !parameter.default_value) {
      missing += (missing.empty() ? "" : ", ") + parameter.name;
      out[parameter.name] = {"", Value::unknown(), false};
      continue;
    }
    ParameterValue bound{
        .given = found == given.end() ? *parameter.default_value : found->second, .value = {}, .resolved = false};
    if (bound.given.size() > 4096)
      return fail("ValidationError", "Parameter '{}' is longer than 4096 bytes", parameter.name);
    std::string_view inner;
    if (ssm_value(parameter.type, inner)) {
      // Constraints hold for the name that was given, not for the value behind it.
      BRUME_CHECK(check_one(parameter, "String", bound.given));
      BRUME_CHECK(check_bounds(parameter, "String", bound.given));
      auto text = look_up(bound.given);
      if (!text) {
        if (!allow_missing) return std::unexpected(text.error());
        bound.value = Value::unknown();
      } else {
        BRUME_TRY(value, typed(parameter, inner, *text, false));
        bound.value = std::move(value);
      }
      bound.resolved = true;
    } else {
      BRUME_TRY(value, typed(parameter, parameter.type, bound.given, true));
      bound.value = std::move(value);
    }
    out[parameter.name] = std::move(bound);
  }
  if (!missing.empty() && !allow_missing) return fail("ValidationError", "Parameters: [{}] must have values", missing);
  return out;
}

}  // namespace brume::cloudformation::templates
