// Has the fabric count what flow logs are for, and delivers what it counted to their log groups.
//
// A VPC is watched while one of its flow logs concerns an interface. Each minute, and when its flow logs change, what
// was counted is collected, appended to the sink, noted in the table of cursors, and only then dropped by the fabric: a
// restart at any point continues, and what may have been appended before is marked so (LogSink). Always a minute, the
// interval of instances on AWS's Nitro, whatever a flow log's maximum. Level-triggered; what fails is tried again after
// 1 s, doubling to 30 s, and what is counted meanwhile is in the next records. Forgets flow logs whose resource is
// gone.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "net/fabric.h"
#include "services/common/log_sink.h"
#include "services/ec2/flow_log_records.h"
#include "services/ec2/network_state.h"

namespace brume::ec2 {

class FlowLogController {
 public:
  FlowLogController(NetworkState& state, net::Fabric& fabric, services::LogSink& sink);
  FlowLogController(const FlowLogController&) = delete;
  FlowLogController& operator=(const FlowLogController&) = delete;

  // Follows the tables from now on, and first looks after what an earlier daemon had watched.
  void start();

 private:
  struct Watched {
    FlowLogging logging;                        // what the fabric was told
    std::map<std::string, FlowInterface> left;  // interfaces no more, of whom the period under way may tell
    bool adopted = false;                       // is it known what an earlier daemon may have left?
    bool told = false;                          // has the fabric been told of `logging`, and of what was delivered?
    bool busy = false, posted = false, due = false;
    env::Loop::TimerId timer = 0, retry = 0;
    int failures = 0;
  };
  struct Collection {
    FlowLogging logging;
    std::int64_t delivered = 0;
    Result<std::vector<net::FlowPeriod>> periods;
    std::map<std::string, std::string> failed;  // flow log → what the sink said
  };

  // Looks at a VPC soon.
  void wake(const std::string& vpc_id);
  void look(const std::string& vpc_id);
  void forget_old();
  void tell(const std::string& vpc_id, const FlowLogging& wanted);
  void told(const std::string& vpc_id, const FlowLogging& wanted, const Result<std::int64_t>& result);
  void collect(const std::string& vpc_id, const FlowLogging& wanted);
  // Blocks.
  void carry_out(const std::string& vpc_id, Collection& collection, std::int64_t now);
  void collected(const std::string& vpc_id, const Collection& collection);
  void set_status(const Collection& collection);
  void try_again(const std::string& vpc_id, std::string_view what, const std::string& why);
  [[nodiscard]] std::int64_t now() const;

  NetworkState& state_;
  net::Fabric& fabric_;
  services::LogSink& sink_;
  env::Loop& loop_;
  std::map<std::string, Watched> vpcs_;
};

}  // namespace brume::ec2
