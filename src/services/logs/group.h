// What CloudWatch Logs keeps of a log group.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/reflect.h"
#include "logs/shapes.h"

namespace brume::logs {

// Key: the name. Its events are in the event store (logstore/event_store.h), by `id`.
struct GroupRecord {
  std::int64_t id = 0;  // drawn when it was made: a group made again under the same name has nothing of the old one
  std::string name;
  std::int64_t created = 0;  // ms since 1970
  std::optional<std::int32_t> retention_days;
  std::string log_class = "STANDARD";
  bool deletion_protected = false;
  Map<std::string> tags;
};

// Key "<group>\n<filter>".
struct MetricFilterRecord {
  MetricFilter filter;
};

}  // namespace brume::logs

BRUME_RECORD(brume::logs::GroupRecord, id, name, created, retention_days, log_class, deletion_protected, tags)
BRUME_RECORD(brume::logs::MetricFilterRecord, filter)
