#include "services/cloudformation/template/evaluate.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/base64.h"
#include "services/cloudformation/template/cidr.h"

namespace brume::cloudformation::templates {
namespace {

using Truth = std::optional<bool>;  // none: not known yet

constexpr std::string_view kSupported =
    "[Fn::Base64, Fn::GetAtt, Fn::GetAZs, Fn::ImportValue, Fn::Join, Fn::Select, Fn::Split, Fn::FindInMap, Fn::Sub, "
    "Fn::If, "
    "Fn::Equals, Fn::And, Fn::Or, Fn::Not, Fn::Cidr]";

// One piece of a Fn::Sub string: literal text, or a name to put in.
struct Piece {
  std::string text;
  bool name = false;
};

Result<std::vector<Piece>> pieces_of(const std::string& text, int line) {
  std::vector<Piece> out;
  std::string literal;
  for (std::size_t at = 0; at < text.size();) {
    if (!text.substr(at, 2).starts_with("${")) {
      literal += text[at++];
      continue;
    }
    const std::size_t end = text.find('}', at);
    if (end == std::string::npos) {  // no closing brace: text
      literal += text.substr(at);
      break;
    }
    std::string name = text.substr(at + 2, end - at - 2);
    at = end + 1;
    if (name.starts_with('!')) {
      literal += "${" + name.substr(1) + "}";
      continue;
    }
    const auto trim = [](std::string& s) {
      while (s.starts_with(' ')) s.erase(0, 1);
      while (s.ends_with(' ')) s.pop_back();
    };
    trim(name);
    const bool good = !name.empty() && std::ranges::all_of(name, [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == ':' ||
             c == '_';
    });
    if (!good)
      return template_error(line,
                            "variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, "
                            "periods, and colons: ${{{}}}",
                            name);
    if (!literal.empty()) out.push_back({std::move(literal), false});
    literal.clear();
    out.push_back({std::move(name), true});
  }
  if (!literal.empty()) out.push_back({std::move(literal), false});
  return out;
}

std::string list_text(const Value& list) {
  std::string out;
  for (const Value& item : list.items) out += (out.empty() ? "" : ",") + item.text;
  return out;
}

class Evaluator {
 public:
  explicit Evaluator(const Scope& scope) : scope_(scope) {}

  Result<Value> value(const Value& in) {
    if (++depth_ > 4 * kMaxDepth) return template_error(in.line, "functions are nested too deeply");
    auto out = value_inner(in);
    --depth_;
    if (out && out->line == 0) out->line = in.line;
    return out;
  }

  Result<Truth> truth(const Value& in) {
    const std::string_view function = function_of(in);
    const int line = in.line;
    if (function == "Condition") return named(in.items[0].text, line);
    if (function.empty() && in.is_scalar() && (in.text == "true" || in.text == "false")) return in.text == "true";
    if (function != "Fn::And" && function != "Fn::Or" && function != "Fn::Not" && function != "Fn::Equals")
      return template_error(line, "every Condition must be made of Fn::And, Fn::Or, Fn::Not, Fn::Equals or Condition");
    const Value& arguments = in.items[0];
    const std::size_t count = arguments.is_list() ? arguments.items.size() : 0;
    if (function == "Fn::Equals") {
      if (count != 2) return template_error(line, "every Fn::Equals object requires a list of 2 string parameters.");
      BRUME_TRY(left, value(arguments.items[0]));
      BRUME_TRY(right, value(arguments.items[1]));
      if (left.has_unknown() || right.has_unknown()) return Truth();
      return left == right;
    }
    if (function == "Fn::Not") {
      if (count != 1)
        return template_error(line, "every Fn::Not object requires a list of exactly 1 boolean parameter.");
      BRUME_TRY(inner, truth(arguments.items[0]));
      return inner ? Truth(!*inner) : Truth();
    }
    if (count < 2 || count > 10)
      return template_error(line, "every {} object requires a list of at least 2 and at most 10 boolean parameters.",
                            function);
    // The value that decides at once: false for And, true for Or.
    const bool deciding = function == "Fn::Or";
    Truth out = !deciding;
    for (const Value& argument : arguments.items) {
      BRUME_TRY(inner, truth(argument));
      if (inner == Truth(deciding)) return Truth(deciding);
      if (!inner) out.reset();
    }
    return out;
  }

