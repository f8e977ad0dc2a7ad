// A client's connection: one request after another, each answered here or by a target.
//
// Invariants: a request whose first byte may have left for a target is never sent again; bytes of a body are passed on
// as they come and at most one buffer a direction is held; nothing is passed raw before the target's 101. A reused
// connection that refuses the very first byte is replaced once by a new one: nothing of the request has left then. One
// that closes without an answer is a 502, for idempotent requests too, since the target may have acted on it.
//
// client.cc reads heads, decides and answers; client_transfer.cc moves bytes between the two sides; client_record.cc
// notes what the access log is told, if there is one.
#pragma once

#include <memory>
#include <string>

#include "lb/access_line.h"
#include "lb/framing.h"
#include "lb/http1.h"
#include "lb/upstream.h"

namespace brume::lb {

class Worker;

// What a listener currently is for the connections that came through it: replaced in place by each snapshot.
struct ListenerView {
  std::shared_ptr<const Config> config;  // keeps the other two alive
  const ConfiguredBalancer* balancer = nullptr;
  const ConfiguredListener* listener = nullptr;
  bool removed = false;
};

class Client final : public Watcher, public Timer {
 public:
  Client(Worker& worker, env::Fd fd, std::shared_ptr<ListenerView> view, const Address& address, std::uint16_t port);
  ~Client() override;

  void on_events(std::uint32_t events) override;
  void on_timer() override;
  // Does all that can be done now.
  void run();
  void on_upstream_lost();
  void on_connect_timeout();
  // Ends the request if its target is gone from the snapshot.
  void check_target();
  // Ends it if its listener is gone, as finish_soon().
  void finish_if_removed() {
    if (view_->removed) finish_soon();
  }
  // Joins the loop; false if the kernel refuses.
  bool watch();
  // Ends when the current request is answered; at once if there is none.
  void finish_soon();

  std::size_t position = 0;  // in the worker's list

 private:
  enum class Phase : std::uint8_t { reading_head, exchanging, tunnelling, lingering, closed };

  // Each does one thing and returns whether there may be more to do.
  bool step();
  bool read_head();
  void start_request();
  void forward(const ConfiguredAction& action, bool upgrade);
  bool send_first(const ConfiguredTarget& target, std::string_view head, std::string_view body);

  bool move_request();
  bool move_response();
  bool read_response_head();
  bool pass_response_body();
  bool on_upstream_end();
  bool tunnel(Stream& from, Stream& to, bool& from_ended, bool& to_shut);
  void finish_exchange();
  bool linger();

  void answer(const Reply& reply, bool then_close);
  // An answer of the load balancer's own about a failure; if the client already got a part of another, it is cut off.
  void fail(int status);
  void refuse(HeadResult why);
  void end_when_sent();
  void close();
  void release_upstream(bool reusable);
  void restart_timer();
  void count_transferred();
  Counters& counters();
  GroupCounters& counters(const TargetState& target);  // of its group
  void count_response(int status);

  // A request is under way; `head` is null if it could not be read.
  void begin_record(const RequestHead* head, const char* base);
  void record_rule(int priority, const ConfiguredAction& action);
  void record_target(const ConfiguredTarget& target);
  // It is over: into the log.
  void end_record(int status);

  Worker& worker_;
  std::shared_ptr<ListenerView> view_;
  const std::shared_ptr<BalancerState> state_;
  Stream stream_;
  RequestParser request_;
  Address address_;
  std::uint16_t port_;
  std::string client_;  // as X-Forwarded-For names it
  bool client_with_port_ = false;
  env::MonotonicTime expires_;  // client_keep_alive

  Phase phase_ = Phase::reading_head;
  bool finishing_ = false;  // no further request
  bool running_ = false;
  bool needs_input_ = true;  // what is in the buffer has been looked at
  bool shut_ = false;        // sending is shut down (lingering, tunnelling)
  bool client_ended_ = false, upstream_ended_ = false, upstream_shut_ = false;  // tunnelling

  // Of the request in progress.
  bool keep_alive_ = true, is_head_ = false, http_1_0_ = false, upgrade_ = false;
  BodyTracker request_body_, response_body_;
  bool request_broken_ = false;  // the target takes no more of it; its answer may still come
  bool response_started_ = false;
  bool response_incomplete_ = false;  // what is in the upstream's buffer has been looked at
  bool upstream_keep_alive_ = false;
  bool drop_chunked_ = false;
  ResponseParser response_;
  std::unique_ptr<Upstream> upstream_;
  env::MonotonicTime sent_at_{};
  std::uint64_t received_ = 0, sent_ = 0;  // bytes of it and of its answer

  bool recording_ = false;
  std::unique_ptr<AccessRecord> record_;  // of the request in progress while recording_; else kept for the next
};

}  // namespace brume::lb
