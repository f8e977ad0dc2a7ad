// CreateTags, DeleteTags, DescribeTags: of every resource of EC2.
#include <utility>

#include "services/ec2/filters.h"
#include "services/ec2/network_operations.h"

namespace brume::ec2 {
namespace {

constexpr FilterField<TagDescription> kFilters[] = {
    {"key", [](const TagDescription& t) { return value(t.Key); }},
    {"value", [](const TagDescription& t) { return value(t.Value); }},
    {"resource-id", [](const TagDescription& t) { return value(t.ResourceId); }},
    {"resource-type", [](const TagDescription& t) { return value(t.ResourceType); }},
};

// Filters of the form tag:<key>, which DescribeTags has although a tag has no tags: made "key" and "value" of one tag.
bool passes_tag_filters(const TagDescription& tag, const std::vector<Filter>& filters) {
  return std::ranges::all_of(filters, [&](const Filter& filter) {
    return tag.Key == filter.Name->substr(4) && matches(filter, value(tag.Value));
  });
}

}  // namespace

Result<void> NetworkOperations::CreateTags(const aws::Call& call, const CreateTagsRequest& request) {
  if (request.Resources.empty())
    return fail("MissingParameter", "The request must contain the parameter resourceIdSet");
  if (request.Tags.empty()) return fail("MissingParameter", "The request must contain the parameter tagSet");
  BRUME_CHECK(check_tags(call, request.Tags));
  for (const std::string& id : request.Resources) BRUME_CHECK(state_.tags.kind_of(id));
  for (const std::string& id : request.Resources) {
    BRUME_TRY(kind, state_.tags.kind_of(id));
    BRUME_CHECK(state_.tags.set(id, kind->type, request.Tags));
    context_.hints.publish(id);
  }
  return {};
}

Result<void> NetworkOperations::DeleteTags(const aws::Call& call, const DeleteTagsRequest& request) {
  if (request.Resources.empty())
    return fail("MissingParameter", "The request must contain the parameter resourceIdSet");
  const bool service = call.user_id.ends_with(".amazonaws.com");
  for (const Tag& tag : request.Tags)
    if (!service && tag.Key.value_or("").starts_with("aws:"))
      return fail("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use");
  for (const std::string& id : request.Resources) {
    // Tags outlive a terminated resource for a while: an id that is well formed and unknown is no error here.
    if (id.find('-') == std::string::npos) return fail("InvalidID", "The ID '{}' is not valid", id);
    state_.tags.remove(id, request.Tags);
  }
  return {};
}

Result<DescribeTagsResult> NetworkOperations::DescribeTags(const aws::Call&, const DescribeTagsRequest& request) {
  std::vector<Filter> tag_filters;
  DescribeTagsRequest rest = request;
  rest.Filters.clear();
  BRUME_CHECK(check_filters(request.Filters));
  for (const Filter& filter : request.Filters) {
    if (filter.Name->starts_with("tag:"))
      tag_filters.push_back(filter);
    else
      rest.Filters.push_back(filter);
  }
  std::vector<TagDescription> tags;
  for (const auto& [id, record] : state_.tags.rows())
    for (const Tag& tag : record.tags) {
      TagDescription described{
          .Key = tag.Key, .ResourceId = id, .ResourceType = record.resource_type, .Value = tag.Value};
      if (passes_tag_filters(described, tag_filters)) tags.push_back(std::move(described));
    }
  BRUME_TRY(page, filtered_page<TagDescription>(std::move(tags), rest, kFilters,
                                                [](const TagDescription& t) { return *t.ResourceId + "\n" + *t.Key; }));
  return DescribeTagsResult{.NextToken = page.next_token, .Tags = page.items};
}

}  // namespace brume::ec2
