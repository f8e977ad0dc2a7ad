// Any bytes as a journal row's body, as they are and as the content of its frame: refused, or events that the head
// tells of, which are read again as they were when they are written.
#include <cstdint>

#include "base/bytes.h"
#include "logstore/compression.h"
#include "logstore/journal_row.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace brume::logstore;
  brume::ByteReader in(std::string_view(reinterpret_cast<const char*>(data), size));
  RowHead head;
  head.events = std::uint32_t(in.number());
  head.text_bytes = std::uint32_t(in.number());
  head.first = in.signed_number();
  head.last = in.signed_number();
  const std::string_view rest = in.take(in.left());
  (void)read_row(head, rest);
  const auto row = read_row(head, compress(rest, 1));
  if (!row) return 0;
  std::vector<NewEvent> events;
  for (const Message& message : row->messages)
    events.push_back({message.timestamp, std::string_view(row->text).substr(message.offset, message.length)});
  RowHead again;
  const std::string body = write_row(events, again);
  const auto read = read_row(again, body);
  if (events.size() != head.events || again.first != head.first || again.last != head.last) __builtin_trap();
  if (!read || read->text != row->text) __builtin_trap();
  return 0;
}
