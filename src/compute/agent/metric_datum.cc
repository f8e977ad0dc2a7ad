#include "compute/agent/metric_datum.h"

#include <algorithm>
#include <span>

#include "compute/agent/text_encoding.h"

namespace brume::agent {
namespace {

using Values = std::span<const std::pair<double, double>>;

std::string values_json(Values values) {
  if (values.size() == 1 && values[0].second == 1) return fmt::format(R"("Value":{})", values[0].first);
  std::string numbers, counts;
  for (const auto& [value, count] : values) {
    numbers += fmt::format("{}{}", numbers.empty() ? "" : ",", value);
    counts += fmt::format("{}{}", counts.empty() ? "" : ",", count);
  }
  return fmt::format(R"("Values":[{}],"Counts":[{}])", numbers, counts);
}

}  // namespace

std::string quoted_json(std::string_view text) {
  std::string out = "\"";
  append_json(text, out);
  return out + "\"";
}

std::vector<std::string> metric_data(const std::vector<std::set<std::string>>& aggregation_dimensions,
                                     const Datum& datum, const Dimensions& appended) {
  Dimensions all = datum.dimensions;
  all.insert(appended.begin(), appended.end());
  while (all.size() > kMaxDimensions) all.erase(std::prev(all.end()));
  std::vector<std::string> out;
  const auto add = [&](const Dimensions& dimensions) {
    std::string listed;
    for (const auto& [name, value] : dimensions)
      listed += fmt::format(R"({}{{"Name":{},"Value":{}}})", listed.empty() ? "" : ",", quoted_json(name),
                            quoted_json(value));
    for (Values rest = datum.values; !rest.empty();) {
      const Values some = rest.first(std::min(rest.size(), kMaxValuesOfADatum));
      rest = rest.subspan(some.size());
      std::string text = fmt::format(R"({{"MetricName":{},"Timestamp":{},{})", quoted_json(datum.metric),
                                     datum.time.time_since_epoch().count() / 1000, values_json(some));
      if (!datum.unit.empty()) text += R"(,"Unit":)" + quoted_json(datum.unit);
      if (datum.high_resolution) text += R"(,"StorageResolution":1)";
      out.push_back(fmt::format(R"({},"Dimensions":[{}]}})", text, listed));
    }
  };
  if (!datum.drop_original) add(all);
  for (const auto& names : aggregation_dimensions) {
    Dimensions some;
    for (const std::string& name : names)
      if (const auto found = all.find(name); found != all.end()) some.insert(*found);
    if (some.size() == names.size() && (some != all || datum.drop_original)) add(some);
  }
  return out;
}

}  // namespace brume::agent
