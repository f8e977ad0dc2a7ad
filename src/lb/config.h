// What the load balancer process is told, and what it tells: the whole contract between control plane and data plane.
//
// The daemon sends a Snapshot whenever something changed; each replaces the one before as a whole, and applying it
// disturbs no connection that the new one still allows. The process answers with a Stats each second and at once when
// the health of a target changes. Both travel as one line of JSON each over a Unix socket (channel.h). Nothing of AWS
// is known here: ids are opaque strings.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/reflect.h"

namespace brume::lb {

struct HealthCheck {
  bool enabled = true;
  std::int32_t port = 0;  // 0: the target's own
  std::string path = "/";
  std::string matcher = "200";  // "200", "200,302", "200-299"
  double interval_seconds = 30;
  double timeout_seconds = 5;
  std::int32_t healthy_threshold = 5;
  std::int32_t unhealthy_threshold = 2;
};

struct Target {
  std::string id;
  std::string address;
  std::int32_t port = 80;
  std::string zone;
  // No new requests; those in flight may end until the snapshot no longer has the target. What is in flight then gets
  // 502. The daemon takes it out when Stats says in_flight 0 or the deregistration delay is over.
  bool draining = false;
  // What the daemon knew of its health when the process started: where a restarted process begins.
  std::string last_health;
};

struct TargetGroup {
  std::string id;
  std::string algorithm = "round_robin";  // least_outstanding_requests
  HealthCheck health_check;
  std::vector<Target> targets;
};

struct WeightedGroup {
  std::string target_group;
  std::int32_t weight = 1;
};

struct Redirect {
  std::string protocol, host, port, path, query;  // with #{…} placeholders
  std::int32_t status = 302;
};

struct FixedResponse {
  std::int32_t status = 200;
  std::string content_type, body;
};

// Exactly one is present.
struct Action {
  std::vector<WeightedGroup> forward;
  std::optional<Redirect> redirect;
  std::optional<FixedResponse> fixed_response;
};

struct Condition {
  std::string field;                // host-header path-pattern http-request-method source-ip http-header query-string
  std::string header_name;          // for http-header
  std::vector<std::string> values;  // any of them; for query-string "key=value" or "=value"
};

struct Rule {
  std::string id;
  std::int32_t priority = 0;
  std::vector<Condition> conditions;  // all of them
  Action action;
};

struct Listener {
  std::string id;
  std::int32_t port = 80;
  // Ranges of IPv4 addresses that clients outside of the VPC may have; nobody else is heard.
  std::vector<std::string> clients;
  std::vector<Rule> rules;  // by ascending priority
  Action default_action;
};

// An address inside the VPC's network namespace, where upstream connections come from and clients of the VPC go to.
struct Node {
  std::string zone;
  std::string address;
};

// Where lines about requests go (access_spool.h), and what they call the load balancer.
struct AccessLog {
  std::string folder, name;
};

struct LoadBalancer {
  std::string id;
  std::string network_namespace;           // path; empty: the process's own (tests, internal use)
  std::string listen_address = "0.0.0.0";  // of the host, beside the nodes'
  std::vector<Node> nodes;
  std::vector<Listener> listeners;
  double idle_timeout_seconds = 60;
  double client_keep_alive_seconds = 3600;
  bool preserve_host_header = false;
  bool drop_invalid_header_fields = false;
  bool xff_client_port = false;
  std::string xff_mode = "append";      // preserve remove
  std::optional<AccessLog> access_log;  // absent: none is kept
};

struct Snapshot {
  std::int64_t version = 0;
  std::vector<LoadBalancer> load_balancers;
  std::vector<TargetGroup> target_groups;
};

struct TargetStats {
  std::string target_group;
  std::string target;
  std::string health;       // initial healthy unhealthy draining unused
  std::string reason;       // Elb.InitialHealthChecking, Target.ResponseCodeMismatch, …; empty when healthy
  std::string description;  // a sentence, as DescribeTargetHealth shows it
  std::int64_t in_flight = 0;
  std::int64_t requests = 0;  // since the process started
};

struct ListenerStats {
  std::string listener;
  std::string error;  // why it does not listen: "port 80 is in use"; empty: it does
};

// Counters since the process started, by load balancer.
struct BalancerStats {
  std::string load_balancer;
  std::int64_t requests = 0;
  std::int64_t elb_4xx = 0, elb_5xx = 0, elb_502 = 0, elb_503 = 0, elb_504 = 0;
  std::int64_t target_2xx = 0, target_3xx = 0, target_4xx = 0, target_5xx = 0;
  std::int64_t active_connections = 0, new_connections = 0, processed_bytes = 0;
  std::int64_t access_lines_dropped = 0;  // of the access log
};

struct LatencyCount {
  std::int64_t bucket = 0;  // latency.h
  std::int64_t count = 0;
};

// Counters since the process started, by target group.
struct GroupStats {
  std::string target_group;
  std::int64_t requests = 0;
  std::int64_t target_2xx = 0, target_3xx = 0, target_4xx = 0, target_5xx = 0, connection_errors = 0;
  std::int64_t response_microseconds = 0;    // from the request's leaving to the answer's head, added up
  std::vector<LatencyCount> response_times;  // those that came
};

struct Stats {
  std::int64_t version = 0;  // of the snapshot that is applied; 0: none yet
  std::vector<TargetStats> targets;
  std::vector<ListenerStats> listeners;
  std::vector<BalancerStats> load_balancers;
  std::vector<GroupStats> target_groups;
};

}  // namespace brume::lb

