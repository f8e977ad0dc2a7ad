// Brings what instances print on their consoles to the log group "/brume/console", a stream an instance.
//
// Each 5 s, for every instance that may have printed: reads the next piece, notes its range in a table, appends it
// under a token that is the range. After a restart the range that was noted last is appended again, which changes
// nothing if it was; so no line is lost, and none is there twice. An instance that is gone is read to its end, then its
// console is forgotten. While nothing is printed, a look costs some
// ten system calls an instance that runs, none for one that is stopped.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "compute/console_source.h"
#include "ec2/api.h"
#include "services/common/context.h"
#include "services/common/log_sink.h"
#include "store/table.h"

namespace brume::ec2 {

inline constexpr const char* kConsoleGroup = "/brume/console";

// How far an instance's console has been shipped: to the end of this range, which is the last.
struct ConsoleRecord {
  std::string file;
  std::int64_t begin = 0, end = 0;
};

class ConsoleShipper {
 public:
  // `round_bytes`: what is read at once, about; the other instances have their turn right after.
  ConsoleShipper(services::Context context, Api& ec2, compute::ConsoleSource& consoles, services::LogSink& sink,
                 std::int64_t round_bytes = std::int64_t(16) << 20);
  ConsoleShipper(const ConsoleShipper&) = delete;
  ConsoleShipper& operator=(const ConsoleShipper&) = delete;

  Result<void> load() { return records_.load(); }
  void start() { look(); }
  // Is this an instance of the region, or one that was?
  [[nodiscard]] bool knows(const std::string& id);

 private:
  struct Job {
    std::string id;
    bool ended = false;  // prints no more
    bool gone = false;   // and is not there any more
    bool again = false;  // `piece` may have been appended before
    compute::ConsolePiece piece;
    bool found = false;    // is there a piece?
    bool skipped = false;  // had no turn
    Result<void> result;
  };
  using Jobs = std::vector<Job>;

  [[nodiscard]] Jobs jobs();
  static void take(Job& job, compute::ConsolePiece piece);
  // The instances of the region and whether they print no more, are gone.
  [[nodiscard]] std::map<std::string, std::pair<bool, bool>> instances();
  void look_in(env::Duration time);
  void look();
  void note(const std::shared_ptr<Jobs>& work);
  void finish(const Jobs& work);
  void failed(const Result<void>& result);

  services::Context context_;
  Api& ec2_;
  compute::ConsoleSource& consoles_;
  services::LogSink& sink_;
  const std::int64_t round_bytes_;
  store::Table<ConsoleRecord> records_;
  std::string begin_after_;         // the last instance that had its turn, if others had none
  std::set<std::string> appended_;  // those whose record is known to be appended
  std::set<std::string> through_;   // those that print no more and were read to the end
  int failures_ = 0;
};

}  // namespace brume::ec2

BRUME_RECORD(brume::ec2::ConsoleRecord, file, begin, end)
