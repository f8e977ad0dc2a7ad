#include "logstore/index.h"

#include <algorithm>

namespace brume::logstore {
namespace {

void add_part(Group& group, const auto& part) {
  group.disk_bytes += part.disk_bytes;
  group.events += part.events;
  group.text_bytes += part.text_bytes;
}
void erase_part(Group& group, const auto& part) {
  group.disk_bytes -= part.disk_bytes;
  group.events -= part.events;
  group.text_bytes -= part.text_bytes;
}

}  // namespace

PendingRow pending(const RowHead& head, std::uint64_t size) {
  return {head.id,     head.first_id, head.first,      head.last,          head.ingestion,
          head.stream, head.events,   head.text_bytes, std::uint32_t(size)};
}

RowHead head_of(const PendingRow& row, GroupId group) {
  return {.id = row.id,
          .group = group,
          .stream = row.stream,
          .first_id = row.first_id,
          .events = row.events,
          .text_bytes = row.text_bytes,
          .first = row.first,
          .last = row.last,
          .ingestion = row.ingestion,
          .token = {}};
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
  add_part(group, row);
  ++pending_rows;
}

void Index::erase_row(Group& group, std::uint64_t id) {
  const auto row = group.rows.find(id);
  if (row == group.rows.end()) return;
  group.pending_bytes -= row->second.text_bytes;
  erase_part(group, row->second);
  --pending_rows;
  group.rows.erase(row);
}

void Index::add(Group& group, const BlockHead& block) {
  group.blocks.emplace(block.first.timestamp, block);
  group.new_blocks = true;
  add_part(group, block);
}

void Index::erase_block(Group& group, const BlockHead& block) {
  const auto [begin, end] = group.blocks.equal_range(block.first.timestamp);
  const auto found = std::find_if(begin, end, [&](const auto& entry) { return entry.second.id == block.id; });
  if (found == end) return;
  erase_part(group, block);
  group.blocks.erase(found);
}

}  // namespace brume::logstore
