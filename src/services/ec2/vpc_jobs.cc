#include "services/ec2/vpc_jobs.h"

#include <memory>
#include <utility>

namespace brume::ec2 {
namespace {

// Removals wait for the kernel most of their time, together if there are several; each has a worker meanwhile.
constexpr int kMostBeside = 8;

}  // namespace

void VpcJobs::add(const std::string& vpc_id, Job job) {
  queues_[vpc_id].waiting.push_back(std::move(job));
  run_next(vpc_id);
}

void VpcJobs::run_next(const std::string& vpc_id) {
  const auto found = queues_.find(vpc_id);
  if (found == queues_.end()) return;
  Queue& queue = found->second;
  if (queue.waiting.empty()) {
    if (queue.running == 0) queues_.erase(found);
    return;
  }
  const bool beside = queue.waiting.front().beside;
  if (queue.running > 0 && !(queue.beside && beside && queue.running < kMostBeside)) return;
  Job job = std::move(queue.waiting.front());
  queue.waiting.pop_front();
  ++queue.running;
  queue.beside = beside;
  auto result = std::make_shared<Result<void>>();
  loop_.run_blocking([work = job.plan(), result] { *result = work(); },
                     [this, vpc_id, result, settle = std::move(job.settle)] {
                       --queues_.at(vpc_id).running;
                       settle(*result);
                       run_next(vpc_id);
                     });
  run_next(vpc_id);
}

}  // namespace brume::ec2
