// What the threads share: a snapshot in the form in which requests are served, and the live state of its targets.
//
// A Config never changes once made; workers swap the pointer. States outlive configs: compile() carries them over, so
// that counters, health and cursors go on when a snapshot is replaced. Everything mutable here is atomic.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "env/clock.h"
#include "lb/access_spool.h"
#include "lb/config.h"
#include "lb/forward.h"
#include "lb/latency.h"
#include "lb/replies.h"
#include "lb/rules.h"
#include "lb/sockets.h"

namespace brume::lb {

// One writer each (a worker), so that counting costs no locked instruction.
class Counter {
 public:
  void add(std::int64_t by = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  [[nodiscard]] std::int64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_ = 0;
};

// Of requests that were given to a target group.
struct alignas(64) GroupCounters {
  Counter requests, target_2xx, target_3xx, target_4xx, target_5xx, connection_errors;
  Counter response_microseconds;  // until the head of the answer came, added up
  std::array<Counter, kLatencyBuckets> response_times;
};

struct GroupState {
  explicit GroupState(std::size_t workers) : by_worker(workers) {}
  std::atomic<std::uint64_t> changes = 1;  // of the health of its targets
  std::atomic<std::uint64_t> cursor = 0;
  std::vector<GroupCounters> by_worker;
};

struct TargetState {
  std::string group, id, address;
  std::shared_ptr<GroupState> group_state;
  std::int32_t port = 0;
  std::atomic<bool> healthy = false;
  std::atomic<bool> draining = false;
  std::atomic<bool> removed = false;  // the snapshot no longer has it
  std::atomic<std::int64_t> in_flight = 0;
  std::atomic<std::int64_t> requests = 0;
};

struct alignas(64) Counters {
  Counter requests, elb_4xx, elb_5xx, elb_502, elb_503, elb_504;
  Counter target_2xx, target_3xx, target_4xx, target_5xx;
  Counter active_connections, new_connections, processed_bytes;
};

struct BalancerState {
  explicit BalancerState(std::size_t workers) : by_worker(workers) {}
  std::vector<Counters> by_worker;
};

struct ConfiguredTarget {
  std::shared_ptr<TargetState> state;
  std::string zone;
};

struct ConfiguredGroup {
  std::string id;
  std::shared_ptr<GroupState> state;
  bool least_outstanding = false;
  std::vector<ConfiguredTarget> targets;
};

struct ConfiguredAction {
  std::vector<std::size_t> groups;  // indices into Config::groups
  std::vector<std::uint32_t> weights;
  std::optional<Redirect> redirect;
  std::optional<FixedResponse> fixed;
};

// Where a listener's sockets are: on the host, or at a node inside the VPC.
struct ConfiguredEndpoint {
  std::string key;  // "address:port", a node's with its load balancer before it
  std::string address;
  bool node = false;
};

struct ConfiguredListener {
  std::string id;
  std::vector<ConfiguredEndpoint> endpoints;  // the host's first
  std::int32_t port = 0;
  std::vector<std::string> clients;  // of the host's endpoint
  std::string proto_fields;          // X-Forwarded-Proto and -Port
  std::vector<CompiledRule> rules;
  std::vector<ConfiguredAction> actions;  // the last is the default
};

struct ConfiguredBalancer {
  std::string id;
  std::shared_ptr<BalancerState> state;
  std::shared_ptr<const NetworkNamespace> network_namespace;
  std::vector<Node> nodes;
  std::vector<ConfiguredListener> listeners;
  env::Duration idle_timeout{}, client_keep_alive{};
  bool preserve_host_header = false, drop_invalid_header_fields = false, xff_client_port = false;
  XffMode xff_mode = XffMode::append;
  std::shared_ptr<AccessPlace> access_log;  // null: none is kept

  // The address that connections to a target in `zone` come from: the zone's node, else any; may be empty.
  [[nodiscard]] std::string source_for(std::string_view zone) const;
};

struct Config {
  std::int64_t version = 0;
  std::vector<ConfiguredBalancer> balancers;
  std::vector<ConfiguredGroup> groups;
};

class StateRegistry {
 public:
  explicit StateRegistry(std::size_t workers) : workers_(workers) {}
  // Marks the targets that `snapshot` no longer has as removed.
  std::shared_ptr<const Config> compile(const Snapshot& snapshot);

 private:
  std::size_t workers_;
  std::map<std::string, std::shared_ptr<TargetState>> targets_;
  std::map<std::string, std::shared_ptr<GroupState>> groups_;
  std::map<std::string, std::shared_ptr<BalancerState>> balancers_;
  std::map<std::string, std::shared_ptr<AccessPlace>> access_logs_;  // by folder
};

}  // namespace brume::lb
