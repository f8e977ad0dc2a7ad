#include "services/ec2/filters.h"

#include "services/common/wildcard.h"

namespace brume::ec2 {

bool matches(const Filter& filter, const Values& values) {
  for (const std::string& pattern : filter.Values)
    for (const std::string& text : values)
      if (services::wildcard_match(pattern, text)) return true;
  return false;
}

bool is_tag_filter(std::string_view name) {
  return name.starts_with("tag:") || name == "tag-key" || name == "tag-value";
}

bool matches_tags(const Filter& filter, const List<Tag>& tags) {
  const std::string_view name = *filter.Name;
  Values values;
  if (name.starts_with("tag:")) {
    for (const Tag& tag : tags)
      if (tag.Key == name.substr(4)) values.push_back(tag.Value.value_or(""));
  } else if (name == "tag-key") {
    for (const Tag& tag : tags) values.push_back(tag.Key.value_or(""));
  } else {
    for (const Tag& tag : tags) values.push_back(tag.Value.value_or(""));
  }
  return matches(filter, values);
}

std::unexpected<Error> unknown_filter(const Filter& filter) {
  return fail("InvalidParameterValue", "The filter '{}' is invalid", filter.Name.value_or("null"));
}

Result<void> check_filters(const List<Filter>& filters) {
  std::size_t values = 0;
  for (const Filter& filter : filters) {
    if (!filter.Name || filter.Name->empty()) return unknown_filter(filter);
    values += filter.Values.size();
  }
  if (values > 200)
    return fail("FilterLimitExceeded", "The maximum number of filter values specified on a single call is 200");
  return {};
}

}  // namespace brume::ec2
