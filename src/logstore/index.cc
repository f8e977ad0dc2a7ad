#include "logstore/index.h"

#include <algorithm>

namespace brume::logstore {

PendingRow pending(const RowHead& head, std::uint64_t size) {
  return {head.id,     head.first_id, head.first,      head.last,          head.ingestion,
          head.stream, head.events,   head.text_bytes, std::uint32_t(size)};
}

void count(StreamFacts& facts, const RowHead& head) {
  facts.first_event = std::min(facts.first_event.value_or(head.first), head.first);
  facts.last_event = std::max(facts.last_event.value_or(head.last), head.last);
  facts.last_ingestion = std::max(facts.last_ingestion.value_or(head.ingestion), head.ingestion);
  facts.stored_bytes += head.text_bytes + head.events * kEventBytes;
  facts.events += head.events;
  if (head.token.empty()) return;
  facts.tokens.push_back(head.token);
  if (facts.tokens.size() > kTokens) facts.tokens.erase(facts.tokens.begin());
}

void Index::add(Group& group, const PendingRow& row) {
  group.rows.emplace_hint(group.rows.end(), row.id, row);
  group.pending_bytes += row.text_bytes;
  group.disk_bytes += row.disk_bytes;
  ++pending_rows;
}

void Index::erase_row(Group& group, std::uint64_t id) {
  const auto row = group.rows.find(id);
  if (row == group.rows.end()) return;
  group.pending_bytes -= row->second.text_bytes;
  group.disk_bytes -= row->second.disk_bytes;
  --pending_rows;
  group.rows.erase(row);
}

void Index::add(Group& group, const BlockHead& block) {
  group.blocks.emplace(block.first.timestamp, block);
  group.new_blocks = true;
  group.disk_bytes += block.disk_bytes;
}

void Index::erase_block(Group& group, const BlockHead& block) {
  const auto [begin, end] = group.blocks.equal_range(block.first.timestamp);
  const auto found = std::find_if(begin, end, [&](const auto& entry) { return entry.second.id == block.id; });
  if (found == end) return;
  group.disk_bytes -= block.disk_bytes;
  group.blocks.erase(found);
}

}  // namespace brume::logstore
