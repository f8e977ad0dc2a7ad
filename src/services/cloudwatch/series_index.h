// Which metrics there are, in the order of their names, each with a number.
//
// Kept in memory: a name is two strings, namespace and name, and the dimensions, each part followed by a NUL, so that
// strings order as MetricIds do. Strings of dimensions are kept once a metric name. Numbers are given once and never
// again; they are places in the metric store.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "services/cloudwatch/metric_reader.h"

namespace brume::cloudwatch {

using SeriesId = std::uint32_t;

// A MetricId as two strings. Its parts have no NUL.
struct SeriesKey {
  std::string metric, dimensions;
};
SeriesKey key_of(std::string_view metric_namespace, std::string_view name,
                 const std::vector<std::pair<std::string, std::string>>& dimensions);
MetricId id_of(std::string_view metric, std::string_view dimensions);

class SeriesIndex {
 public:
  struct Entry {
    const std::string *metric, *dimensions;  // as long as the series is there
  };

  [[nodiscard]] std::optional<SeriesId> find(const SeriesKey& key) const;
  // There must not be one yet.
  Entry insert(const SeriesKey& key, SeriesId id);
  void erase(const Entry& entry);
  [[nodiscard]] std::size_t size() const { return size_; }

  // Those that `filter` names and `wanted` accepts; the filter's active_since is `wanted`'s business.
  [[nodiscard]] std::vector<MetricId> list(const MetricFilter& filter, std::size_t limit,
                                           const std::optional<MetricId>& after,
                                           const std::function<bool(SeriesId)>& wanted) const;

 private:
  using Dimensions = std::map<std::string, SeriesId, std::less<>>;
  std::map<std::string, Dimensions, std::less<>> metrics_;
  std::size_t size_ = 0;
};

}  // namespace brume::cloudwatch
