#include "logstore/event_store.h"

#include <algorithm>

#include "logstore/appends.h"
#include "logstore/streams.h"
#include "logstore/upkeep.h"
#include "logstore/visit.h"

namespace brume::logstore {
namespace {

constexpr std::size_t kMostToken = 128;
constexpr std::int64_t kLatest = std::int64_t(1) << 60;

Result<void> load(State& state) {
  Index& index = state.index;
  std::map<std::pair<GroupId, std::uint32_t>, std::uint64_t> applied;
  std::uint64_t last_row = 0, last_block = 0, next_row = 1, next_block = 1;
  Loaded into;
  into.group = [&](GroupId id, GroupFacts&& facts, bool deleted) {
    if (deleted) {
      index.deleted[id];
      return;
    }
    auto group = std::make_shared<Group>();
    group->id = id;
    group->facts = std::move(facts);
    index.groups.emplace(id, std::move(group));
  };
  into.stream = [&](GroupId id, Stream&& stream, std::uint64_t row) {
    Group* group = index.find(id);
    if (!group) return;
    auto shared = std::make_shared<Stream>(std::move(stream));
    applied[{id, shared->number}] = row;
    group->by_number.emplace(shared->number, shared);
    group->by_name.emplace(shared->name, shared);
  };
  into.row = [&](RowHead&& head, std::uint32_t size) {
    last_row = std::max(last_row, head.id);
    Group* group = index.find(head.group);
    if (!group) {
      index.deleted[head.group].rows.push_back(head.id);
      return;
    }
    group->facts.next_id = std::max(group->facts.next_id, head.first_id + head.events);
    index.add(*group, pending(head, size));
    const auto stream = group->by_number.find(head.stream);
    if (stream != group->by_number.end() && head.id > applied[{head.group, head.stream}])
      count(stream->second->facts, head);
  };
  into.block = [&](GroupId id, const BlockHead& head) {
    last_block = std::max(last_block, head.id);
    if (Group* group = index.find(id))
      index.add(*group, head);
    else
      index.deleted[id].blocks.push_back(head.id);
  };
  into.next = [&](std::uint64_t row, std::uint64_t block) {
    next_row = row;
    next_block = block;
  };
  BRUME_CHECK(state.database->load(into));
  index.next_row = std::max(next_row, last_row + 1);
  index.next_block = std::max(next_block, last_block + 1);
  return {};
}

Result<void> check(std::span<const NewEvent> events, std::string_view token) {
  const auto refuse = [](std::string_view why) { return fail("InvalidParameterException", "{}", why); };
  if (events.empty()) return refuse("There are no log events.");
  if (events.size() > kMostEvents) return refuse("There are more than 65536 log events.");
  if (token.size() > kMostToken) return refuse("The token is longer than 128 bytes.");
  std::uint64_t text = 0;
  for (const NewEvent& event : events) {
    if (event.timestamp < 0 || event.timestamp > kLatest)
      return refuse("A log event's timestamp is before 1970 or after all calendars.");
    if (event.message.empty()) return refuse("A log event's message is empty.");
    text += event.message.size();
  }
  if (text > kMostText) return refuse("The log events are larger than 32 MiB.");
  return {};
}

// As Usage says; the caller holds `index_lock`.
void add(Usage& usage, const Group& group) {
  usage.events += group.events;
  usage.stored_bytes += group.text_bytes + group.events * kEventBytes;
  usage.disk_bytes += group.disk_bytes;
  usage.streams += group.by_name.size();
}

}  // namespace

Result<std::unique_ptr<EventStore>> EventStore::open(Options options) {
  auto state = std::make_unique<State>();
  BRUME_TRY(database, Database::open(options.path));
  state->database = std::move(database);
  state->options = std::move(options);
  BRUME_CHECK(load(*state));
  return std::unique_ptr<EventStore>(new EventStore(std::move(state)));
}

EventStore::EventStore(std::unique_ptr<State> state)
    : state_(std::move(state)),
      upkeep_(std::make_unique<Upkeep>(*state_)),
      appends_(std::make_unique<Appends>(*state_)) {}

EventStore::~EventStore() = default;

Result<void> EventStore::create_stream(GroupId group, const std::string& name, std::int64_t now) {
  return logstore::create_stream(*state_, group, name, now);
}

Result<void> EventStore::delete_stream(GroupId group, const std::string& name) {
  return logstore::delete_stream(*state_, group, name);
}

Result<void> EventStore::delete_group(GroupId group) {
  return logstore::delete_group(*state_, group);
}

StreamPage EventStore::streams(const StreamQuery& query) const {
  return list_streams(*state_, query);
}

std::optional<StreamInfo> EventStore::stream(GroupId id, const std::string& name) const {
  const std::lock_guard hold(state_->index_lock);
  const Group* group = state_->index.find(id);
  if (!group) return {};
  const auto found = group->by_name.find(name);
  if (found == group->by_name.end()) return {};
  return info_of(*found->second);
}

std::uint64_t EventStore::last_id(GroupId id) const {
  const std::lock_guard hold(state_->index_lock);
  const Group* group = state_->index.find(id);
  return group ? group->facts.next_id - 1 : 0;
}

Result<Appended> EventStore::append(GroupId group, const std::string& stream, std::span<const NewEvent> events,
                                    std::int64_t ingestion, std::string_view token, bool create_stream) {
  BRUME_CHECK(check(events, token));
  auto appended = appends_->append(group, stream, events, ingestion, token, create_stream);
  // The events are on disk whatever becomes of this: what is wrong the next `maintain` says.
  if (appended) (void)upkeep_->relieve(group);
  return appended;
}

Result<Scanned> EventStore::visit(const Read& read, const std::function<bool(const Event&)>& visitor) {
  return logstore::visit(*state_, read, visitor);
}

Result<std::optional<OwnedEvent>> EventStore::find(GroupId group, Position position) {
  Read read;
  read.group = group;
  read.from = position.timestamp;
  read.to = position.timestamp + 1;
  if (position.id > 0) read.after = Position{position.timestamp, position.id - 1};
  std::optional<OwnedEvent> found;
  BRUME_CHECK(visit(read, [&](const Event& event) {
    if (event.id == position.id)
      found = {event.timestamp, event.ingestion, std::string(event.stream), std::string(event.message), event.id};
    return false;
  }));
  return found;
}

Result<void> EventStore::expire(GroupId group, std::int64_t older_than) {
  return logstore::expire(*state_, group, older_than);
}

Result<Maintained> EventStore::maintain(std::int64_t now) {
  return upkeep_->maintain(now);
}

Usage EventStore::usage(GroupId id) const {
  const std::lock_guard hold(state_->index_lock);
  Usage usage;
  if (const Group* group = state_->index.find(id)) add(usage, *group);
  return usage;
}

Usage EventStore::usage() const {
  Usage usage;
  {
    const std::lock_guard hold(state_->index_lock);
    for (const auto& [id, group] : state_->index.groups) add(usage, *group);
  }
  const std::lock_guard writing(state_->writing);
  if (const auto sizes = state_->database->sizes()) usage.disk_bytes = sizes->used + sizes->free + sizes->log;
  return usage;
}

}  // namespace brume::logstore
