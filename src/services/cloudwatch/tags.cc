// Tags of alarms and dashboards.
#include <algorithm>

#include "services/cloudwatch/alarm_checks.h"
#include "services/cloudwatch/alarm_operations.h"

namespace brume::cloudwatch {
namespace {

// The name after "alarm:" or "dashboard/" of an ARN of CloudWatch's; empty if it is none of these.
std::string_view named(std::string_view arn, std::string_view kind) {
  if (!arn.starts_with("arn:aws:cloudwatch:")) return {};
  for (int i = 0; i < 5; ++i) {
    const std::size_t colon = arn.find(':');
    if (colon == std::string_view::npos) return {};
    arn.remove_prefix(colon + 1);
  }
  return arn.starts_with(kind) ? arn.substr(kind.size()) : std::string_view();
}

}  // namespace

Result<List<Tag>> AlarmOperations::tags_of(const std::string& arn) const {
  if (const std::string_view name = named(arn, "alarm:"); !name.empty()) {
    if (const AlarmRecord* record = alarms_.find(name); record && AlarmView(*record).arn == arn) return record->tags;
  } else if (const std::string_view dashboard = named(arn, "dashboard/"); !dashboard.empty()) {
    if (const DashboardRecord* record = dashboards_.find(dashboard)) return record->tags;
  } else {
    return fail("InvalidParameterValue", "Brume has tags on alarms and dashboards; {} is neither", arn);
  }
  return fail("ResourceNotFoundException", "The resource {} does not exist", arn);
}

void AlarmOperations::set_tags(const std::string& arn, const List<Tag>& tags) {
  if (const std::string_view name = named(arn, "alarm:"); !name.empty())
    alarms_.modify(std::string(name), [&](AlarmRecord& record) { record.tags = tags; });
  else
    dashboards_.modify(std::string(named(arn, "dashboard/")), [&](DashboardRecord& record) { record.tags = tags; });
}

Result<TagResourceOutput> AlarmOperations::TagResource(const Call&, const TagResourceInput& request) {
  BRUME_TRY(tags, tags_of(*request.ResourceARN));
  for (const Tag& tag : request.Tags) {
    const auto known = std::ranges::find(tags, tag.Key, &Tag::Key);
    if (known != tags.end())
      *known = tag;
    else
      tags.push_back(tag);
  }
  if (auto checked = check_tags(tags); !checked) return fail("InvalidParameterValue", "{}", checked.error().message);
  set_tags(*request.ResourceARN, tags);
  return TagResourceOutput{};
}

Result<UntagResourceOutput> AlarmOperations::UntagResource(const Call&, const UntagResourceInput& request) {
  BRUME_TRY(tags, tags_of(*request.ResourceARN));
  std::erase_if(tags,
                [&](const Tag& tag) { return std::ranges::find(request.TagKeys, *tag.Key) != request.TagKeys.end(); });
  set_tags(*request.ResourceARN, tags);
  return UntagResourceOutput{};
}

Result<ListTagsForResourceOutput> AlarmOperations::ListTagsForResource(const Call&,
                                                                       const ListTagsForResourceInput& request) {
  BRUME_TRY(tags, tags_of(*request.ResourceARN));
  ListTagsForResourceOutput out;
  out.Tags = std::move(tags);
  out.Tags.set_present();
  return out;
}

}  // namespace brume::cloudwatch
