// A block: events of one group, of all its streams, in the order of (timestamp, id), compressed.
//
// Two frames: the columns (streams, times, ids, times of ingestion, lengths; ids and ingestions as differences to the
// event before of the same stream, which are nearly all the same), and the texts, so that what a text says is found
// without the columns and what the columns say without the texts. The head is columns of the database's table and held
// in memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "logstore/event.h"

namespace brume::logstore {

struct BlockHead {
  std::uint64_t id = 0;
  Position first, last;
  std::uint64_t least_id = 0, most_id = 0;  // of its events
  std::uint32_t events = 0;
  std::uint32_t text_bytes = 0;
  std::uint32_t disk_bytes = 0;
  std::uint64_t streams = 0;  // the bit (number % 64) is set for each stream in it
};

struct BlockEvent {
  Position position;
  std::int64_t ingestion = 0;
  std::uint32_t stream = 0;  // the number
  std::string_view message;
};

struct BlockColumn {
  Position position;
  std::int64_t ingestion = 0;
  std::uint32_t stream = 0;
  std::uint32_t offset = 0, length = 0;  // of the message among the texts
};

// `events` in order, not empty, at most kMostEvents. Sets all of the head but `id`.
std::string write_block(const std::vector<BlockEvent>& events, BlockHead& head);

// Errors of both: InternalFailure for what is not the block that belongs to this head.
Result<std::vector<BlockColumn>> read_columns(const BlockHead& head, std::string_view bytes);
Result<std::string> read_texts(const BlockHead& head, std::string_view bytes);

}  // namespace brume::logstore
