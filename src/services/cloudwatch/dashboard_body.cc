#include "services/cloudwatch/dashboard_body.h"

#include <algorithm>
#include <boost/json.hpp>
#include <set>

namespace brume::cloudwatch {
namespace {

namespace json = boost::json;

constexpr std::size_t kLongest = 1 << 20;
constexpr std::size_t kMostWidgets = 500, kMostMetrics = 500;

class Checker {
 public:
  void root(const json::object& body) {
    unknown(body, "", {"widgets", "start", "end", "periodOverride", "variables"});
    const json::value* widgets = body.if_contains("widgets");
    if (!widgets) return wrong("", "Should have required property 'widgets'");
    const auto* list = widgets->if_array();
    if (!list) return wrong("/widgets", "Should be array");
    if (list->size() > kMostWidgets)
      return wrong("/widgets", fmt::format("Should NOT have more than {} items", kMostWidgets));
    for (std::size_t i = 0; i < list->size(); ++i) widget((*list)[i], fmt::format("/widgets/{}", i));
  }

  List<DashboardValidationMessage> errors, warnings;

 private:
  static void say(List<DashboardValidationMessage>& list, const std::string& path, std::string message) {
    DashboardValidationMessage& said = list.emplace_back();
    said.DataPath = path;
    said.Message = std::move(message);
  }
  void wrong(const std::string& path, std::string message) { say(errors, path, std::move(message)); }
  void unknown(const json::object& object, const std::string& path, const std::set<std::string_view>& known) {
    for (const auto& [name, value] : object)
      if (!known.contains(std::string_view(name)))
        say(warnings, path + "/" + std::string(name),
            fmt::format("Unknown property '{}', will be ignored", std::string(name)));
  }

  void whole_number(const json::object& object, const std::string& path, const char* name, std::int64_t least,
                    std::int64_t most) {
    const json::value* value = object.if_contains(name);
    if (!value) return;
    const std::string where = path + "/" + name;
    if (!value->is_int64()) return wrong(where, "Should be integer");
    if (value->get_int64() < least) wrong(where, fmt::format("Should be >= {}", least));
    if (value->get_int64() > most) wrong(where, fmt::format("Should be <= {}", most));
  }

  void widget(const json::value& value, const std::string& path) {
    static const std::set<std::string_view> kTypes = {"alarm", "custom", "explorer", "log", "metric", "text", "trace"};
    const auto* object = value.if_object();
    if (!object) return wrong(path, "Should be object");
    unknown(*object, path, {"type", "x", "y", "width", "height", "properties"});
    whole_number(*object, path, "x", 0, 23);
    whole_number(*object, path, "y", 0, 1'000'000);
    whole_number(*object, path, "width", 1, 24);
    whole_number(*object, path, "height", 1, 1000);
    const json::value* type = object->if_contains("type");
    if (!type) return wrong(path, "Should have required property 'type'");
    if (!type->is_string() || !kTypes.contains(std::string_view(type->get_string())))
      return wrong(path + "/type", "Should be equal to one of the allowed values");
    const json::value* properties = object->if_contains("properties");
    if (!properties) return wrong(path, "Should have required property 'properties'");
    if (!properties->is_object()) return wrong(path + "/properties", "Should be object");
    const json::object& inner = properties->get_object();
    if (type->get_string() == "text" && (!inner.contains("markdown") || !inner.at("markdown").is_string()))
      wrong(path + "/properties", "Should have required property 'markdown'");
    if (type->get_string() == "metric") metric_widget(inner, path + "/properties");
  }

  void metric_widget(const json::object& properties, const std::string& path) {
    if (!properties.contains("region")) wrong(path, "Should have required property 'region'");
    const json::value* metrics = properties.if_contains("metrics");
    if (!metrics) {
      if (!properties.contains("annotations")) wrong(path, "Should have required property 'metrics'");
      return;
    }
    const auto* list = metrics->if_array();
    if (!list) return wrong(path + "/metrics", "Should be array");
    if (list->size() > kMostMetrics)
      return wrong(path + "/metrics", fmt::format("Should NOT have more than {} items", kMostMetrics));
    for (std::size_t i = 0; i < list->size(); ++i) metric((*list)[i], fmt::format("{}/metrics/{}", path, i));
  }

  // ["Namespace", "Metric", "Dimension", "value", …, {rendering}], or [{"expression": …}].
  void metric(const json::value& value, const std::string& path) {
    const auto* list = value.if_array();
    if (!list || list->empty()) return wrong(path, "Should be array");
    std::size_t names = list->size();
    if (list->back().is_object()) --names;
    for (std::size_t i = 0; i < names; ++i)
      if (!(*list)[i].is_string())
        return wrong(fmt::format("{}/{}", path, i), "Invalid metric field type, only \"String\" type is allowed");
    if (names == 0) {
      if (!list->back().get_object().contains("expression"))
        wrong(path + "/0", "Should have required property 'expression'");
    } else if (names < 2) {
      wrong(path, "Should NOT have fewer than 2 items");
    } else if (names % 2 != 0) {
      wrong(path, fmt::format("Should NOT have more than {} items", names - 1));
    }
  }
};

}  // namespace

Result<List<DashboardValidationMessage>> check_dashboard_body(std::string_view body) {
  if (body.size() > kLongest)
    return fail("InvalidParameterInput", "The field DashboardBody has more than {} bytes", kLongest);
  boost::system::error_code error;
  const json::value value = json::parse(json::string_view(body.data(), body.size()), error);
  if (error || !value.is_object())
    return fail("InvalidParameterInput", "The field DashboardBody must be a valid JSON object");
  Checker checker;
  checker.root(value.get_object());
  if (checker.errors.empty()) return std::move(checker.warnings);
  std::string list;
  for (const DashboardValidationMessage& wrong : checker.errors) {
    if (list.size() > 4096) break;
    list += fmt::format("{}\n  {{\n    \"dataPath\": {},\n    \"message\": {}\n  }}", list.empty() ? "" : ",",
                        json::serialize(json::value(*wrong.DataPath)), json::serialize(json::value(*wrong.Message)));
  }
  return fail("InvalidParameterInput", "The dashboard body is invalid, there are {} validation errors:\n[{}\n]",
              checker.errors.size(), list);
}

}  // namespace brume::cloudwatch
