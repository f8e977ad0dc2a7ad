// Rows into blocks, and blocks into others.
#include <algorithm>
#include <deque>

#include "base/log.h"
#include "logstore/merge_plan.h"
#include "logstore/upkeep.h"

namespace brume::logstore {
namespace {

constexpr std::int64_t kOldRow = 3'600'000;  // ms: what came so long ago is folded, however little it is
constexpr std::uint64_t kAtOnce = 4;         // times fold_bytes: a longer journal is folded in steps

}  // namespace

struct Upkeep::Gathered {
  std::deque<std::string> texts;
  std::vector<BlockEvent> events;
  std::uint64_t text_bytes = 0;
  std::vector<PendingRow> rows;
  std::vector<BlockHead> blocks;
};

std::vector<Upkeep::GroupPtr> Upkeep::groups() const {
  const std::lock_guard hold(state_.index_lock);
  std::vector<GroupPtr> out;
  for (const auto& [id, group] : state_.index.groups) out.push_back(group);
  return out;
}

std::vector<BlockHead> Upkeep::blocks_of(const Group& group) const {
  const std::lock_guard hold(state_.index_lock);
  std::vector<BlockHead> out;
  for (const auto& [first, block] : group.blocks)
    if (!damaged_.contains(block.id)) out.push_back(block);
  return out;
}

bool Upkeep::due(const Group& group, std::int64_t now) const {
  const std::lock_guard hold(state_.index_lock);
  return group.pending_bytes >= state_.options.fold_bytes || group.rows.size() >= state_.options.fold_rows ||
         (!group.rows.empty() && group.rows.begin()->second.ingestion + kOldRow < now);
}

Result<void> Upkeep::fold_due(std::int64_t now) {
  for (const GroupPtr& group : groups()) {
    if (due(*group, now)) BRUME_CHECK(fold(group));
    BRUME_CHECK(merge_due(group));
  }
  return fold_largest();
}

Result<void> Upkeep::merge_due(const GroupPtr& group) {
  {
    const std::lock_guard hold(state_.index_lock);
    if (!group->new_blocks) return {};
  }
  while (true) {
    const std::vector<BlockHead> chosen = choose_merge(blocks_of(*group), state_.options.block_bytes);
    if (chosen.empty()) break;
    BRUME_CHECK(merge(group, chosen));
  }
  const std::lock_guard hold(state_.index_lock);
  group->new_blocks = false;
  return {};
}

Result<void> Upkeep::fold_largest() {
  std::vector<GroupPtr> all;
  const auto rows = [&] {
    const std::lock_guard hold(state_.index_lock);
    return state_.index.pending_rows;
  };
  if (rows() <= state_.options.journal_rows) return {};
  all = groups();
  {
    const std::lock_guard hold(state_.index_lock);
    std::ranges::sort(all, [](const GroupPtr& a, const GroupPtr& b) { return a->rows.size() > b->rows.size(); });
  }
  for (const GroupPtr& group : all) {
    if (rows() <= state_.options.journal_rows / 2) break;
    BRUME_CHECK(fold(group));
  }
  return {};
}

Result<void> Upkeep::relieve(GroupId id) {
  const auto too_long = [&]() -> GroupPtr {
    const std::lock_guard hold(state_.index_lock);
    const auto found = state_.index.groups.find(id);
    if (found == state_.index.groups.end()) return {};
    const Group& group = *found->second;
    const bool is = group.pending_bytes >= kAtOnce * state_.options.fold_bytes ||
                    group.rows.size() >= kAtOnce * state_.options.fold_rows;
    return is ? found->second : nullptr;
  };
  if (!too_long()) return {};
  const std::lock_guard folding(folding_);
  const GroupPtr group = too_long();  // another one may have done it
  return group ? fold(group) : Result<void>{};
}

Result<void> Upkeep::fold(const GroupPtr& group) {
  while (true) {
    std::vector<PendingRow> rows;
    bool more = false;
    {
      const std::lock_guard hold(state_.index_lock);
      std::uint64_t bytes = 0;
      for (const auto& [id, row] : group->rows) {
        if (damaged_rows_.contains(id)) continue;
        if ((more = bytes >= kAtOnce * state_.options.fold_bytes)) break;
        rows.push_back(row);
        bytes += row.text_bytes;
      }
    }
    if (rows.empty()) return {};
    Gathered gathered;
    for (const PendingRow& row : rows) BRUME_CHECK(gather(gathered, *group, row));
    const std::size_t events = gathered.events.size();
    BRUME_CHECK(replace(group, gathered));
    done_.folded_events += events;
    if (!more) return {};
  }
}

Result<void> Upkeep::merge(const GroupPtr& group, const std::vector<BlockHead>& blocks) {
  Gathered gathered;
  for (const BlockHead& block : blocks) {
    BRUME_TRY(readable, gather(gathered, block));
    if (!readable) return {};  // is left out the next time
  }
  const std::size_t events = gathered.events.size();
  BRUME_CHECK(replace(group, gathered));
  done_.rewritten_events += events;
  return {};
}

Result<void> Upkeep::gather(Gathered& gathered, const Group& group, const PendingRow& row) {
  BRUME_TRY(reader, state_.database->reader());
  BRUME_TRY(body, reader.row(row.id));
  if (!body) return {};  // of a stream that has just been deleted
  auto events = read_row(head_of(row, group.id), *body);
  if (!events) {
    log_error("{} events stay unread: {}", row.events, events.error().message);
    ++done_.damaged;
    damaged_rows_.insert(row.id);
    return {};
  }
  const std::string& text = gathered.texts.emplace_back(std::move(events->text));
  std::uint64_t id = row.first_id;
  for (const Message& message : events->messages)
    gathered.events.push_back({{message.timestamp, id++},
                               row.ingestion,
                               row.stream,
                               std::string_view(text).substr(message.offset, message.length)});
  gathered.text_bytes += text.size();
  gathered.rows.push_back(row);
  return {};
}

Result<bool> Upkeep::gather(Gathered& gathered, const BlockHead& block) {
  BRUME_TRY(reader, state_.database->reader());
  BRUME_TRY(bytes, reader.block(block.id));
  const auto opened = BlockReader::open(block, std::move(bytes).value_or(BlockBytes()));
  const auto columns = opened ? opened->columns() : std::unexpected(opened.error());
  auto texts = columns ? opened->texts() : std::unexpected(columns.error());
  if (!texts) {
    log_error("{} events stay unread: {}", block.events, texts.error().message);
    ++done_.damaged;
    damaged_.insert(block.id);
    return false;
  }
  const std::string& text = gathered.texts.emplace_back(*std::move(texts));
  for (const BlockColumn& event : *columns)
    gathered.events.push_back(
        {event.position, event.ingestion, event.stream, std::string_view(text).substr(event.offset, event.length)});
  gathered.text_bytes += text.size();
  gathered.blocks.push_back(block);
  return true;
}

Result<void> Upkeep::replace(const GroupPtr& group, Gathered& gathered) {
  // Expired ones and those of deleted streams go now.
  StagedFacts facts(state_);
  std::vector<BlockEvent>& events = gathered.events;
  std::vector<BlockEvent> gone;
  {
    const std::lock_guard hold(state_.index_lock);
    std::erase_if(events, [&](const BlockEvent& event) {
      const bool streamless = !group->by_number.contains(event.stream);
      if (!streamless && !group->expired(event.position)) return false;
      if (!streamless) gone.push_back(event);
      return true;
    });
  }
  std::ranges::sort(events, {}, &BlockEvent::position);

  // Blocks of about the same size.
  std::uint64_t text = 0;
  for (const BlockEvent& event : events) text += event.message.size();
  const std::uint64_t block_bytes = state_.options.block_bytes;
  const std::uint64_t pieces = std::max<std::uint64_t>(1, (text + block_bytes / 2) / block_bytes);
  std::vector<std::pair<BlockHead, std::string>> made;
  std::vector<BlockEvent> piece;
  std::uint64_t in_piece = 0;
  const auto close = [&] {
    if (piece.empty()) return;
    BlockHead head;
    std::string bytes = write_block(piece, state_.options.section_bytes, head);
    made.emplace_back(head, std::move(bytes));
    piece.clear();
    in_piece = 0;
  };
  for (const BlockEvent& event : events) {
    piece.push_back(event);
    in_piece += event.message.size();
    if (in_piece * pieces >= text || piece.size() == kMostEvents) close();
  }
  close();

  const std::lock_guard writing(state_.writing);
  if (state_.index.find(group->id) != group.get()) return {};  // the group was deleted meanwhile
  for (const BlockEvent& event : gone) {
    const auto stream = group->by_number.find(event.stream);
    if (stream == group->by_number.end()) continue;
    StreamFacts& of = facts.of(stream->second);
    of.stored_bytes -= event.message.size() + kEventBytes;
    --of.events;
  }
  Database& database = *state_.database;
  std::uint64_t size = 0;
  for (const auto& [head, bytes] : made) size += bytes.size();
  BRUME_TRY(transaction, database.begin_adding(size));
  std::uint64_t next = state_.index.next_block;
  for (auto& [head, bytes] : made) {
    head.id = next++;
    BRUME_CHECK(database.put_block(group->id, head, bytes));
  }
  for (const PendingRow& row : gathered.rows) {
    BRUME_CHECK(database.erase_row(row.id));
    if (const auto stream = group->by_number.find(row.stream); stream != group->by_number.end())
      facts.of(stream->second);
  }
  for (const BlockHead& block : gathered.blocks) BRUME_CHECK(database.erase_block(block.id));
  BRUME_CHECK(facts.write(group->id));
  BRUME_CHECK(database.put_group(group->id, group->facts));
  BRUME_CHECK(database.put_next(state_.index.next_row, next));
  BRUME_CHECK(transaction.commit());
  const std::lock_guard hold(state_.index_lock);
  facts.apply();
  state_.index.next_block = next;
  for (const PendingRow& row : gathered.rows) state_.index.erase_row(*group, row.id);
  for (const BlockHead& block : gathered.blocks) state_.index.erase_block(*group, block);
  for (const auto& [head, bytes] : made) state_.index.add(*group, head);
  return {};
}

}  // namespace brume::logstore
