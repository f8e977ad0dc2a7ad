#include "services/logs/live_tails.h"

#include <algorithm>

#include "base/json.h"

namespace brume::logs {
namespace {

constexpr std::size_t kMostEvents = 500;  // of an update
constexpr std::chrono::seconds kInterval{1};
constexpr std::chrono::hours kLongest{3};

}  // namespace

struct LiveTails::Session {
  Session(Tailed what, aws::EventWriter out, env::MonotonicTime ends_at)
      : tailed(std::move(what)), writer(std::move(out)), ends(ends_at) {}
  const Tailed tailed;
  aws::EventWriter writer;
  const env::MonotonicTime ends;
  env::Loop::TimerId timer = 0;
  // Since the last update; under the mutex.
  List<LiveTailSessionLogEvent> events;
  std::size_t matched = 0, stride = 1;

  [[nodiscard]] bool wants(const GroupView& group, const std::string& stream) const {
    if (std::ranges::none_of(tailed.groups, [&](const auto& wanted) { return wanted->id == group.id; })) return false;
    if (tailed.streams.empty() && tailed.stream_prefixes.empty()) return true;
    return std::ranges::find(tailed.streams, stream) != tailed.streams.end() ||
           std::ranges::any_of(tailed.stream_prefixes, [&](const auto& prefix) { return stream.starts_with(prefix); });
  }
  // Each, then each second, fourth, …: an even sample, whatever comes.
  void add(LiveTailSessionLogEvent event) {
    if (matched++ % stride != 0) return;
    events.push_back(std::move(event));
    if (events.size() < 2 * kMostEvents) return;
    for (std::size_t i = 0; i < kMostEvents; ++i) events[i] = std::move(events[2 * i]);
    events.resize(kMostEvents);
    stride *= 2;
  }
};

LiveTails::~LiveTails() {
  for (const auto& session : sessions_) env_.loop.cancel(session->timer);
}

aws::EventSource LiveTails::session(Tailed tailed, LiveTailSessionStart start) {
  return [this, tailed = std::move(tailed), start = to_json(start)](aws::EventWriter writer) {
    if (!writer.write("sessionStart", start)) return;
    auto session = std::make_shared<Session>(tailed, std::move(writer), env_.clock.now() + kLongest);
    {
      const std::lock_guard lock(mutex_);
      sessions_.push_back(session);
      ++count_;
    }
    tick(session);
  };
}

void LiveTails::tick(const std::shared_ptr<Session>& session) {
  LiveTailSessionUpdate update;
  bool sampled = false;
  {
    const std::lock_guard lock(mutex_);
    update.sessionResults = std::exchange(session->events, {});
    sampled = session->matched > kMostEvents;
    session->matched = 0;
    session->stride = 1;
  }
  if (update.sessionResults.size() > kMostEvents) update.sessionResults.resize(kMostEvents);
  update.sessionMetadata.emplace().sampled = sampled;
  update.sessionResults.set_present();
  std::ranges::stable_sort(update.sessionResults, {}, &LiveTailSessionLogEvent::timestamp);
  if (!session->writer.write("sessionUpdate", to_json(update))) return remove(session);
  if (env_.clock.now() >= session->ends) {
    session->writer.fail("SessionTimeoutException", "The session has lasted for three hours: start another one.");
    return remove(session);
  }
  session->timer = env_.loop.after(kInterval, [this, session] { tick(session); });
}

void LiveTails::remove(const std::shared_ptr<Session>& session) {
  const std::lock_guard lock(mutex_);
  count_ -= std::size_t(sessions_.remove(session));
}

void LiveTails::appended(const GroupView& group, const std::string& stream, std::int64_t ingestion,
                         std::span<const logstore::NewEvent> events) {
  if (count_ == 0) return;
  const std::lock_guard lock(mutex_);
  for (const auto& session : sessions_) {
    if (!session->wants(group, stream)) continue;
    for (const logstore::NewEvent& event : events)
      if (session->tailed.pattern.matches(event.message))
        session->add({.logStreamName = stream,
                      .logGroupIdentifier = fmt::format("{}:{}", aws::kAccount, group.name),
                      .message = std::string(event.message),
                      .timestamp = event.timestamp,
                      .ingestionTime = ingestion});
  }
}

}  // namespace brume::logs
