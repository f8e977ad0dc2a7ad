// The agent that ships logs and metrics, as a child of PID 1 (compute/agent).
//
// It runs while there is a configuration of the CloudWatch agent, which may come with the image or be written later;
// that is looked for every few seconds. It is a process of its own, made by executing this program again, so that PID 1
// stays as small as it is; when it dies it is started again with growing pauses.
#pragma once

#include <sys/types.h>

namespace brume::init {

class AgentProcess {
 public:
  // A child has ended. False if it is not ours.
  bool ended(pid_t pid, int wait_status);
  // Seconds until tick() is to be called; negative: no need.
  [[nodiscard]] double due() const;
  void tick();

 private:
  pid_t pid_ = 0;
  double look_at_ = 0, began_ = 0, pause_ = 0;
};

}  // namespace brume::init
