#include "lb/client.h"

#include <sys/epoll.h>

#include <algorithm>

#include "lb/worker.h"

namespace brume::lb {
namespace {
// Steps before others on this thread have their turn.
constexpr int kStepsPerTurn = 64;
// How long a closing connection waits for the client's end, so that a reset does not overtake our last words.
constexpr env::Duration kLinger = std::chrono::seconds(2);
constexpr int kMaxForwardedFor = 30;

void count_status(int status, Counters& counters) {
  if (status == 502) counters.elb_502.add();
  if (status == 503) counters.elb_503.add();
  if (status == 504) counters.elb_504.add();
  if (status >= 500)
    counters.elb_5xx.add();
  else if (status >= 400)
    counters.elb_4xx.add();
}
}  // namespace

Client::Client(Worker& worker, env::Fd fd, std::shared_ptr<ListenerView> view, const Address& address,
               std::uint16_t port)
    : worker_(worker),
      view_(std::move(view)),
      state_(view_->balancer->state),
      stream_(std::move(fd), worker.buffers()),
      address_(address),
      port_(port),
      client_with_port_(view_->balancer->xff_client_port),
      expires_(worker.loop().now() + view_->balancer->client_keep_alive) {
  client_ = forwarded_for(address.text(), address.v4, port, client_with_port_);
  counters().new_connections.add();
  counters().active_connections.add();
  restart_timer();
}

Client::~Client() = default;

Counters& Client::counters() {
  return state_->by_worker[worker_.index()];
}

GroupCounters& Client::counters(const TargetState& target) {
  return target.group_state->by_worker[worker_.index()];
}

bool Client::watch() {
  return worker_.loop().watch(stream_.fd(), *this);
}

void Client::restart_timer() {
  worker_.loop().set_timer(*this, view_->balancer->idle_timeout);
}

void Client::count_transferred() {
  if (const auto bytes = stream_.take_transferred(); bytes > 0) counters().processed_bytes.add(std::int64_t(bytes));
}

void Client::on_events(std::uint32_t events) {
  if (phase_ == Phase::closed) return;
  stream_.note(events);
  // A client that is gone for good ends the request at its target, too. (A tunnel that we have closed towards it looks
  // the same, but may have bytes on their way to the target.)
  if (stream_.broken() && !(phase_ == Phase::tunnelling && shut_)) return close();
  run();
}

void Client::run() {
  if (running_ || phase_ == Phase::closed) return;
  running_ = true;
  int steps = 0;
  while (phase_ != Phase::closed && step()) {
    if (++steps == kStepsPerTurn) {
      if (phase_ != Phase::closed) worker_.loop().call_again(*this);
      break;
    }
  }
  running_ = false;
  if (phase_ == Phase::closed) return;
  count_transferred();
  if (steps > 0 && !(phase_ == Phase::lingering && shut_)) restart_timer();
}

bool Client::step() {
  switch (phase_) {
    case Phase::reading_head:
      return read_head();
    case Phase::exchanging: {
      const bool moved = move_request();
      if (phase_ != Phase::exchanging) return true;
      return move_response() || moved;
    }
    case Phase::tunnelling: {
      const bool up = tunnel(stream_, upstream_->stream, client_ended_, upstream_shut_);
      if (phase_ != Phase::tunnelling) return true;
      return tunnel(upstream_->stream, stream_, upstream_ended_, shut_) || up;
    }
    case Phase::lingering:
      return linger();
    case Phase::closed:
      break;
  }
  return false;
}

bool Client::read_head() {
  // The next request waits until the client has taken the answer to the last.
  if (!stream_.flush()) return close(), false;
  if (stream_.has_unsent()) return false;
  if (needs_input_) {
    switch (stream_.fill()) {
      case Stream::Fill::nothing:
        return false;
      case Stream::Fill::end:
      case Stream::Fill::error:
        close();
        return false;
      case Stream::Fill::data:
        break;
    }
  }
  const std::string_view input = stream_.input();
  const HeadResult result = request_.parse(input.data(), input.size());
  needs_input_ = result == HeadResult::incomplete;
  if (result == HeadResult::complete)
    start_request();
  else if (result != HeadResult::incomplete)
    refuse(result);
  return true;
}

void Client::refuse(HeadResult why) {
  is_head_ = false;
  begin_record(nullptr, nullptr);
  switch (why) {
    case HeadResult::line_too_long:
      return answer(standard_reply(414), true);
    case HeadResult::version_not_supported:
      return answer(standard_reply(505), true);
    default:
      return answer(standard_reply(400), true);
  }
}

void Client::start_request() {
  const RequestHead& head = request_.head();
  const char* base = stream_.input().data();
  const std::string_view method = head.method.in(base);
  http_1_0_ = head.minor_version == 0;
  is_head_ = method == "HEAD";
  keep_alive_ = http_1_0_ ? head.connection.keep_alive && !head.connection.close : !head.connection.close;
  if (finishing_ || worker_.loop().now() >= expires_) keep_alive_ = false;
  response_started_ = false;
  received_ = head.size;
  sent_ = 0;
  begin_record(&head, base);

  const Framing framing = request_framing(head, base);
  const Field* host = head.find(Name::host);
  if (framing.error != 0) return answer(standard_reply(framing.error), true);
  if (!http_1_0_ && host == nullptr && !head.absolute) return answer(standard_reply(400), true);
  if (method == "TRACE") return answer(standard_reply(405), true);
  if (count_forwarded_for(head, base) > kMaxForwardedFor) return answer(standard_reply(463), true);
  if (view_->removed) return close();

  request_body_ = BodyTracker(framing);
  const std::string_view authority = head.absolute     ? head.authority.in(base)
                                     : host != nullptr ? host->value.in(base)
                                                       : std::string_view();
  const RequestView view{head,    base, method, split_host(authority).host, head.path.in(base), head.query.in(base),
                         address_};
  const ConfiguredListener& listener = *view_->listener;
  const auto rule = std::ranges::find_if(listener.rules, [&](const CompiledRule& one) { return one.matches(view); });
  const ConfiguredAction& action =
      rule == listener.rules.end() ? listener.actions.back() : listener.actions[rule->action];

  if (recording_) record_rule(rule == listener.rules.end() ? 0 : rule->priority, action);
  if (action.redirect || action.fixed) {
    const Reply reply = action.fixed ? fixed_reply(*action.fixed)
                                     : redirect_reply(action.redirect->status,
                                                      redirect_location(*action.redirect, view, listener.port));
    return answer(reply, false);
  }
  // WebSocket is all that an Application Load Balancer upgrades to; h2c would bypass the rules.
  const Field* upgrade = head.find(Name::upgrade);
  forward(action, !http_1_0_ && head.connection.upgrade && upgrade != nullptr && request_body_.done() &&
                      equals_ignoring_case(upgrade->value.in(base), "websocket"));
}

void Client::forward(const ConfiguredAction& action, bool upgrade) {
  const ConfiguredTarget* target = worker_.choose_target(*view_->config, action);
  if (target == nullptr) return answer(standard_reply(503), false);
  if (recording_) record_target(*target);

  const ConfiguredBalancer& balancer = *view_->balancer;
  if (client_with_port_ != balancer.xff_client_port) {
    client_with_port_ = balancer.xff_client_port;
    client_ = forwarded_for(address_.text(), address_.v4, port_, client_with_port_);
  }
  const ForwardSettings settings{.preserve_host_header = balancer.preserve_host_header,
                                 .drop_invalid_header_fields = balancer.drop_invalid_header_fields,
                                 .xff_mode = balancer.xff_mode,
                                 .listener_port = view_->listener->port,
                                 .client = client_,
                                 .proto_fields = view_->listener->proto_fields,
                                 .trace_root = recording_ ? record_->trace_root : worker_.next_trace_root()};
  std::string& head = worker_.scratch();
  head.clear();
  const std::string_view input = stream_.input();
  write_request_head(request_.head(), input.data(), settings, upgrade, head);
  const std::uint32_t head_size = request_.head().size;
  const std::size_t body_size = request_body_.take(input.substr(head_size));
  received_ += body_size;
  if (request_body_.failed()) return answer(standard_reply(400), true);

  upgrade_ = upgrade;
  request_broken_ = false;
  response_incomplete_ = true;
  response_.reset();
  counters().requests.add();
  target->state->requests.fetch_add(1, std::memory_order_relaxed);
  counters(*target->state).requests.add();
  sent_at_ = worker_.loop().now();
  phase_ = Phase::exchanging;
  const bool sent = send_first(*target, head, input.substr(head_size, body_size));
  stream_.consume(head_size + body_size);
  request_.reset();
  if (!sent) {
    counters(*target->state).connection_errors.add();
    fail(502);
  }
}

bool Client::send_first(const ConfiguredTarget& target, std::string_view head, std::string_view body) {
  auto adopt = [this](std::unique_ptr<Upstream> upstream) {
    if (!upstream) return false;
    upstream_ = std::move(upstream);
    upstream_->client = this;
    upstream_->target->in_flight.fetch_add(1, std::memory_order_relaxed);
    return true;
  };
  if (adopt(worker_.pool().take(*target.state))) {
    if (upstream_->stream.send(head, body)) return true;
    release_upstream(false);
  }
  return adopt(worker_.pool().connect(*view_->balancer, target, worker_.connect_timeout())) &&
         upstream_->stream.send(head, body);
}

void Client::release_upstream(bool reusable) {
  if (!upstream_) return;
  upstream_->target->in_flight.fetch_sub(1, std::memory_order_relaxed);
  if (recording_ && !upstream_->connecting) record_->dispatched = std::max(sent_at_, upstream_->connected_at);
  if (reusable)
    worker_.pool().give(std::move(upstream_), view_->balancer->idle_timeout);
  else
    worker_.pool().close(std::move(upstream_));
}

void Client::answer(const Reply& reply, bool then_close) {
  // The rest of a body is not waited for: what has come of it is skipped, else the connection ends.
  if (!then_close) {
    if (phase_ == Phase::reading_head) stream_.consume(request_.head().size);
    const std::size_t skipped = request_body_.take(stream_.input());
    received_ += skipped;
    stream_.consume(skipped);
    request_.reset();
    needs_input_ = stream_.input().empty();
  }
  if (then_close || !request_body_.done()) keep_alive_ = false;
  release_upstream(false);
  count_status(reply.status, counters());
  const std::string text = write_reply(reply, worker_.date(), keep_alive_, is_head_);
  sent_ += text.size();
  if (recording_) {
    record_->redirect_url = reply.location;
    end_record(reply.status);
  }
  if (!stream_.send(text)) return close();
  if (keep_alive_)
    phase_ = Phase::reading_head;
  else
    end_when_sent();
}

void Client::fail(int status) {
  if (!response_started_) return answer(standard_reply(status), status < 500);
  stream_.reset_on_close();
  close();
}

void Client::end_when_sent() {
  release_upstream(false);
  phase_ = Phase::lingering;
  stream_.consume(stream_.input().size());
}

bool Client::linger() {
  if (!stream_.flush()) return close(), false;
  if (stream_.has_unsent()) return false;
  if (!shut_) {
    stream_.shut_down_sending();
    shut_ = true;
    worker_.loop().set_timer(*this, kLinger);
  }
  switch (stream_.fill()) {
    case Stream::Fill::data:
      stream_.consume(stream_.input().size());
      return true;
    case Stream::Fill::nothing:
      return false;
    case Stream::Fill::end:
    case Stream::Fill::error:
      break;
  }
  close();
  return false;
}

void Client::on_timer() {
  switch (phase_) {
    case Phase::reading_head:
      if (!request_.started() || stream_.has_unsent()) return close();
      is_head_ = false;
      begin_record(nullptr, nullptr);
      answer(standard_reply(408), true);
      return run();
    case Phase::exchanging: {
      // Whom are we waiting for?
      const bool for_client = !request_body_.done() && !upstream_->connecting && !upstream_->stream.has_unsent();
      fail(for_client ? 408 : 504);
      return run();
    }
    case Phase::tunnelling:
    case Phase::lingering:
    case Phase::closed:
      return close();
  }
}

void Client::on_upstream_lost() {
  if (phase_ == Phase::tunnelling) return close();
  if (upstream_->connecting) counters(*upstream_->target).connection_errors.add();
  fail(502);
  run();
}

void Client::on_connect_timeout() {
  counters(*upstream_->target).connection_errors.add();
  fail(504);
  run();
}

void Client::check_target() {
  if (!upstream_ || !upstream_->target->removed) return;
  if (phase_ == Phase::tunnelling) return close();
  fail(502);
  run();
}

void Client::finish_soon() {
  finishing_ = true;
  keep_alive_ = false;
  if (phase_ == Phase::tunnelling) return close();
  if (phase_ != Phase::reading_head || request_.started() || stream_.has_unsent()) return;
  // A request that has already arrived is still served.
  if (stream_.is_stale())
    stream_.note(EPOLLIN), run();
  else
    close();
}

void Client::close() {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  release_upstream(false);
  // 460: it left before it had an answer.
  if (recording_) end_record(response_started_ ? response_.head().status : 460);
  TimerWheel::cancel(*this);
  count_transferred();
  counters().active_connections.add(-1);
  stream_.close();
  worker_.remove(*this);
}

}  // namespace brume::lb
