// What the access log is told of a request. Nothing of this runs for a load balancer that keeps none.
#include <ctime>

#include "lb/client.h"
#include "lb/worker.h"

namespace brume::lb {
namespace {

std::int64_t wall_microseconds() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  return std::int64_t(time.tv_sec) * 1'000'000 + time.tv_nsec / 1000;
}

std::int64_t microseconds(env::Duration duration) {
  return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

// "GET http://host:80/path?query HTTP/1.1", the target as the client sent it.
void write_request(const RequestHead& head, const char* base, int port, std::string& out) {
  out.assign(head.method.in(base));
  out += ' ';
  if (!head.absolute) {
    const Field* host = head.find(Name::host);
    const HostPort parts = split_host(host != nullptr ? host->value.in(base) : std::string_view("-"));
    out += "http://";
    out += parts.host;
    out += ':';
    out += std::to_string(port);
  }
  out += head.target.in(base);
  out += head.minor_version == 0 ? " HTTP/1.0" : " HTTP/1.1";
}

}  // namespace

void Client::begin_record(const RequestHead* head, const char* base) {
  recording_ = view_->balancer->access_log != nullptr;
  if (!recording_) return;
  if (!record_) {
    record_ = std::make_unique<AccessRecord>();
    record_->client = address_.text() + ":" + std::to_string(port_);
    record_->connection = worker_.next_connection_id();
  }
  AccessRecord& record = *record_;
  record.type = "http";
  record.creation = wall_microseconds();
  record.began = worker_.loop().now();
  record.dispatched = record.answered = {};
  record.target.clear();
  record.target_group.clear();
  record.redirect_url.clear();
  record.target_status = 0;
  record.rule = AccessRecord::kNoRule;
  record.action = {};
  if (head == nullptr) {
    received_ = stream_.input().size();
    sent_ = 0;
    record.request = "- - -";
    record.user_agent.clear();
    record.trace.clear();
    return;
  }
  write_request(*head, base, view_->listener->port, record.request);
  const Field* agent = head->find_by_name(base, "user-agent");
  record.user_agent.assign(agent != nullptr ? agent->value.in(base) : std::string_view());
  record.trace_root.assign(worker_.next_trace_root());
  const Field* trace = head->find(Name::x_amzn_trace_id);
  if (trace != nullptr)
    record.trace = trace_id(trace->value.in(base), record.trace_root);
  else
    record.trace.assign("Root=").append(record.trace_root);
}

void Client::record_rule(int priority, const ConfiguredAction& action) {
  record_->rule = priority;
  record_->action = action.redirect ? "redirect" : action.fixed ? "fixed-response" : "forward";
  if (action.groups.size() == 1) record_->target_group = view_->config->groups[action.groups.front()].id;
}

void Client::record_target(const ConfiguredTarget& target) {
  const TargetState& state = *target.state;
  record_->target.assign(state.address).append(":").append(std::to_string(state.port));
  record_->target_group = state.group;
}

void Client::end_record(int status) {
  recording_ = false;
  const std::shared_ptr<AccessPlace>& place = view_->balancer->access_log;
  if (!place) return;  // the log has been switched off meanwhile
  AccessRecord& record = *record_;
  record.time = wall_microseconds();
  record.balancer = place->name;
  record.status = status;
  record.received = received_;
  record.sent = sent_;
  const bool dispatched = record.dispatched != env::MonotonicTime();
  const bool answered = record.answered != env::MonotonicTime();
  record.request_time = dispatched ? microseconds(record.dispatched - record.began) : -1;
  record.target_time = dispatched && answered ? microseconds(record.answered - record.dispatched) : -1;
  // The head goes on in the turn in which it came.
  record.response_time = answered ? 0 : -1;
  worker_.access_log().add(place, record);
}

}  // namespace brume::lb