BRUME_RECORD(brume::lb::HealthCheck, enabled, port, path, matcher, interval_seconds, timeout_seconds, healthy_threshold,
             unhealthy_threshold)
BRUME_RECORD(brume::lb::Target, id, address, port, zone, draining, last_health)
BRUME_RECORD(brume::lb::TargetGroup, id, algorithm, health_check, targets)
BRUME_RECORD(brume::lb::WeightedGroup, target_group, weight)
BRUME_RECORD(brume::lb::Redirect, protocol, host, port, path, query, status)
BRUME_RECORD(brume::lb::FixedResponse, status, content_type, body)
BRUME_RECORD(brume::lb::Action, forward, redirect, fixed_response)
BRUME_RECORD(brume::lb::Condition, field, header_name, values)
BRUME_RECORD(brume::lb::Rule, id, priority, conditions, action)
BRUME_RECORD(brume::lb::Listener, id, port, clients, rules, default_action)
BRUME_RECORD(brume::lb::Node, zone, address)
BRUME_RECORD(brume::lb::AccessLog, folder, name)
BRUME_RECORD(brume::lb::LoadBalancer, id, network_namespace, listen_address, nodes, listeners, idle_timeout_seconds,
             client_keep_alive_seconds, preserve_host_header, drop_invalid_header_fields, xff_client_port, xff_mode,
             access_log)
BRUME_RECORD(brume::lb::Snapshot, version, load_balancers, target_groups)
BRUME_RECORD(brume::lb::TargetStats, target_group, target, health, reason, description, in_flight, requests)
BRUME_RECORD(brume::lb::ListenerStats, listener, error)
BRUME_RECORD(brume::lb::BalancerStats, load_balancer, requests, elb_4xx, elb_5xx, elb_502, elb_503, elb_504, target_2xx,
             target_3xx, target_4xx, target_5xx, active_connections, new_connections, processed_bytes,
             access_lines_dropped)
BRUME_RECORD(brume::lb::LatencyCount, bucket, count)
BRUME_RECORD(brume::lb::GroupStats, target_group, requests, target_2xx, target_3xx, target_4xx, target_5xx,
             connection_errors, response_microseconds, response_times)
BRUME_RECORD(brume::lb::Stats, version, targets, listeners, load_balancers, target_groups)
