// Sends what the files of an entry gain: a batch is cut, its end noted on disk, then it is delivered and the state goes
// on. After a failure nothing is sent for a while, whichever file it was.
#pragma once

#include <string>

#include "compute/agent/config.h"
#include "compute/agent/line_rules.h"
#include "compute/agent/log_groups.h"
#include "compute/agent/notices.h"
#include "compute/agent/tail.h"
#include "compute/agent/world.h"

namespace brume::agent {

class Sender {
 public:
  // All of them outlive it.
  Sender(const FileEntry& entry, const LineRules& rules, double flush_seconds, World& world, LogGroups& groups,
         Notices& notices)
      : entry_(entry),
        rules_(rules),
        flush_seconds_(flush_seconds),
        world_(world),
        groups_(groups),
        notices_(notices),
        subject_("logs of " + entry.key) {}

  [[nodiscard]] bool is_waiting() { return world_.seconds() < retry_at_; }  // after a failure
  // Was the last failure one that another try may mend?
  [[nodiscard]] bool may_be_mended() const { return failure_ == Outcome::later; }
  [[nodiscard]] bool is_due(const Tail& tail) const;

  // `changed`: its bytes are not those that were shipped.
  enum class Sent { nothing, some, failed, changed };
  // One batch. `everything`: unfinished lines too.
  Sent ship(Tail& tail, bool everything);
  // Writes the state. False: it cannot be written now.
  bool save(Tail& tail, bool durable);

 private:
  [[nodiscard]] bool is_quiet(const Tail& tail) const;
  bool send(Tail& tail, Cut& cut);
  void acknowledge(Tail& tail, std::int64_t to);

  const FileEntry& entry_;
  const LineRules& rules_;
  double flush_seconds_;
  World& world_;
  LogGroups& groups_;
  Notices& notices_;
  std::string subject_;
  Outcome failure_ = Outcome::later;  // the last one
  double retry_at_ = 0, pause_ = 0;
};

}  // namespace brume::agent
