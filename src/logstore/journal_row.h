// A journal row: the events of one append, as they are kept until they are folded into a block.
//
// The head is columns of the database's table, so that a start reads no text; the body is one compressed frame: the
// times as differences, the lengths, the texts. Times ascend, and ids count up from the head's.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "logstore/event.h"

namespace brume::logstore {

constexpr std::size_t kMostEvents = 1 << 16;                  // of an append, and of a block
constexpr std::uint64_t kMostText = std::uint64_t(32) << 20;  // of an append

struct RowHead {
  std::uint64_t id = 0;  // of the row
  GroupId group = 0;
  std::uint32_t stream = 0;  // its number in the group
  std::uint64_t first_id = 0;
  std::uint32_t events = 0;
  std::uint32_t text_bytes = 0;
  std::int64_t first = 0, last = 0;  // times of the events
  std::int64_t ingestion = 0;
  std::string token;
};

// A message's place among the texts of a row or a block.
struct Message {
  std::int64_t timestamp = 0;
  std::uint32_t offset = 0, length = 0;
};

struct RowEvents {
  std::string text;
  std::vector<Message> messages;  // in the order of their ids
};

// Sets the head's `events`, `text_bytes`, `first` and `last`. `events` are not empty and within the limits above.
std::string write_row(std::span<const NewEvent> events, RowHead& head);

// Errors: InternalFailure for what is not the body that belongs to this head.
Result<RowEvents> read_row(const RowHead& head, std::string_view body);

}  // namespace brume::logstore
