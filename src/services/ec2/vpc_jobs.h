// Work on VPCs, outside the loop: that of one VPC one after the other, that of different VPCs beside each other.
//
// Used on the loop. Jobs of a VPC begin in the order in which they were added. Leaves to others: trying again.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>

#include "base/result.h"
#include "env/loop.h"

namespace brume::ec2 {

class VpcJobs {
 public:
  // `plan` runs on the loop once it is the job's turn and reads the tables; what it answers blocks and runs on a
  // worker; `settle` hears the result on the loop.
  struct Job {
    std::function<std::function<Result<void>()>()> plan;
    std::function<void(Result<void>)> settle;
    bool beside = false;  // may run while others of which this is said do, eight at most
  };

  explicit VpcJobs(env::Loop& loop) : loop_(loop) {}
  VpcJobs(const VpcJobs&) = delete;
  VpcJobs& operator=(const VpcJobs&) = delete;

  void add(const std::string& vpc_id, Job job);

 private:
  struct Queue {
    std::deque<Job> waiting;
    int running = 0;
    bool beside = false;  // those that run
  };
  void run_next(const std::string& vpc_id);

  env::Loop& loop_;
  std::map<std::string, Queue> queues_;  // of VPCs that have work
};

}  // namespace brume::ec2
