#include "compute/agent/sender.h"

#include <algorithm>

#include "compute/agent/tail_change.h"

namespace brume::agent {
namespace {

constexpr double kQuietSeconds = 5;  // after which the CloudWatch agent, too, ends an event of several lines

}  // namespace

bool Sender::is_quiet(const Tail& tail) const {
  return world_.seconds() - tail.grown_at >= std::min(kQuietSeconds, flush_seconds_);
}

bool Sender::is_due(const Tail& tail) const {
  if (!tail.file || tail.overwritten) return false;
  if (tail.state.is_pending()) return true;
  const std::int64_t unsent = tail.size - tail.state.offset;
  return unsent >= std::int64_t(kMaxBatchBytes) ||
         (unsent > 0 && world_.seconds() - tail.unsent_since >= flush_seconds_);
}

Sender::Sent Sender::ship(Tail& tail, bool everything) {
  FileState& state = tail.state;
  const bool again = state.is_pending();
  CutRequest request{.from = state.offset,
                     .end = again ? std::min(state.pending_to, tail.size) : tail.size,
                     .end_last = again || everything || is_quiet(tail),
                     .final = again || everything,
                     .last_time = state.last_time,
                     .marks = &state.marks,
                     .now = world_.now()};
  // A log may be truncated and grow again between two looks: the bytes before tell.
  if (!is_known_by_bytes(state, *tail.file)) return Sent::changed;
  auto made = cut(rules_, request, [&](std::int64_t offset, std::size_t size, std::string& out) {
    return tail.file->read(offset, size, out);
  });
  if (!made) {
    notices_.trouble(subject_, made.error().message);
    return Sent::nothing;
  }
  if (made->to == state.offset) {
    state.pending_to = -1;
    tail.unsent_since = world_.seconds();  // what there is waits for its end
    return Sent::nothing;
  }
  if (!made->batch.empty() && !send(tail, *made)) return Sent::failed;
  state.last_time = made->last_time;
  acknowledge(tail, made->to);
  // What is lost of this is sent again, with the same token; while there is more, the next batch's state tells it.
  if (!made->full) save(tail, false);
  return Sent::some;
}

// False: to be tried again.
bool Sender::send(Tail& tail, Cut& made) {
  FileState& state = tail.state;
  if (state.pending_to != made.to || !tail.pending_saved) {
    state.pending_to = made.to;
    state.pending_before = fingerprint_before(*tail.file, made.to).value_or(0);
    if (!(tail.pending_saved = save(tail, true))) return false;
  }
  const Answer answer = groups_.deliver(entry_, tail.to, made.batch, state.token());
  const Outcome result = outcome(answer);
  if (result == Outcome::accepted || result == Outcome::refused) {
    if (result == Outcome::refused)
      notices_.trouble(subject_,
                       fmt::format("{} events are not taken and left out: {}", made.batch.size(), describe(answer)));
    else
      notices_.well(subject_);
    pause_ = retry_at_ = 0;
    return true;
  }
  notices_.trouble(subject_, fmt::format("{}; it is tried again", describe(answer)));
  failure_ = result;
  pause_ = next_try(pause_, result);
  retry_at_ = world_.seconds() + pause_;
  return false;
}

void Sender::acknowledge(Tail& tail, std::int64_t to) {
  FileState& state = tail.state;
  state.offset = to;
  state.pending_to = -1;
  tail.pending_saved = false;
  state.before = fingerprint_before(*tail.file, to).value_or(0);
  drop_marks(state.marks, to);
  tail.unsent_since = world_.seconds();
}

bool Sender::save(Tail& tail, bool durable) {
  if (world_.save_state(tail.state.id, to_text(tail.state), durable)) {
    notices_.well("state of " + entry_.key);
    return true;
  }
  notices_.trouble("state of " + entry_.key, "it cannot be written; nothing is sent until it can");
  retry_at_ = world_.seconds() + 5;
  return false;
}

}  // namespace brume::agent
