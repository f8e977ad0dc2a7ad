// What the resources of IAM share: paths, tags, documents, pages.
#pragma once

#include <algorithm>
#include <string>

#include "base/percent.h"
#include "base/result.h"
#include "iam/shapes.h"
#include "services/common/page.h"
#include "services/iam/policy_document.h"

namespace brume::iam {

inline constexpr std::size_t kMaxTags = 50;  // IAM and STS quotas

// Fills a list answer's items, IsTruncated and Marker. `key_of` gives the unique name by which `items` are sorted.
template <typename Answer, typename Item, typename Request, typename KeyOf>
Result<Answer> list_answer(List<Item> Answer::* member, std::vector<Item> items, const Request& request, KeyOf key_of) {
  const std::size_t limit = std::size_t(request.MaxItems.value_or(100));
  BRUME_TRY(page, services::paginate(std::move(items), limit, request.Marker, key_of, "InvalidInput"));
  Answer answer;
  answer.*member = std::move(page.items);
  answer.IsTruncated = page.next_token.has_value();
  answer.Marker = std::move(page.next_token);
  return answer;
}

// The ARN of an IAM resource: "arn:aws:iam::000000000000:role/path/name".
std::string iam_arn(std::string_view type, std::string_view path, std::string_view name);

// A document that could not be evaluated is not taken.
inline Result<void> check_document(const std::string& document, PolicyKind kind) {
  BRUME_CHECK(parse_policy(document, kind));
  return {};
}

// Adds `added` to `tags`, replacing values of keys that are there.
inline Result<void> merge_tags(List<Tag>& tags, const List<Tag>& added) {
  for (const Tag& tag : added) {
    const auto same = std::ranges::find(tags, tag.Key, &Tag::Key);
    if (same != tags.end())
      same->Value = tag.Value;
    else
      tags.push_back(tag);
  }
  if (tags.size() > kMaxTags)
    return fail("LimitExceeded", "The number of tags has reached the maximum limit of {}.", kMaxTags);
  return {};
}

inline void remove_tags(List<Tag>& tags, const List<std::string>& keys) {
  std::erase_if(tags, [&](const Tag& tag) { return std::ranges::find(keys, tag.Key.value_or("")) != keys.end(); });
}

}  // namespace brume::iam
