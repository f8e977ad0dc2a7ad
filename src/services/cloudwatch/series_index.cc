#include "services/cloudwatch/series_index.h"

#include <algorithm>

namespace brume::cloudwatch {
namespace {

// The text before the next NUL of `rest`, which it is taken off.
std::string_view next_part(std::string_view& rest) {
  const std::size_t end = rest.find('\0');
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(rest.size(), part.size() + 1));
  return part;
}

bool has_dimensions(std::string_view dimensions, const MetricFilter& filter) {
  if (filter.dimensions.empty()) return !filter.exact_dimensions || dimensions.empty();
  std::size_t found = 0, all = 0;
  while (!dimensions.empty()) {
    const std::string_view name = next_part(dimensions), value = next_part(dimensions);
    ++all;
    found += std::ranges::any_of(filter.dimensions, [&](const auto& wanted) {
      return wanted.first == name && (!wanted.second || *wanted.second == value);
    });
  }
  return found >= filter.dimensions.size() && (!filter.exact_dimensions || all == filter.dimensions.size());
}

}  // namespace

SeriesKey key_of(std::string_view metric_namespace, std::string_view name,
                 const std::vector<std::pair<std::string, std::string>>& dimensions) {
  SeriesKey key;
  const auto put = [](std::string& out, std::string_view part) {
    out.append(part);
    out.push_back('\0');
  };
  key.metric.reserve(metric_namespace.size() + name.size() + 2);
  put(key.metric, metric_namespace);
  put(key.metric, name);
  for (const auto& [dimension, value] : dimensions) {
    put(key.dimensions, dimension);
    put(key.dimensions, value);
  }
  return key;
}

MetricId id_of(std::string_view metric, std::string_view dimensions) {
  MetricId id;
  id.metric_namespace = next_part(metric);
  id.name = next_part(metric);
  while (!dimensions.empty()) {
    const std::string_view name = next_part(dimensions);
    id.dimensions.emplace_back(name, next_part(dimensions));
  }
  return id;
}

std::optional<SeriesId> SeriesIndex::find(const SeriesKey& key) const {
  const auto metric = metrics_.find(key.metric);
  if (metric == metrics_.end()) return {};
  const auto found = metric->second.find(key.dimensions);
  return found == metric->second.end() ? std::nullopt : std::optional(found->second);
}

SeriesIndex::Entry SeriesIndex::insert(const SeriesKey& key, SeriesId id) {
  const auto metric = metrics_.try_emplace(key.metric).first;
  const auto series = metric->second.emplace(key.dimensions, id).first;
  ++size_;
  return {&metric->first, &series->first};
}

void SeriesIndex::erase(const Entry& entry) {
  const auto metric = metrics_.find(*entry.metric);
  metric->second.erase(metric->second.find(*entry.dimensions));
  if (metric->second.empty()) metrics_.erase(metric);
  --size_;
}

std::vector<MetricId> SeriesIndex::list(const MetricFilter& filter, std::size_t limit,
                                        const std::optional<MetricId>& after,
                                        const std::function<bool(SeriesId)>& wanted) const {
  std::vector<MetricId> out;
  std::string first;
  if (filter.metric_namespace) {
    first = *filter.metric_namespace + '\0';
    if (filter.name) first += *filter.name + '\0';
  }
  SeriesKey last;
  if (after) last = key_of(after->metric_namespace, after->name, after->dimensions);
  for (auto metric = metrics_.lower_bound(std::max(first, last.metric)); metric != metrics_.end(); ++metric) {
    if (filter.metric_namespace && !metric->first.starts_with(first)) break;
    std::string_view rest = metric->first;
    next_part(rest);
    if (filter.name && next_part(rest) != *filter.name) continue;
    const Dimensions& all = metric->second;
    for (auto series = metric->first == last.metric ? all.upper_bound(last.dimensions) : all.begin();
         series != all.end(); ++series) {
      if (out.size() == limit) return out;
      if (has_dimensions(series->first, filter) && wanted(series->second))
        out.push_back(id_of(metric->first, series->first));
    }
  }
  return out;
}

}  // namespace brume::cloudwatch
