// What goes: deleted groups and streams, expired events, and the oldest when there is no room.
#include <algorithm>
#include <tuple>

#include "base/log.h"
#include "logstore/upkeep.h"

namespace brume::logstore {
namespace {

constexpr std::size_t kAtOnce = 32;       // rows or blocks of one transaction
constexpr std::size_t kSweptAtOnce = 64;  // blocks that one call of `maintain` looks through
constexpr std::uint64_t kKeptFree = std::uint64_t(16) << 20;
constexpr int kPagesAtOnce = 64;
constexpr int kMostGivenBack = 128;  // times so many pages, by one call

bool covers(const Cut& cut, const BlockHead& block) {
  return block.last.timestamp < cut.time && block.most_id < cut.id;
}
bool covers(const Cut& cut, const PendingRow& row) {
  return row.last < cut.time && row.first_id + row.events <= cut.id;
}

}  // namespace

Result<Maintained> Upkeep::maintain(std::int64_t now) {
  const std::lock_guard folding(folding_);
  Result<void> first;
  const auto attempt = [&](Result<void> step) {
    if (!step && first) first = std::move(step);
  };
  attempt(free_deleted_groups());
  for (const GroupPtr& group : groups()) {
    attempt(free_expired(group));
    attempt(sweep(group));
  }
  attempt(fold_due(now));
  attempt(keep_to_budget());
  attempt(give_back());
  if (!first) return std::unexpected(std::move(first).error());
  return std::exchange(done_, {});
}

Result<void> Upkeep::free_deleted_groups() {
  while (true) {
    const std::lock_guard writing(state_.writing);
    if (state_.index.deleted.empty()) return {};
    const auto& [id, garbage] = *state_.index.deleted.begin();
    BRUME_TRY(transaction, state_.database->begin_freeing());
    const std::size_t rows = std::min(garbage.rows.size(), kAtOnce);
    const std::size_t blocks = std::min(garbage.blocks.size(), kAtOnce - rows);
    for (std::size_t i = 0; i < rows; ++i) BRUME_CHECK(state_.database->erase_row(garbage.rows.rbegin()[i]));
    for (std::size_t i = 0; i < blocks; ++i) BRUME_CHECK(state_.database->erase_block(garbage.blocks.rbegin()[i]));
    const bool all = rows == garbage.rows.size() && blocks == garbage.blocks.size();
    if (all) BRUME_CHECK(state_.database->erase_group(id));
    BRUME_CHECK(state_.database->put_next(state_.index.next_row, state_.index.next_block));
    BRUME_CHECK(transaction.commit());
    const std::lock_guard hold(state_.index_lock);
    Garbage& left = state_.index.deleted.begin()->second;
    left.rows.resize(left.rows.size() - rows);
    left.blocks.resize(left.blocks.size() - blocks);
    if (all) state_.index.deleted.erase(state_.index.deleted.begin());
  }
}

Result<void> Upkeep::free_expired(const GroupPtr& group) {
  std::vector<BlockHead> gone;
  std::vector<PendingRow> rows;
  std::vector<Cut> cuts;
  {
    const std::lock_guard hold(state_.index_lock);
    cuts = group->facts.cuts;
    if (!group->new_cuts) return {};
    const auto covered = [&](const auto& part) {
      return std::ranges::any_of(cuts, [&](const Cut& cut) { return covers(cut, part); });
    };
    for (const auto& [first, block] : group->blocks)
      if (covered(block)) gone.push_back(block);
    for (const auto& [id, row] : group->rows)
      if (covered(row)) rows.push_back(row);
  }
  BRUME_CHECK(drop(group, gone, false));
  BRUME_CHECK(drop_rows(group, rows));
  const std::lock_guard hold(state_.index_lock);
  group->new_cuts = cuts != group->facts.cuts;
  return {};
}

Result<void> Upkeep::sweep(const GroupPtr& group) {
  std::vector<BlockHead> looked_at;
  std::uint64_t deletions = 0;
  Sweep& at = sweeps_[group->id];
  {
    const std::lock_guard hold(state_.index_lock);
    if (!group->facts.sweep) {
      sweeps_.erase(group->id);
      return {};
    }
    deletions = group->deletions;
    if (at.deletions != deletions) at = {deletions, 0};
    for (const auto& [first, block] : group->blocks)
      if (block.id >= at.next && !damaged_.contains(block.id)) looked_at.push_back(block);
  }
  std::ranges::sort(looked_at, {}, &BlockHead::id);
  const bool last = looked_at.size() <= kSweptAtOnce;
  if (!last) looked_at.resize(kSweptAtOnce);
  for (const BlockHead& block : looked_at) {
    std::size_t dead = 0;
    {
      BRUME_TRY(reader, state_.database->reader());
      BRUME_TRY(bytes, reader.block(block.id));
      const auto opened = BlockReader::open(block, std::move(bytes).value_or(BlockBytes()));
      const auto columns = opened ? opened->columns() : std::unexpected(opened.error());
      const std::lock_guard hold(state_.index_lock);
      for (const BlockColumn& event : columns.value_or(std::vector<BlockColumn>()))
        dead += group->by_number.contains(event.stream) ? 0 : 1;
    }
    // A block with a few dead ones is left as it is: they are not seen, and expire with it.
    if (dead * 4 >= block.events) BRUME_CHECK(merge(group, {block}));
  }
  if (!last) {
    at.next = looked_at.back().id + 1;
    return {};
  }
  const std::lock_guard writing(state_.writing);
  if (group->deletions != deletions || state_.index.find(group->id) != group.get()) return {};
  GroupFacts facts = group->facts;
  facts.sweep = false;
  BRUME_TRY(transaction, state_.database->begin_freeing());
  BRUME_CHECK(state_.database->put_group(group->id, facts));
  BRUME_CHECK(transaction.commit());
  const std::lock_guard hold(state_.index_lock);
  group->facts.sweep = false;
  return {};
}

Result<void> Upkeep::drop(const GroupPtr& group, const std::vector<BlockHead>& blocks, bool account) {
  for (std::size_t begin = 0; begin < blocks.size(); begin += kAtOnce) {
    const std::span<const BlockHead> some(blocks.data() + begin, std::min(kAtOnce, blocks.size() - begin));
    std::unordered_map<std::uint32_t, StreamFacts> gone;
    for (const BlockHead& block : some) {
      BRUME_TRY(reader, state_.database->reader());
      BRUME_TRY(bytes, reader.block(block.id));
      const auto opened = BlockReader::open(block, std::move(bytes).value_or(BlockBytes()));
      const auto columns = opened ? opened->columns() : std::unexpected(opened.error());
      if (!columns) log_error("{}; it goes, but its streams' sizes stay as they are", columns.error().message);
      if (!columns) continue;
      for (const BlockColumn& event : *columns) {
        StreamFacts& of = gone[event.stream];
        of.stored_bytes += event.length + kEventBytes;
        ++of.events;
      }
    }
    const std::lock_guard writing(state_.writing);
    if (state_.index.find(group->id) != group.get()) return {};
    StagedFacts facts(state_);
    for (const auto& [number, less] : gone) {
      const auto stream = group->by_number.find(number);
      if (stream == group->by_number.end()) continue;
      StreamFacts& of = facts.of(stream->second);
      of.stored_bytes -= less.stored_bytes;
      of.events -= less.events;
    }
    BRUME_TRY(transaction, state_.database->begin_freeing());
    for (const BlockHead& block : some) BRUME_CHECK(state_.database->erase_block(block.id));
    BRUME_CHECK(facts.write(group->id));
    BRUME_CHECK(state_.database->put_group(group->id, group->facts));
    BRUME_CHECK(state_.database->put_next(state_.index.next_row, state_.index.next_block));
    BRUME_CHECK(transaction.commit());
    {
      const std::lock_guard hold(state_.index_lock);
      facts.apply();
      for (const BlockHead& block : some) state_.index.erase_block(*group, block);
    }
    for (const BlockHead& block : some) {
      damaged_.erase(block.id);
      if (account) note_dropped(*group, block);
    }
  }
  return {};
}

Result<void> Upkeep::drop_rows(const GroupPtr& group, const std::vector<PendingRow>& rows) {
  if (rows.empty()) return {};
  const std::lock_guard writing(state_.writing);
  if (state_.index.find(group->id) != group.get()) return {};
  StagedFacts facts(state_);
  BRUME_TRY(transaction, state_.database->begin_freeing());
  for (const PendingRow& row : rows) {
    BRUME_CHECK(state_.database->erase_row(row.id));
    const auto stream = group->by_number.find(row.stream);
    if (stream == group->by_number.end()) continue;
    StreamFacts& of = facts.of(stream->second);
    of.stored_bytes -= row.text_bytes + row.events * kEventBytes;
    of.events -= row.events;
  }
  BRUME_CHECK(facts.write(group->id));
  BRUME_CHECK(state_.database->put_group(group->id, group->facts));
  BRUME_CHECK(state_.database->put_next(state_.index.next_row, state_.index.next_block));
  BRUME_CHECK(transaction.commit());
  const std::lock_guard hold(state_.index_lock);
  facts.apply();
  for (const PendingRow& row : rows) state_.index.erase_row(*group, row.id);
  return {};
}

void Upkeep::note_dropped(const Group& group, const BlockHead& block) {
  auto entry = std::ranges::find(done_.dropped, group.id, &Dropped::group);
  if (entry == done_.dropped.end()) {
    done_.dropped.push_back({group.id, 0, 0, block.first.timestamp, block.last.timestamp});
    entry = done_.dropped.end() - 1;
  }
  entry->events += block.events;
  entry->bytes += block.text_bytes + block.events * kEventBytes;
  entry->first_event = std::min(entry->first_event, block.first.timestamp);
  entry->last_event = std::max(entry->last_event, block.last.timestamp);
}

Result<void> Upkeep::keep_to_budget() {
  const std::uint64_t budget = state_.options.disk_budget;
  if (budget == 0) return {};
  const auto used = [&]() -> Result<std::uint64_t> {
    const std::lock_guard writing(state_.writing);
    BRUME_TRY(sizes, state_.database->sizes());
    return sizes.used + sizes.log;
  };
  BRUME_TRY(before, used());
  if (before <= budget) return {};
  const std::uint64_t wanted = budget - budget / 64;  // somewhat less, so that it is not at each call
  bool folded = false;
  while (true) {
    {
      const std::lock_guard writing(state_.writing);
      BRUME_CHECK(state_.database->checkpoint());
    }
    BRUME_TRY(now, used());
    if (now <= wanted) return {};
    std::uint64_t excess = now - wanted;
    std::vector<std::pair<GroupPtr, BlockHead>> all;
    for (const GroupPtr& group : groups()) {
      const std::lock_guard hold(state_.index_lock);
      for (const auto& [first, block] : group->blocks) all.emplace_back(group, block);
    }
    if (all.empty()) {
      if (folded) return {};  // what is left are streams, and journal rows that cannot be read
      folded = true;
      for (const GroupPtr& group : groups()) BRUME_CHECK(fold(group));
      continue;
    }
    std::ranges::sort(all, {}, [](const auto& one) { return std::tuple(one.second.last, one.first->id); });
    std::map<GroupPtr, std::vector<BlockHead>> gone;
    for (const auto& [group, block] : all) {
      gone[group].push_back(block);
      if (block.disk_bytes >= excess) break;
      excess -= block.disk_bytes;
    }
    for (const auto& [group, blocks] : gone) BRUME_CHECK(drop(group, blocks, true));
  }
}

Result<void> Upkeep::give_back() {
  for (int i = 0; i < kMostGivenBack; ++i) {
    const std::lock_guard writing(state_.writing);
    BRUME_TRY(sizes, state_.database->sizes());
    if (sizes.free <= kKeptFree + sizes.used / 8) return {};
    BRUME_CHECK(state_.database->give_back(kPagesAtOnce));
  }
  return {};
}

}  // namespace brume::logstore
