#include "services/iam/policy_document.h"

#include <boost/json.hpp>

namespace brume::iam {
namespace {

namespace json = boost::json;

std::unexpected<Error> malformed(std::string_view what) {
  return fail("MalformedPolicyDocument", "Syntax errors in policy: {}.", what);
}

// A condition's values may be numbers and booleans.
std::optional<std::string> scalar(const json::value& value) {
  if (const auto* text = value.if_string()) return std::string(*text);
  if (value.is_bool()) return value.get_bool() ? "true" : "false";
  if (value.is_number()) return std::string(json::serialize(value));
  return {};
}

// A string, or a list of them; never empty.
Result<std::vector<std::string>> strings(const json::value& value, std::string_view element, bool scalars = false) {
  std::vector<std::string> out;
  const auto add = [&](const json::value& item) {
    auto text = scalars || item.is_string() ? scalar(item) : std::nullopt;
    if (text) out.push_back(std::move(*text));
    return text.has_value();
  };
  if (const auto* list = value.if_array()) {
    for (const json::value& item : *list)
      if (!add(item)) return malformed(fmt::format("{} must be a string or a list of strings", element));
  } else if (!add(value)) {
    return malformed(fmt::format("{} must be a string or a list of strings", element));
  }
  if (out.empty()) return malformed(fmt::format("{} is empty", element));
  return out;
}

Result<std::vector<PolicyPrincipal>> principals(const json::value& value, std::string_view element) {
  if (value.is_string() && value.get_string() == "*") return std::vector<PolicyPrincipal>{{"*", "*"}};
  const auto* types = value.if_object();
  if (!types || types->empty()) return malformed(fmt::format("{} must be an object or \"*\"", element));
  std::vector<PolicyPrincipal> out;
  for (const auto& [type, names] : *types) {
    if (type != "AWS" && type != "Service" && type != "Federated" && type != "CanonicalUser")
      return malformed(fmt::format("{} has a type that there is not", element));
    BRUME_TRY(listed, strings(names, element));
    for (std::string& name : listed) out.push_back({type, std::move(name)});
  }
  return out;
}

Result<std::vector<PolicyCondition>> conditions(const json::value& value) {
  const auto* tests = value.if_object();
  if (!tests) return malformed("Condition must be an object");
  std::vector<PolicyCondition> out;
  for (const auto& [test, keys] : *tests) {
    if (!keys.is_object()) return malformed("a condition operator must hold an object");
    for (const auto& [key, values] : keys.get_object()) {
      BRUME_TRY(listed, strings(values, "a condition's value", true));
      out.push_back({test, key, std::move(listed)});
    }
  }
  return out;
}

Result<PolicyStatement> read_statement(const json::value& value, PolicyKind kind) {
  const auto* object = value.if_object();
  if (!object) return malformed("a statement must be an object");
  PolicyStatement out;
  bool effect = false;
  for (const auto& [name, item] : *object) {
    if (name == "Sid") {
      if (!item.is_string()) return malformed("Sid must be a string");
    } else if (name == "Effect") {
      if (!item.is_string() || (item.get_string() != "Allow" && item.get_string() != "Deny"))
        return malformed("Effect must be Allow or Deny");
      out.allow = item.get_string() == "Allow";
      effect = true;
    } else if (name == "Condition") {
      BRUME_TRY(read, conditions(item));
      out.conditions = std::move(read);
    } else if (name == "Principal" || name == "NotPrincipal") {
      BRUME_TRY(read, principals(item, std::string_view(name)));
      (name == "Principal" ? out.principals : out.not_principals) = std::move(read);
    } else if (name == "Action" || name == "NotAction" || name == "Resource" || name == "NotResource") {
      BRUME_TRY(read, strings(item, std::string_view(name)));
      (name == "Action"      ? out.actions
       : name == "NotAction" ? out.not_actions
       : name == "Resource"  ? out.resources
                             : out.not_resources) = std::move(read);
    } else {
      return malformed("a statement has an element that there is not");
    }
  }
  const auto one_of = [](const auto& a, const auto& b) { return a.empty() != b.empty(); };
  const auto none_of = [](const auto& a, const auto& b) { return a.empty() && b.empty(); };
  if (!effect) return malformed("a statement has no Effect");
  if (!one_of(out.actions, out.not_actions)) return malformed("a statement must have Action or NotAction");
  if (kind == PolicyKind::identity) {
    if (!none_of(out.principals, out.not_principals))
      return fail("MalformedPolicyDocument", "Policy document should not specify a principal.");
    if (!one_of(out.resources, out.not_resources))
      return fail("MalformedPolicyDocument", "Policy statement must contain resources.");
  } else {
    if (!none_of(out.resources, out.not_resources))
      return fail("MalformedPolicyDocument", "Has prohibited field Resource");
    if (!one_of(out.principals, out.not_principals))
      return fail("MalformedPolicyDocument", "AssumeRole policy must contain a principal.");
  }
  return out;
}

}  // namespace

Result<PolicyDocument> parse_policy(std::string_view text, PolicyKind kind) {
  boost::system::error_code error;
  const json::value value = json::parse(json::string_view(text.data(), text.size()), error);
  if (error || !value.is_object()) return fail("MalformedPolicyDocument", "This policy contains invalid Json");
  PolicyDocument out;
  const json::value* statement = nullptr;
  for (const auto& [name, item] : value.get_object()) {
    if (name == "Version") {
      if (!item.is_string() || (item.get_string() != "2012-10-17" && item.get_string() != "2008-10-17"))
        return malformed("Version must be 2012-10-17 or 2008-10-17");
      out.has_variables = item.get_string() == "2012-10-17";
    } else if (name == "Statement") {
      statement = &item;
    } else if (name != "Id") {
      return malformed("the document has an element that there is not");
    }
  }
  if (!statement) return malformed("the document has no Statement");
  if (const auto* list = statement->if_array()) {
    for (const json::value& item : *list) {
      BRUME_TRY(read, read_statement(item, kind));
      out.statements.push_back(std::move(read));
    }
  } else {
    BRUME_TRY(read, read_statement(*statement, kind));
    out.statements.push_back(std::move(read));
  }
  return out;
}

}  // namespace brume::iam
