// Whether destinations take what is sent to them: asked before a subscription filter is made, as AWS asks, with a
// control message (a function: by a dry run). What one said is good for a minute.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "env/env.h"
#include "services/common/outside.h"
#include "services/logs/delivery/target.h"

namespace brume::logs {

class TargetTests {
 public:
  // Both outlive it.
  TargetTests(env::Env& env, const services::Outside& outside) : env_(env), outside_(outside) {}

  // Asks. Blocks; from any thread. Error: InvalidParameterException, in AWS's words, with the reason.
  Result<void> ask(const DeliveryTarget& destination);
  // What was said in the last minute. Where nothing was it has the destination asked: OperationAbortedException, and
  // the next call knows. On the loop.
  Result<void> passed(const DeliveryTarget& destination);

 private:
  struct Said {
    env::MonotonicTime when;
    Result<void> what;
  };

  env::Env& env_;
  const services::Outside& outside_;
  std::set<std::string> asking_;  // for passed()
  std::mutex mutex_;
  std::map<std::string, Said> said_;  // by ARN
};

}  // namespace brume::logs
