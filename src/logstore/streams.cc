#include "logstore/streams.h"

#include <algorithm>
#include <tuple>

namespace brume::logstore {

StreamInfo info_of(const Stream& stream) {
  const StreamFacts& facts = stream.facts;
  return {stream.name,          stream.creation,    facts.first_event, facts.last_event,
          facts.last_ingestion, facts.stored_bytes, facts.events};
}

Result<void> create_stream(State& state, GroupId id, const std::string& name, std::int64_t now) {
  const std::lock_guard writing(state.writing);
  if (state.index.deleted.contains(id))
    return fail("ResourceNotFoundException", "The specified log group does not exist.");
  std::shared_ptr<Group> group;
  if (const auto found = state.index.groups.find(id); found != state.index.groups.end()) {
    group = found->second;
  } else {
    group = std::make_shared<Group>();
    group->id = id;
  }
  if (group->by_name.contains(name))
    return fail("ResourceAlreadyExistsException", "The specified log stream already exists");
  auto stream = std::make_shared<Stream>();
  stream->number = group->facts.next_stream;
  stream->name = name;
  stream->creation = now;
  GroupFacts facts = group->facts;
  ++facts.next_stream;
  BRUME_TRY(transaction, state.database->begin_adding(Database::kPage));
  BRUME_CHECK(state.database->put_group(id, facts));
  BRUME_CHECK(state.database->put_stream(id, *stream, {}, state.index.next_row - 1));
  BRUME_CHECK(transaction.commit());
  const std::lock_guard hold(state.index_lock);
  group->facts = std::move(facts);
  group->by_name.emplace(name, stream);
  group->by_number.emplace(stream->number, stream);
  state.index.groups.try_emplace(id, std::move(group));
  return {};
}

Result<void> delete_stream(State& state, GroupId id, const std::string& name) {
  const std::lock_guard writing(state.writing);
  Group* group = state.index.find(id);
  const auto found = group ? group->by_name.find(name) : decltype(group->by_name.end()){};
  if (!group || found == group->by_name.end())
    return fail("ResourceNotFoundException", "The specified log stream does not exist.");
  const std::uint32_t number = found->second->number;
  GroupFacts facts = group->facts;
  facts.sweep = facts.sweep || !group->blocks.empty();
  BRUME_TRY(transaction, state.database->begin_freeing());
  BRUME_CHECK(state.database->put_next(state.index.next_row, state.index.next_block));
  BRUME_CHECK(state.database->put_group(id, facts));
  BRUME_CHECK(state.database->erase_stream(id, number));
  std::vector<std::uint64_t> rows;
  for (const auto& [row, pending] : group->rows)
    if (pending.stream == number) rows.push_back(row);
  for (const std::uint64_t row : rows) BRUME_CHECK(state.database->erase_row(row));
  BRUME_CHECK(transaction.commit());
  const std::lock_guard hold(state.index_lock);
  group->facts = std::move(facts);
  group->by_name.erase(found);
  group->by_number.erase(number);
  ++group->deletions;
  for (const std::uint64_t row : rows) state.index.erase_row(*group, row);
  return {};
}

Result<void> delete_group(State& state, GroupId id) {
  const std::lock_guard writing(state.writing);
  const auto found = state.index.groups.find(id);
  if (found == state.index.groups.end()) return {};
  BRUME_TRY(transaction, state.database->begin_freeing());
  BRUME_CHECK(state.database->put_group(id, found->second->facts, true));
  BRUME_CHECK(transaction.commit());
  const std::lock_guard hold(state.index_lock);
  Garbage& garbage = state.index.deleted[id];
  Group& group = *found->second;
  for (const auto& [row, pending] : group.rows) garbage.rows.push_back(row);
  for (const auto& [first, block] : group.blocks) garbage.blocks.push_back(block.id);
  state.index.pending_rows -= group.rows.size();
  // For who still holds it.
  group.rows.clear();
  group.blocks.clear();
  group.by_name.clear();
  group.by_number.clear();
  state.index.groups.erase(found);
  return {};
}

Result<void> expire(State& state, GroupId id, std::int64_t older_than) {
  const std::lock_guard writing(state.writing);
  Group* group = state.index.find(id);
  if (!group) return {};
  const Cut cut{older_than, group->facts.next_id};
  const bool block_older = !group->blocks.empty() && group->blocks.begin()->first < older_than;
  const bool row_older =
      std::ranges::any_of(group->rows, [&](const auto& row) { return row.second.first < older_than; });
  const bool said =
      std::ranges::any_of(group->facts.cuts, [&](const Cut& old) { return old.time >= cut.time && old.id >= cut.id; });
  if (said || (!block_older && !row_older)) return {};
  GroupFacts facts = group->facts;
  // What the new one says too.
  std::erase_if(facts.cuts, [&](const Cut& old) { return old.time <= cut.time && old.id <= cut.id; });
  facts.cuts.push_back(cut);
  BRUME_TRY(transaction, state.database->begin_freeing());
  BRUME_CHECK(state.database->put_group(id, facts));
  BRUME_CHECK(transaction.commit());
  const std::lock_guard hold(state.index_lock);
  group->facts = std::move(facts);
  group->new_cuts = true;
  return {};
}

namespace {

// Smaller first.
auto by_last_event(const Stream& stream) {
  return std::tuple(stream.facts.last_event.value_or(-1), std::string_view(stream.name));
}
auto by_last_event(const StreamPlace& place) {
  return std::tuple(place.last_event.value_or(-1), std::string_view(place.name));
}

}  // namespace

StreamPage list_streams(const State& state, const StreamQuery& query) {
  const std::lock_guard hold(state.index_lock);
  std::vector<const Stream*> found;
  const Group* group = state.index.find(query.group);
  if (!group) return {};
  const bool named = query.order == StreamOrder::name;
  const auto before = [&](const auto& a, const auto& b) {
    if (named) return query.descending ? b.name < a.name : a.name < b.name;
    return query.descending ? by_last_event(b) < by_last_event(a) : by_last_event(a) < by_last_event(b);
  };
  for (auto next = group->by_name.lower_bound(query.prefix);
       next != group->by_name.end() && next->first.starts_with(query.prefix); ++next)
    if (!query.after || before(*query.after, *next->second)) found.push_back(next->second.get());
  const std::size_t taken = std::min(query.limit, found.size());
  std::ranges::partial_sort(found, found.begin() + std::ptrdiff_t(taken),
                            [&](const Stream* a, const Stream* b) { return before(*a, *b); });
  StreamPage page;
  for (std::size_t i = 0; i < taken; ++i) page.streams.push_back(info_of(*found[i]));
  if (taken > 0 && taken < found.size())
    page.next = StreamPlace{named ? std::nullopt : found[taken - 1]->facts.last_event, found[taken - 1]->name};
  return page;
}

}  // namespace brume::logstore
