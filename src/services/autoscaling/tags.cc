#include "services/autoscaling/tags.h"

#include <algorithm>

#include "services/autoscaling/group.h"
#include "services/common/page.h"

namespace brume::autoscaling {
namespace {

constexpr std::size_t kMaxTags = 50;

}  // namespace

Result<void> merge_tags(List<TagDescription>& tags, const List<Tag>& added, const std::string& group) {
  for (const Tag& tag : added) {
    const std::string& key = *tag.Key;
    const TagDescription description{group, "auto-scaling-group", key, tag.Value.value_or(""),
                                     tag.PropagateAtLaunch.value_or(false)};
    const auto same = std::ranges::find(tags, tag.Key, &TagDescription::Key);
    if (same != tags.end())
      *same = description;
    else
      tags.push_back(description);
  }
  if (tags.size() > kMaxTags) return fail("LimitExceeded", "A group can have at most {} tags", kMaxTags);
  return {};
}

bool is_tag_filter(const Filter& filter) {
  const std::string name = filter.Name.value_or("");
  return name == "tag-key" || name == "tag-value" || name.starts_with("tag:");
}

bool matches_tags(const Filter& filter, const List<TagDescription>& tags) {
  const std::string& name = *filter.Name;
  const auto listed = [&](const std::string& text) {
    return std::ranges::find(filter.Values, text) != filter.Values.end();
  };
  return std::ranges::any_of(tags, [&](const TagDescription& tag) {
    if (name == "tag-key") return listed(*tag.Key);
    if (name == "tag-value") return listed(*tag.Value);
    return name.substr(4) == *tag.Key && listed(*tag.Value);
  });
}

Result<void> GroupOperations::CreateOrUpdateTags(const Call&, const CreateOrUpdateTagsType& request) {
  for (const Tag& tag : request.Tags) {
    BRUME_TRY(found, find_group(tag.ResourceId.value_or("")));
    GroupRecord record = *found;
    BRUME_CHECK(merge_tags(record.group.Tags, {tag}, *tag.ResourceId));
    groups_.put(*tag.ResourceId, std::move(record));
  }
  return {};
}

Result<void> GroupOperations::DeleteTags(const Call&, const DeleteTagsType& request) {
  for (const Tag& tag : request.Tags) {
    BRUME_CHECK(find_group(tag.ResourceId.value_or("")));
    groups_.modify(*tag.ResourceId, [&](GroupRecord& record) {
      std::erase_if(record.group.Tags,
                    [&](const TagDescription& t) { return t.Key == tag.Key && (!tag.Value || t.Value == tag.Value); });
    });
  }
  return {};
}

Result<TagsType> GroupOperations::DescribeTags(const Call&, const DescribeTagsType& request) {
  std::vector<TagDescription> found;
  for (const auto& [name, record] : groups_.rows())
    for (const TagDescription& tag : record.group.Tags) {
      bool wanted = true;
      for (const Filter& filter : request.Filters) {
        const std::string key = filter.Name.value_or("");
        const auto listed = [&](const std::string& text) {
          return std::ranges::find(filter.Values, text) != filter.Values.end();
        };
        if (key == "auto-scaling-group")
          wanted = wanted && listed(name);
        else if (key == "key")
          wanted = wanted && listed(*tag.Key);
        else if (key == "value")
          wanted = wanted && listed(*tag.Value);
        else if (key == "propagate-at-launch")
          wanted = wanted && listed(*tag.PropagateAtLaunch ? "true" : "false");
        else
          return fail("ValidationError",
                      "Filter type {} is not correct. Allowed Filter types are: auto-scaling-group key value "
                      "propagate-at-launch",
                      key);
      }
      if (wanted) found.push_back(tag);
    }
  const auto key_of = [](const TagDescription& t) { return *t.ResourceId + "\n" + *t.Key; };
  std::ranges::sort(found, {}, key_of);
  BRUME_TRY(page, services::paginate(std::move(found), std::size_t(request.MaxRecords.value_or(50)), request.NextToken,
                                     key_of));
  return TagsType{std::move(page.items), std::move(page.next_token)};
}

}  // namespace brume::autoscaling