  Result<Truth> named(const std::string& name, int line) {
    if (const auto known = scope_.conditions.find(name); known != scope_.conditions.end()) return known->second;
    const Value* definition = scope_.source->conditions.find(name);
    if (!definition)
      return template_error(line, "Unresolved condition dependency {} in the Conditions block of the template", name);
    if (!open_.insert(name).second)
      return template_error(definition->line, "Circular dependency in the Conditions block: {}", name);
    auto out = truth(*definition);
    open_.erase(name);
    return out;
  }

 private:
  Result<Value> value_inner(const Value& in) {
    if (!in.is_map() && !in.is_list()) return in;
    if (const std::string_view function = function_of(in); !function.empty() && function != "Condition")
      return call(function, in.items[0], in.line);
    Value out = in.is_map() ? Value::map(in.line) : Value::list({}, in.line);
    for (std::size_t i = 0; i < in.items.size(); ++i) {
      if (in.is_map() && in.keys[i].starts_with("Fn::"))
        return template_error(in.items[i].line, "{} must be the only key of its object", in.keys[i]);
      BRUME_TRY(item, value(in.items[i]));
      if (item.kind == Value::Kind::null) continue;  // AWS::NoValue
      if (in.is_map()) {
        item.line = in.items[i].line;
        out.keys.push_back(in.keys[i]);
      }
      out.items.push_back(std::move(item));
    }
    return out;
  }

  Result<Value> call(std::string_view function, const Value& argument, int line) {
    if (function == "Ref") {
      if (!argument.is_scalar()) return template_error(line, "every Ref object must have a single String value.");
      return ref(argument.text, line);
    }
    if (function == "Fn::GetAtt") return get_attribute(argument, line);
    if (function == "Fn::Sub") return substitute(argument, line);
    if (function == "Fn::If") return choose(argument, line);
    if (function == "Fn::Join") return join(argument, line);
    if (function == "Fn::Select") return select(argument, line);
    if (function == "Fn::Split") return split(argument, line);
    if (function == "Fn::FindInMap") return find_in_map(argument, line);
    if (function == "Fn::Cidr") return cidr(argument, line);
    if (function == "Fn::Base64" || function == "Fn::GetAZs" || function == "Fn::ImportValue") {
      BRUME_TRY(text, value(argument));
      if (text.is_unknown()) return text;
      if (!text.is_scalar()) return template_error(line, "every {} object must have a String-typed value.", function);
      if (function == "Fn::Base64") return Value::string(base64_encode(text.text), line);
      return located(function == "Fn::GetAZs" ? scope_.zones(text.text) : scope_.import(text.text), line);
    }
    if (function == "Fn::Equals" || function == "Fn::And" || function == "Fn::Or" || function == "Fn::Not")
      return template_error(line, "{} is allowed only in conditions", function);
    if (function == "Fn::Transform" || function == "Fn::ForEach" || function == "Fn::Length" ||
        function == "Fn::ToJsonString")
      return template_error(line, "{} needs a transform, which is not supported", function);
    return template_error(line, "Encountered unsupported function: {} Supported functions are: {}", function,
                          kSupported);
  }

  static Result<Value> located(Result<Value> result, int line) {
    if (result || result.error().code != "ValidationError" || result.error().message.ends_with(')')) return result;
    return fail("ValidationError", "{} (line {})", result.error().message, line);
  }

  Result<Value> ref(const std::string& name, int line) {
    if (name == "AWS::NoValue") return Value{.line = line};
    if (const auto parameter = scope_.parameters.find(name); parameter != scope_.parameters.end())
      return parameter->second;
    if (scope_.source->resource(name)) return scope_.ref(name);
    return fail(
        "ValidationError",
        "Template format error: Unresolved resource dependencies [{}] in the Resources block of the template (line {})",
        name, line);
  }

