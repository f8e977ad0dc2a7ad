// When a deployment gives an image up: its instances come and go again, and none of them serves.
//
// Pure. A refresh would go on trying for an hour (Auto Scaling user guide, "How an instance refresh works"); a person
// who waits for it need not. Leaves to group_refresh.h: asking, and the way back.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "autoscaling/api.h"

namespace brume::cli {

class FailedAttempts {
 public:
  // One instance may have had bad luck; three in a row have not.
  static constexpr std::size_t kLimit = 3;

  // `version`: the launch template version that is being deployed.
  explicit FailedAttempts(std::string version) : version_(std::move(version)) {}

  // Looks at the group's instances; the ids of those that failed since it looked last.
  std::vector<std::string> look(const std::vector<autoscaling::Instance>& instances);
  // One more instance serves: what failed before it was bad luck.
  void progress() { failed_.clear(); }

  [[nodiscard]] bool hopeless() const { return failed_.size() >= kLimit; }
  // Those that failed in a row.
  [[nodiscard]] const std::vector<std::string>& failed() const { return failed_; }

 private:
  std::string version_;
  std::map<std::string, bool> known_;  // of this version; whether it is counted as failed
  std::vector<std::string> failed_;
};

}  // namespace brume::cli
