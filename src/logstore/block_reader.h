// Reads a block (block.h): no more of its bytes than what is asked for needs.
//
// Everything is checked before it is believed: sizes before memory is taken for them, and that the events are those of
// the head, each section's within its streams, and in order.
#pragma once

#include <functional>

#include "base/result.h"
#include "logstore/block.h"

namespace brume::logstore {

// Where a block's bytes are.
struct BlockBytes {
  std::uint64_t size = 0;
  std::function<Result<std::string>(std::uint64_t offset, std::uint64_t size)> read;  // within `size`
};

struct BlockColumn {
  Position position;
  std::int64_t ingestion = 0;
  std::uint32_t stream = 0;              // the number
  std::uint32_t offset = 0, length = 0;  // of the message, in what BlockReader::texts says
  std::uint32_t rank = 0;                // orders as `position` does
};

class BlockReader {
 public:
  // Reads which sections there are. Errors, of all: InternalFailure for bytes that cannot be read, or are not the block
  // that belongs to this head.
  static Result<BlockReader> open(const BlockHead& head, BlockBytes bytes);

  // From now on it is about the sections that may have one of these streams: all that these have, and more.
  void only(const std::vector<std::uint32_t>& streams);  // ascending
  // The events, in the order of their texts: section after section, each in order.
  [[nodiscard]] Result<std::vector<BlockColumn>> columns() const;
  [[nodiscard]] Result<std::string> texts() const;

 private:
  struct Frame {
    std::uint64_t offset = 0, size = 0;
  };
  struct Section {
    std::uint32_t first_stream = 0, last_stream = UINT32_MAX;
    std::uint32_t events = 0, text_bytes = 0;
    Frame columns, texts;
    bool wanted = true;
  };

  BlockReader(const BlockHead& head, BlockBytes bytes) : head_(head), bytes_(std::move(bytes)) {}
  [[nodiscard]] std::unexpected<Error> unreadable() const;
  Result<void> read_directory();
  // The frames of all sections, which follow each other from `offset` to the end.
  Result<void> place_frames(std::uint64_t offset);
  [[nodiscard]] Result<std::string> read(const Frame& frame) const;
  // A frame's content, of at most `limit` bytes.
  [[nodiscard]] Result<std::string> content(const Frame& frame, std::uint64_t limit) const;
  Result<void> read_section(const Section& section, std::uint32_t offset, std::vector<BlockColumn>& out) const;
  // Sets the ranks and checks that they are those of the positions.
  Result<void> rank(std::vector<BlockColumn>& events) const;

  BlockHead head_;
  BlockBytes bytes_;
  Frame order_;
  std::vector<Section> sections_;  // by their streams
};

// Puts what is left of `columns` into the order of positions.
void put_in_order(std::vector<BlockColumn>& events);

}  // namespace brume::logstore