  Result<Value> attribute(const std::string& id, const std::string& name, int line) {
    if (!scope_.source->resource(id))
      return template_error(line, "instance of Fn::GetAtt references undefined resource {}", id);
    return located(scope_.attribute(id, name), line);
  }

  Result<Value> get_attribute(const Value& argument, int line) {
    const bool good = argument.is_list() && argument.items.size() == 2 && argument.items[0].is_scalar();
    if (!good)
      return template_error(
          line, "Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute");
    BRUME_TRY(name, value(argument.items[1]));
    if (name.is_unknown()) return name;
    if (!name.is_scalar() || name.text.empty())
      return template_error(
          line, "Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute");
    return attribute(argument.items[0].text, name.text, line);
  }

  Result<Value> substitute(const Value& argument, int line) {
    const bool with_map =
        argument.is_list() && argument.items.size() == 2 && argument.items[0].is_scalar() && argument.items[1].is_map();
    if (!with_map && !argument.is_scalar())
      return template_error(
          line,
          "One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first "
          "argument, and an optional second argument to specify a mapping of values to replace in the string");
    BRUME_TRY(pieces, pieces_of(with_map ? argument.items[0].text : argument.text, line));
    std::string out;
    bool unknown = false;
    for (const Piece& piece : pieces) {
      if (!piece.name) {
        out += piece.text;
        continue;
      }
      const Value* given = with_map ? argument.items[1].find(piece.text) : nullptr;
      const std::size_t dot = piece.text.find('.');
      BRUME_TRY(part, given ? value(*given)
                      : dot == std::string::npos
                          ? ref(piece.text, line)
                          : attribute(piece.text.substr(0, dot), piece.text.substr(dot + 1), line));
      if (part.has_unknown())
        unknown = true;
      else if (part.is_scalar())
        out += part.text;
      else if (part.is_list())
        out += list_text(part);
      else
        return template_error(line, "Fn::Sub: ${{{}}} is not a string", piece.text);
    }
    return unknown ? Value::unknown(line) : Value::string(std::move(out), line);
  }

  Result<Value> choose(const Value& argument, int line) {
    if (!argument.is_list() || argument.items.size() != 3 || !argument.items[0].is_scalar())
      return template_error(
          line, "Fn::If requires a list argument with three elements, the first of them a condition's name");
    BRUME_TRY(holds, named(argument.items[0].text, line));
    if (holds) return value(argument.items[*holds ? 1 : 2]);
    for (int branch : {1, 2}) BRUME_CHECK(value(argument.items[std::size_t(branch)]));
    return Value::unknown(line);
  }

  Result<Value> join(const Value& argument, int line) {
    if (!argument.is_list() || argument.items.size() != 2 || !argument.items[0].is_scalar())
      return template_error(
          line,
          "every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be "
          "joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.");
    BRUME_TRY(list, value(argument.items[1]));
    if (list.has_unknown()) return Value::unknown(line);
    if (!list.is_list()) return template_error(line, "Fn::Join: the second parameter is not a list");
    std::string out;
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      if (!list.items[i].is_scalar())
        return template_error(line, "Fn::Join: element {} of the list is not a string", i);
      out += (i ? argument.items[0].text : "") + list.items[i].text;
    }
    return Value::string(std::move(out), line);
  }

  Result<std::optional<int>> integer(const Value& in, std::string_view what, int line) {
    BRUME_TRY(given, value(in));
    if (given.is_unknown()) return std::nullopt;
    int out = 0;
    const auto [end, problem] = std::from_chars(given.text.data(), given.text.data() + given.text.size(), out);
    if (!given.is_scalar() || problem != std::errc() || end != given.text.data() + given.text.size())
      return template_error(line, "{} must be an integer", what);
    return out;
  }

