#include "compute/agent/log_groups.h"

#include "compute/agent/text_encoding.h"

namespace brume::agent {
namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  append_json(text, out);
  return out + "\"";
}

std::string named(const Destination& to) {
  return fmt::format(R"({{"logGroupName":{},"logStreamName":{}}})", quoted(to.group), quoted(to.stream));
}

}  // namespace

Answer LogGroups::deliver(const FileEntry& entry, const Destination& to, Batch& batch, const std::string& token) {
  const std::string body = batch.take_body(to.group, to.stream, token);
  Answer answer = world_.call("PutLogEvents", body);
  if (outcome(answer) == Outcome::absent) {
    if (Answer created = create(entry, to); outcome(created) != Outcome::accepted) return created;
    answer = world_.call("PutLogEvents", body);
  }
  if (outcome(answer) == Outcome::accepted) {
    set_retention(entry, to.group);
    if (const std::string rejected = rejected_events(answer.body); !rejected.empty())
      notices_.trouble(fmt::format("log group {}", to.group), "events are rejected, " + rejected);
  }
  return answer;
}

Answer LogGroups::create(const FileEntry& entry, const Destination& to) {
  Answer stream = world_.call("CreateLogStream", named(to));
  if (outcome(stream) != Outcome::absent) return stream;
  const std::string log_class =
      entry.log_group_class.empty() ? "" : fmt::format(R"(,"logGroupClass":{})", quoted(entry.log_group_class));
  const Answer group =
      world_.call("CreateLogGroup", fmt::format(R"({{"logGroupName":{}{}}})", quoted(to.group), log_class));
  if (outcome(group) != Outcome::accepted) return group;
  return world_.call("CreateLogStream", named(to));
}

void LogGroups::set_retention(const FileEntry& entry, const std::string& group) {
  if (entry.retention_in_days == 0 || retention_set_.contains(group)) return;
  const Answer answer = world_.call("PutRetentionPolicy", fmt::format(R"({{"logGroupName":{},"retentionInDays":{}}})",
                                                                      quoted(group), entry.retention_in_days));
  const std::string subject = fmt::format("retention of {}", group);
  switch (outcome(answer)) {
    case Outcome::accepted:
      retention_set_.insert(group);
      notices_.well(subject);
      return;
    case Outcome::later:
    case Outcome::expired:
    case Outcome::absent:
      return;  // with the next batch
    case Outcome::refused:
    case Outcome::denied:
      retention_set_.insert(group);  // the lines matter more; it is tried again when the agent starts anew
      notices_.trouble(subject, describe(answer));
  }
}

}  // namespace brume::agent
