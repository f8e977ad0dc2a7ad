#include "services/ec2/tags.h"

#include <algorithm>
#include <set>

namespace brume::ec2 {
namespace {

constexpr std::size_t kMaxTags = 50, kMaxKey = 128, kMaxValue = 256;

// Characters of a UTF-8 string.
std::size_t length(std::string_view text) {
  return std::size_t(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

[[nodiscard]] std::unexpected<Error> too_many() {
  return fail("TagLimitExceeded", "The maximum number of Tags for this resource has been reached.");
}

}  // namespace

Tags::Tags(store::Store& store, const std::string& region) : table_(store, "ec2.tags", region) {}

List<Tag> Tags::of(std::string_view id) const {
  const TagsRecord* record = table_.find(id);
  return record ? record->tags : List<Tag>();
}

Result<void> Tags::set(const std::string& id, std::string_view resource_type, const List<Tag>& tags) {
  if (tags.empty()) return {};
  std::map<std::string, Tag> merged;
  for (Tag& tag : of(id)) merged[*tag.Key] = tag;
  for (const Tag& tag : tags)
    merged[tag.Key.value_or("")] = Tag{.Key = tag.Key.value_or(""), .Value = tag.Value.value_or("")};
  const auto own = std::ranges::count_if(merged, [](const auto& entry) { return !entry.first.starts_with("aws:"); });
  if (std::size_t(own) > kMaxTags) return too_many();
  TagsRecord record{.resource_type = std::string(resource_type), .tags = {}};
  for (auto& [key, tag] : merged) record.tags.push_back(std::move(tag));
  table_.put(id, std::move(record));
  return {};
}

void Tags::remove(const std::string& id, const List<Tag>& tags) {
  const TagsRecord* found = table_.find(id);
  if (!found) return;
  TagsRecord record = *found;
  std::erase_if(record.tags, [&](const Tag& tag) {
    if (tags.empty()) return !tag.Key->starts_with("aws:");
    return std::ranges::any_of(tags, [&](const Tag& unwanted) {
      return unwanted.Key == tag.Key && (!unwanted.Value || unwanted.Value == tag.Value);
    });
  });
  if (record.tags.empty())
    table_.erase(id);
  else
    table_.put(id, std::move(record));
}

void Tags::add_kind(const ResourceKind& kind, std::function<bool(std::string_view)> exists) {
  kinds_.insert_or_assign(kind.prefix, Known{kind, std::move(exists)});
}

Result<const ResourceKind*> Tags::kind_of(std::string_view id) const {
  const auto known = kinds_.find(id.substr(0, id.find('-')));
  if (known == kinds_.end() || id.find('-') == std::string_view::npos)
    return fail("InvalidID", "The ID '{}' is not valid", id);
  if (!known->second.exists(id)) return no_such(known->second.kind, id);
  return &known->second.kind;
}

Result<void> check_tags(const aws::Call& call, const List<Tag>& tags) {
  const bool service = call.user_id.ends_with(".amazonaws.com");
  std::set<std::string_view> keys;
  for (const Tag& tag : tags) {
    if (!tag.Key || tag.Key->empty()) return fail("InvalidParameterValue", "Tag keys must not be empty");
    if (tag.Key->starts_with("aws:") && !service)
      return fail("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use");
    if (length(*tag.Key) > kMaxKey)
      return fail("InvalidParameterValue", "Tag key exceeds the maximum length of {} characters", kMaxKey);
    if (length(tag.Value.value_or("")) > kMaxValue)
      return fail("InvalidParameterValue", "Tag value exceeds the maximum length of {} characters", kMaxValue);
    if (!keys.insert(*tag.Key).second)
      return fail("InvalidParameterValue", "Duplicate tag key '{}' specified.", *tag.Key);
  }
  const auto own = std::ranges::count_if(keys, [](std::string_view key) { return !key.starts_with("aws:"); });
  if (std::size_t(own) > kMaxTags) return too_many();
  return {};
}

Result<List<Tag>> tags_for(const aws::Call& call, const List<TagSpecification>& specifications,
                           std::string_view resource_type, std::initializer_list<std::string_view> others) {
  List<Tag> tags;
  for (const TagSpecification& specification : specifications) {
    const std::string type = specification.ResourceType.value_or("");
    if (type == resource_type)
      tags.insert(tags.end(), specification.Tags.begin(), specification.Tags.end());
    else if (std::ranges::find(others, type) == others.end())
      return fail("InvalidParameterValue", "'{}' is not a valid taggable resource type for this operation.", type);
  }
  BRUME_CHECK(check_tags(call, tags));
  return tags;
}

}  // namespace brume::ec2