  Result<Value> select(const Value& argument, int line) {
    if (!argument.is_list() || argument.items.size() != 2)
      return template_error(line, "Fn::Select requires a list argument with two elements: an integer index and a list");
    BRUME_TRY(index, integer(argument.items[0], "the index of Fn::Select", line));
    BRUME_TRY(list, value(argument.items[1]));
    if (!index || list.is_unknown()) return Value::unknown(line);
    if (!list.is_list())
      return template_error(line, "Fn::Select requires a list argument with two elements: an integer index and a list");
    if (*index < 0 || std::size_t(*index) >= list.items.size())
      return template_error(line, "Fn::Select cannot select nonexistent value at index {}", *index);
    return list.items[std::size_t(*index)];
  }

  Result<Value> split(const Value& argument, int line) {
    if (!argument.is_list() || argument.items.size() != 2 || !argument.items[0].is_scalar() ||
        argument.items[0].text.empty())
      return template_error(
          line,
          "every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or "
          "a function that returns a string to be split.");
    BRUME_TRY(text, value(argument.items[1]));
    if (text.is_unknown()) return text;
    if (!text.is_scalar()) return template_error(line, "Fn::Split: the second parameter is not a string");
    Value out = Value::list({}, line);
    const std::string& delimiter = argument.items[0].text;
    std::size_t start = 0;
    for (std::size_t at; (at = text.text.find(delimiter, start)) != std::string::npos; start = at + delimiter.size())
      out.items.push_back(Value::string(text.text.substr(start, at - start), line));
    out.items.push_back(Value::string(text.text.substr(start), line));
    return out;
  }

  Result<Value> find_in_map(const Value& argument, int line) {
    const std::size_t count = argument.is_list() ? argument.items.size() : 0;
    const Value* otherwise = count == 4 ? argument.items[3].find("DefaultValue") : nullptr;
    if (count != 3 && !otherwise)
      return template_error(line,
                            "every Fn::FindInMap object requires three parameters, the map name, map key and the "
                            "attribute for return value");
    std::vector<std::string> names;
    for (std::size_t i = 0; i < 3; ++i) {
      BRUME_TRY(name, value(argument.items[i]));
      if (name.is_unknown()) return name;
      if (!name.is_scalar()) return template_error(line, "Fn::FindInMap: parameter {} is not a string", i + 1);
      names.push_back(name.text);
    }
    const Value* found = scope_.source->mappings.find(names[0]);
    if (!found && !otherwise)
      return template_error(line, "Mapping named '{}' is not present in the 'Mappings' section of template.", names[0]);
    if (found) found = found->find(names[1]);
    if (found) found = found->find(names[2]);
    if (found) return *found;
    if (otherwise) return value(*otherwise);
    return template_error(line, "Unable to get mapping for {}::{}::{}", names[0], names[1], names[2]);
  }

  Result<Value> cidr(const Value& argument, int line) {
    const std::size_t given = argument.is_list() ? argument.items.size() : 0;
    if (given != 2 && given != 3)
      return template_error(line,
                            "every Fn::Cidr object requires two or three parameters: an IP address block, a count and "
                            "the bits of each subnet");
    BRUME_TRY(block, value(argument.items[0]));
    BRUME_TRY(count, integer(argument.items[1], "the count of Fn::Cidr", line));
    std::optional<int> bits = 8;
    if (given == 3) {
      BRUME_TRY(written, integer(argument.items[2], "cidrBits of Fn::Cidr", line));
      bits = written;
    }
    if (block.is_unknown() || !count || !bits) return Value::unknown(line);
    auto blocks = split_cidr(block.text, *count, *bits);
    if (!blocks) return template_error(line, "{}", blocks.error().message);
    Value out = Value::list({}, line);
    for (std::string& one : *blocks) out.items.push_back(Value::string(std::move(one), line));
    return out;
  }

