// Filters of the Describe operations, and the pages of what passes them.
//
// A resource passes if for every filter one of its values matches (`*` and `?` are wildcards, as in the EC2 user
// guide). `tag:<key>`, `tag-key` and `tag-value` work on every resource that has tags. A filter that the operation does
// not have is an error, so that a misspelt one never answers everything.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ec2/shapes.h"
#include "services/common/page.h"
#include "services/ec2/resource_kind.h"

namespace brume::ec2 {

using Values = std::vector<std::string>;

// A filter that an operation has: where its values are in the answer's shape.
template <typename T>
struct FilterField {
  std::string_view name;
  Values (*values)(const T&);
};

inline Values value(const std::optional<std::string>& text) {
  return text ? Values{*text} : Values{};
}
inline Values value(const std::optional<bool>& flag) {
  return flag ? Values{*flag ? "true" : "false"} : Values{};
}
inline Values value(const std::optional<std::int32_t>& n) {
  return n ? Values{std::to_string(*n)} : Values{};
}

// `of(item)` of every item, together.
template <typename L, typename F>
Values each(const L& items, F of) {
  Values all;
  for (const auto& item : items)
    for (std::string& text : value(of(item))) all.push_back(std::move(text));
  return all;
}

// Does one of `values` match one of the filter's?
bool matches(const Filter& filter, const Values& values);
// Is it tag:<key>, tag-key or tag-value?
bool is_tag_filter(std::string_view name);
bool matches_tags(const Filter& filter, const List<Tag>& tags);
[[nodiscard]] std::unexpected<Error> unknown_filter(const Filter& filter);
// Errors: FilterLimitExceeded (more than 200 values), InvalidParameterValue (a filter without a name).
Result<void> check_filters(const List<Filter>& filters);

template <typename T>
const FilterField<T>* field_of(std::span<const FilterField<T>> fields, std::string_view name) {
  const auto field = std::ranges::find(fields, name, &FilterField<T>::name);
  return field == fields.end() ? nullptr : &*field;
}

// The tags of an answer's shape, if its kind has any.
template <typename T>
const List<Tag>* tags_in(const T& shape) {
  if constexpr (requires { shape.Tags; })
    return &shape.Tags;
  else if constexpr (requires { shape.TagSet; })
    return &shape.TagSet;
  else
    return nullptr;
}

// Does the operation have all of these filters?
template <typename T>
Result<void> check_names(const List<Filter>& filters, std::span<const FilterField<T>> fields) {
  for (const Filter& filter : filters)
    if (!(tags_in(T{}) && is_tag_filter(*filter.Name)) && !field_of(fields, *filter.Name))
      return unknown_filter(filter);
  return {};
}

// Leaves to check_names() what the operation does not have.
template <typename T>
bool passes(const T& shape, const List<Filter>& filters, std::span<const FilterField<T>> fields) {
  return std::ranges::all_of(filters, [&](const Filter& filter) {
    const List<Tag>* tags = tags_in(shape);
    if (tags && is_tag_filter(*filter.Name)) return matches_tags(filter, *tags);
    return matches(filter, field_of(fields, *filter.Name)->values(shape));
  });
}

// The shapes that pass.
template <typename T>
Result<std::vector<T>> filtered(std::vector<T> shapes, const List<Filter>& filters,
                                std::span<const FilterField<T>> fields) {
  if (filters.empty()) return shapes;
  BRUME_CHECK(check_filters(filters));
  BRUME_CHECK(check_names(filters, fields));
  std::erase_if(shapes, [&](const T& shape) { return !passes(shape, filters, fields); });
  return shapes;
}

// What `make(record)` makes of the records named by `ids` (of all, if there are none), in the order of their ids.
// Errors: the kind's, for an id that is not there.
template <typename Record, typename Make>
auto shapes_of(const store::Table<Record>& table, const ResourceKind& kind, const List<std::string>& ids, Make make)
    -> Result<std::vector<decltype(make(std::declval<const Record&>()))>> {
  std::vector<decltype(make(std::declval<const Record&>()))> shapes;
  if (ids.empty()) {
    shapes.reserve(table.size());
    for (const auto& [id, record] : table.rows()) shapes.push_back(make(record));
    return shapes;
  }
  std::vector<std::string> sorted(ids.begin(), ids.end());
  std::ranges::sort(sorted);
  const auto repeated = std::ranges::unique(sorted);
  sorted.erase(repeated.begin(), repeated.end());
  for (const std::string& id : sorted) {
    BRUME_TRY(record, find(table, kind, id));
    shapes.push_back(make(*record));
  }
  return shapes;
}

// A page of the shapes that pass the request's filters. `shapes` must be in ascending order of `key_of`.
template <typename T, typename Request, typename KeyOf>
Result<services::Page<T>> filtered_page(std::vector<T> shapes, const Request& request,
                                        std::span<const FilterField<T>> fields, KeyOf key_of) {
  BRUME_TRY(passed, filtered(std::move(shapes), request.Filters, fields));
  return services::paginate(std::move(passed), std::size_t(std::max(0, request.MaxResults.value_or(0))),
                            request.NextToken, key_of);
}

}  // namespace brume::ec2
