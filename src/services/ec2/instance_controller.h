// Brings each instance's machine to what its record says.
//
// Level-triggered: look at the record and at what the driver has, do the next step (instance_decision.h), look again.
// At most one driver call an instance and kMaxStarts starts are under way. start() adopts what runs and destroys what
// has no record in any region. What is in memory is only what the driver said and what is under way; losing it loses
// nothing. Leaves to others: what the states should be (the API handlers), the fabric (InstanceNetwork).
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>

#include "compute/driver.h"
#include "services/common/context.h"
#include "services/ec2/instance_decision.h"
#include "services/ec2/instance_network.h"
#include "services/ec2/network_state.h"
#include "store/table.h"

namespace brume::ec2 {

class InstanceController {
 public:
  // `on_gone` is told when an instance no longer uses its image, `on_no_room` when an On-Demand Instance was not
  // started because the machine has no room for it.
  InstanceController(services::Context context, store::Table<InstanceRecord>& instances, NetworkState& network,
                     InstanceNetwork& fabric, compute::Driver& driver, std::function<void()> on_gone,
                     std::function<void()> on_no_room);
  InstanceController(const InstanceController&) = delete;
  InstanceController& operator=(const InstanceController&) = delete;

  Result<void> start();
  // The record has changed: look soon. (Call it after the commit.)
  void wake(const std::string& id);

  static constexpr int kMaxStarts = 8;
  // An instance's system has this long to end before it is killed.
  static constexpr env::Duration kGrace = std::chrono::seconds(20);
  // A start that fails for a reason that may pass is tried this often, 1, 2, 4… seconds apart.
  static constexpr int kStartAttempts = 4;

 private:
  struct Machine {
    ObservedInstance observed;
    bool busy = false;
    bool ended_meanwhile = false;  // it ended before the driver said that its start was done
    bool start_queued = false;
    int failures = 0;                 // in a row
    env::MonotonicTime not_before{};  // of the next attempt to start it
    env::Loop::TimerId timer = 0;
  };

  void look(const std::string& id);
  void begin_start(const std::string& id);
  void start_next();
  void start_done(const std::string& id, const Result<void>& done);
  void start_failed(const std::string& id, const Error& error);
  void stop(const std::string& id, const InstanceRecord& record);
  void destroy(const std::string& id);
  void remove_network(const std::string& id);
  void exited(const std::string& id);
  void look_later(const std::string& id, env::Duration delay);
  void retry(const std::string& id, const Error& error);
  compute::InstanceSpec spec_of(const std::string& id, const InstanceRecord& record) const;
  // Changes the record in a transaction of its own, then looks again.
  void update(const std::string& id, const std::function<Result<void>(InstanceRecord&)>& change);

  services::Context context_;
  store::Table<InstanceRecord>& instances_;
  NetworkState& network_;
  InstanceNetwork& fabric_;
  compute::Driver& driver_;
  std::function<void()> on_gone_;
  std::function<void()> on_no_room_;
  std::map<std::string, Machine> machines_;
  std::set<std::string> woken_;
  std::deque<std::string> start_queue_;
  int starts_ = 0;
};

// "User initiated (2026-11-24 10:15:30 GMT)"
std::string user_initiated(Timestamp now);
std::string gmt(Timestamp now);

}  // namespace brume::ec2
