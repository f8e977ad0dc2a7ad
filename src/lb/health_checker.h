// Makes the health checks: a new connection for each, from the load balancer's node, `GET` with AWS's User-Agent.
//
// Runs on the controlling thread's loop and publishes each verdict to the workers through TargetState. What a result
// means is health.h's business.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "lb/event_loop.h"
#include "lb/health.h"
#include "lb/runtime.h"
#include "lb/stream.h"

namespace brume::lb {

class HealthChecker {
 public:
  // `changed` is called after each change of a report.
  HealthChecker(EventLoop& loop, std::function<void()> changed);
  ~HealthChecker();

  // Keeps the state of the targets that stay.
  void apply(const Snapshot& snapshot, const std::shared_ptr<const Config>& config);
  [[nodiscard]] HealthReport report(const TargetState& target) const;

 private:
  class Check;
  friend class Check;

  EventLoop& loop_;
  std::function<void()> changed_;
  BufferPool buffers_;
  std::map<const TargetState*, std::unique_ptr<Check>> checks_;
};

}  // namespace brume::lb
