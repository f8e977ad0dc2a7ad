// Tags of EC2 resources, of every kind, in one table by resource id.
//
// Both halves of EC2 keep their records without tags and ask here when they answer. Invariant: a resource has at most
// 50 tags, each key once. Kinds of resources are made known (add_kind) so that CreateTags can tell which ids exist.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "aws/call.h"
#include "ec2/shapes.h"
#include "services/ec2/resource_kind.h"
#include "store/table.h"

namespace brume::ec2 {

struct TagsRecord {
  std::string resource_type;  // "vpc", "instance", …
  List<Tag> tags;
};

class Tags {
 public:
  Tags(store::Store& store, const std::string& region);
  Result<void> load() { return table_.load(); }

  // In the order of their keys; empty if it has none.
  [[nodiscard]] List<Tag> of(std::string_view id) const;
  // Adds them, or replaces the values of keys that are there. Errors: TagLimitExceeded. Leaves the caller's right to
  // them to check_tags().
  Result<void> set(const std::string& id, std::string_view resource_type, const List<Tag>& tags);
  // Removes those with the key and, where a value is given, that value. No tags at all: removes all but aws:*.
  void remove(const std::string& id, const List<Tag>& tags);
  // When the resource is gone.
  void erase_all(const std::string& id) { table_.erase(id); }
  [[nodiscard]] const std::map<std::string, TagsRecord, std::less<>>& rows() const { return table_.rows(); }

  // A kind of resource that can be tagged; `exists` is asked with an id of its prefix.
  void add_kind(const ResourceKind& kind, std::function<bool(std::string_view id)> exists);
  // The kind of an existing resource. Errors: the kind's own, InvalidID for an id of no kind.
  [[nodiscard]] Result<const ResourceKind*> kind_of(std::string_view id) const;

 private:
  struct Known {
    ResourceKind kind;
    std::function<bool(std::string_view)> exists;
  };
  store::Table<TagsRecord> table_;
  std::map<std::string, Known, std::less<>> kinds_;  // by prefix
};

// Are these tags that `call` may give? Errors: InvalidParameterValue (aws: prefix, lengths, a key twice),
// TagLimitExceeded. Services of Brume's own (their user id ends in .amazonaws.com) may use aws:.
Result<void> check_tags(const aws::Call& call, const List<Tag>& tags);

// The checked tags that a request's TagSpecifications give to resources of `resource_type`. `others` are further types
// that the operation takes. Errors: those of check_tags, InvalidParameterValue for a type that is none of these.
Result<List<Tag>> tags_for(const aws::Call& call, const List<TagSpecification>& specifications,
                           std::string_view resource_type, std::initializer_list<std::string_view> others = {});

}  // namespace brume::ec2

BRUME_RECORD(brume::ec2::TagsRecord, resource_type, tags)
