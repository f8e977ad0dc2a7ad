// A block: events of one group, of all its streams, compressed.
//
// It consists of sections, each the events of a range of streams in the order of (timestamp, id), so that whoever wants
// one stream decompresses one section. A stream is in one section; several share one while their texts are small. Two
// frames a section: the columns (streams, times, ids, times of ingestion, lengths; ids and ingestions as differences to
// the event before of the same stream, which are nearly all the same), and the texts, so that what a text says is found
// without the columns and what the columns say without the texts. The order tells of each event of the block, in the
// order of (timestamp, id), in which section it is.
//
// As bytes, with numbers as in base/bytes.h:
//   of one section:  the size of the columns' frame, the columns, the texts; all blocks were so once
//   of several:      0, 2 (the format), the size of the directory's frame, the directory, the order, the sections'
//                    columns, the sections' texts
//   the directory:   how many sections, the size of the order's frame; for each section its first stream's distance
//                    from the last one of the section before, its last stream's from that, its events, bytes of text,
//                    sizes of the frame of columns and of texts
// The head is columns of the database's table and held in memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "logstore/event.h"

namespace brume::logstore {

constexpr std::uint64_t kBlockFormat = 2;

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

// `events` in order, not empty, at most kMostEvents. Streams share a section as long as their texts are not larger than
// `section_bytes`. Sets all of the head but `id`. block_reader.h reads it.
std::string write_block(const std::vector<BlockEvent>& events, std::uint64_t section_bytes, BlockHead& head);

}  // namespace brume::logstore