  const Scope& scope_;
  std::set<std::string, std::less<>> open_;
  int depth_ = 0;
};

// Replaces {{resolve:…}} in every string.
Result<Value> resolve_all(Value value, const Scope& scope) {
  for (Value& item : value.items) {
    BRUME_TRY(resolved, resolve_all(std::move(item), scope));
    item = std::move(resolved);
  }
  if (value.kind != Value::Kind::string) return value;
  constexpr std::string_view kStart = "{{resolve:";
  std::string out;
  std::size_t done = 0;
  for (std::size_t at; (at = value.text.find(kStart, done)) != std::string::npos;) {
    const std::size_t end = value.text.find("}}", at), name = at + kStart.size();
    const std::size_t colon = value.text.find(':', name);
    if (end == std::string::npos || colon == std::string::npos || colon > end)
      return template_error(value.line, "a dynamic reference is not well-formed: {}", value.text.substr(at));
    const std::string service = value.text.substr(name, colon - name);
    if (service != "ssm")
      return template_error(value.line, "dynamic references to {} are not supported, only to ssm", service);
    BRUME_TRY(text, scope.resolve(service, value.text.substr(colon + 1, end - colon - 1)));
    if (text.is_unknown()) return Value::unknown(value.line);
    out += value.text.substr(done, at - done) + text.text;
    done = end + 2;
  }
  if (done) value.text = out + value.text.substr(done);
  return value;
}

void collect(const Value& value, const std::map<std::string, bool, std::less<>>* conditions,
             std::vector<Reference>& out) {
  const std::string_view function = function_of(value);
  if (function == "Ref" && value.items[0].is_scalar()) {
    out.push_back({value.items[0].text, "", value.line});
    return;
  }
  if (function == "Fn::GetAtt" && value.items[0].is_list() && value.items[0].items.size() == 2) {
    const auto& parts = value.items[0].items;
    if (parts[0].is_scalar()) out.push_back({parts[0].text, parts[1].is_scalar() ? parts[1].text : "*", value.line});
    collect(parts[1], conditions, out);
    return;
  }
  if (function == "Fn::Sub") {
    const Value& argument = value.items[0];
    const Value* given = argument.is_list() && argument.items.size() == 2 ? &argument.items[1] : nullptr;
    const Value& text = given ? argument.items[0] : argument;
    if (auto pieces = pieces_of(text.text, value.line)) {
      for (const Piece& piece : *pieces) {
        if (!piece.name || (given && given->find(piece.text))) continue;
        const std::size_t dot = piece.text.find('.');
        out.push_back(
            {piece.text.substr(0, dot), dot == std::string::npos ? "" : piece.text.substr(dot + 1), value.line});
      }
    }
    if (given) collect(*given, conditions, out);
    return;
  }
  if (function == "Fn::If" && conditions && value.items[0].items.size() == 3) {
    const auto known = conditions->find(value.items[0].items[0].text);
    if (known != conditions->end()) return collect(value.items[0].items[known->second ? 1 : 2], conditions, out);
  }
  for (const Value& item : value.items) collect(item, conditions, out);
}

}  // namespace

std::string_view function_of(const Value& value) {
  if (!value.is_map() || value.keys.size() != 1) return {};
  const std::string& key = value.keys[0];
  if (key == "Ref" || key.starts_with("Fn::") || (key == "Condition" && value.items[0].kind == Value::Kind::string))
    return key;
  return {};
}

Result<Value> evaluate(const Value& value, const Scope& scope) {
  BRUME_TRY(out, Evaluator(scope).value(value));
  return resolve_all(std::move(out), scope);
}

Result<void> evaluate_conditions(Scope& scope) {
  for (std::size_t i = 0; i < scope.source->conditions.keys.size(); ++i) {
    const std::string& name = scope.source->conditions.keys[i];
    BRUME_TRY(truth, Evaluator(scope).named(name, scope.source->conditions.items[i].line));
    if (truth) scope.conditions[name] = *truth;
  }
  return {};
}

Result<bool> holds(const std::string& condition, const Scope& scope, int line) {
  if (condition.empty()) return true;
  BRUME_TRY(truth, Evaluator(scope).named(condition, line));
  return truth.value_or(true);
}

std::vector<Reference> references(const Value& value, const std::map<std::string, bool, std::less<>>* conditions) {
  std::vector<Reference> out;
  collect(value, conditions, out);
  return out;
}

}  // namespace brume::cloudformation::templates
