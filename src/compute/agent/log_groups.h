// Delivers batches: PutLogEvents, and what has to be there for it, which is made when it is missing.
#pragma once

#include <set>
#include <string>

#include "compute/agent/batch.h"
#include "compute/agent/config.h"
#include "compute/agent/notices.h"
#include "compute/agent/placeholders.h"
#include "compute/agent/world.h"

namespace brume::agent {

class LogGroups {
 public:
  LogGroups(World& world, Notices& notices) : world_(world), notices_(notices) {}

  // Makes the group (with the entry's class) and the stream if they are not there, and sets the entry's retention once.
  // `accepted` and `refused` are final.
  Answer deliver(const FileEntry& entry, const Destination& to, Batch& batch, const std::string& token);

 private:
  Answer create(const FileEntry& entry, const Destination& to);
  void set_retention(const FileEntry& entry, const std::string& group);

  World& world_;
  Notices& notices_;
  std::set<std::string> retention_set_;
};

}  // namespace brume::agent
