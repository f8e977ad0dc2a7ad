#include "services/elbv2/tags.h"

#include <algorithm>

#include "services/elbv2/service.h"

namespace brume::elbv2 {
namespace {

constexpr std::size_t kMaxTags = 50;

}  // namespace

Result<void> merge_tags(List<Tag>& tags, const List<Tag>& added) {
  std::set<std::string> seen;
  for (const Tag& tag : added) {
    if (!seen.insert(*tag.Key).second)
      return fail("DuplicateTagKeys", "The tag key '{}' is given more than once", *tag.Key);
    const auto same = std::ranges::find(tags, tag.Key, &Tag::Key);
    if (same != tags.end())
      same->Value = tag.Value;
    else
      tags.push_back({tag.Key, tag.Value.value_or("")});
  }
  if (tags.size() > kMaxTags) return fail("TooManyTags", "A resource can have at most {} tags", kMaxTags);
  return {};
}

Result<void> Service::change_tags(const std::string& arn, const std::function<Result<void>(List<Tag>&)>& change) {
  const auto in = [&](auto& table) -> Result<void> {
    auto record = *table.find(arn);
    BRUME_CHECK(change(record.tags));
    table.put(arn, std::move(record));
    return {};
  };
  if (load_balancers_.contains(arn)) return in(load_balancers_);
  if (target_groups_.contains(arn)) return in(target_groups_);
  if (listeners_.contains(arn)) return in(listeners_);
  if (rules_.contains(arn)) return in(rules_);
  if (arn.find(":targetgroup/") != std::string::npos)
    return fail("TargetGroupNotFound", "Target groups '[{}]' not found", arn);
  if (arn.find(":listener/") != std::string::npos) return fail("ListenerNotFound", "Listeners '[{}]' not found", arn);
  if (arn.find(":listener-rule/") != std::string::npos) return fail("RuleNotFound", "Rules '[{}]' not found", arn);
  return fail("LoadBalancerNotFound", "Load balancers '[{}]' not found", arn);
}

Result<AddTagsOutput> Service::AddTags(const Call&, const AddTagsInput& request) {
  for (const std::string& arn : request.ResourceArns)
    BRUME_CHECK(change_tags(arn, [&](List<Tag>& tags) { return merge_tags(tags, request.Tags); }));
  return AddTagsOutput{};
}

Result<RemoveTagsOutput> Service::RemoveTags(const Call&, const RemoveTagsInput& request) {
  for (const std::string& arn : request.ResourceArns)
    BRUME_CHECK(change_tags(arn, [&](List<Tag>& tags) -> Result<void> {
      std::erase_if(tags,
                    [&](const Tag& t) { return std::ranges::find(request.TagKeys, *t.Key) != request.TagKeys.end(); });
      return {};
    }));
  return RemoveTagsOutput{};
}

Result<DescribeTagsOutput> Service::DescribeTags(const Call&, const DescribeTagsInput& request) {
  if (request.ResourceArns.size() > 20) return fail("ValidationError", "At most 20 resources can be described at once");
  DescribeTagsOutput output;
  for (const std::string& arn : request.ResourceArns) {
    const auto in = [&](const auto& table) {
      const auto* record = table.find(arn);
      if (record) {
        output.TagDescriptions.push_back({arn, record->tags});
        output.TagDescriptions.back().Tags.set_present();
      }
      return record != nullptr;
    };
    if (in(load_balancers_) || in(target_groups_) || in(listeners_) || in(rules_)) continue;
    BRUME_CHECK(change_tags(arn, nullptr));  // says which kind is not found
  }
  return output;
}

Result<DescribeAccountLimitsOutput> Service::DescribeAccountLimits(const Call&, const DescribeAccountLimitsInput&) {
  return DescribeAccountLimitsOutput{{{"application-load-balancers", "50"},
                                      {"listeners-per-application-load-balancer", "50"},
                                      {"rules-per-application-load-balancer", "100"},
                                      {"target-groups", "3000"},
                                      {"target-groups-per-application-load-balancer", "100"},
                                      {"targets-per-application-load-balancer", "1000"}},
                                     {}};
}

}  // namespace brume::elbv2
