// Ships the files of one entry of the configuration: finds them, follows them through rotation and truncation, and has
// sent (sender.h) what they gain, each line once.
//
// The files themselves are the buffer: nothing of them is held in memory but the batch that is being sent, and what is
// not acknowledged is read again. A file that was renamed or removed stays open until it is shipped: at most
// kMaxRotated an entry, kMaxRotatedAge each; what goes beyond is dropped and said. After a restart files are found
// again by their inode, at their path or beside it; where a log was copied and truncated, by their bytes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compute/agent/config.h"
#include "compute/agent/line_rules.h"
#include "compute/agent/log_groups.h"
#include "compute/agent/notices.h"
#include "compute/agent/sender.h"
#include "compute/agent/tail.h"
#include "compute/agent/world.h"

namespace brume::agent {

inline constexpr std::size_t kMaxFiles = 500;   // of an entry, at once
inline constexpr std::size_t kMaxRotated = 64;  // of an entry, not yet shipped
inline constexpr double kMaxRotatedAge = 24 * 3600;

class Follower {
 public:
  struct Setting {
    Identity identity;
    Timestamp started;
    double flush_seconds = 5;
    std::string state_folder;  // never shipped
  };

  Follower(FileEntry entry, LineRules rules, const Setting& setting, World& world, LogGroups& groups, Notices& notices);

  // Takes up what was there before a restart. Once, before the first step.
  void restore(std::vector<FileState> states);
  // Looks at the files and sends what is due.
  void step();
  // For the end of the instance: sends all there is, unfinished lines too. False if it is worth another try.
  bool finish();
  [[nodiscard]] const std::string& key() const { return entry_.key; }

 private:
  void scan();
  void look(Tail& tail);
  void grow(Tail& tail, std::int64_t size);
  void rotate(Tail& tail);
  void truncated(Tail& tail);
  // `log`: the path at which it was written; another than `path` if it was rotated away since.
  Tail* start(const std::string& path, const std::string& log);
  void start_missed(const Tail& after);
  bool place(Tail& tail, const std::vector<FoundFile>& found);
  bool knows(const FoundFile& file);
  [[nodiscard]] bool is_candidate(const FoundFile& file) const;
  bool is_beside(const FileStat& known, const std::string& path);
  bool is_copy(const FoundFile& file);
  bool continues(const Tail& tail, const FoundFile& file);
  bool adopt(Tail& tail, const FoundFile& file);

  Sender::Sent ship(Tail& tail, bool everything);
  void complete(Tail& tail);
  void forget_gone(const std::vector<FoundFile>& found);
  void keep_bounds();
  void lose(Tail& tail, const std::string& why);

  FileEntry entry_;
  LineRules rules_;
  Glob glob_;
  Setting setting_;
  World& world_;
  Notices& notices_;
  std::string subject_;
  Sender sender_;
  std::vector<std::unique_ptr<Tail>> tails_;  // in the order in which they were found
  double scan_at_ = 0, tidy_at_ = 0;
};

}  // namespace brume::agent
