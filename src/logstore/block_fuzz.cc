// Any bytes as a block, as they are and as the content of its columns' frame: refused, or events in order within the
// texts, which are read again as they were when they are written.
#include <cstdint>

#include "base/bytes.h"
#include "logstore/block.h"
#include "logstore/compression.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace brume::logstore;
  brume::ByteReader in(std::string_view(reinterpret_cast<const char*>(data), size));
  BlockHead head;
  head.events = std::uint32_t(in.number());
  head.text_bytes = std::uint32_t(in.number() % (1 << 16));
  head.first = {in.signed_number(), in.number()};
  head.last = {in.signed_number(), in.number()};
  const std::string_view rest = in.take(in.left());
  (void)read_columns(head, rest);
  (void)read_texts(head, rest);

  const std::string columns_frame = compress(rest, 1), text(head.text_bytes, 'x');
  std::string bytes;
  brume::put_number(bytes, columns_frame.size());
  bytes += columns_frame;
  bytes += compress(text, 1);
  const auto columns = read_columns(head, bytes);
  if (!columns) return 0;
  if (columns->size() != head.events || read_texts(head, bytes) != text) __builtin_trap();
  std::vector<BlockEvent> events;
  for (const BlockColumn& column : *columns) {
    if (std::uint64_t(column.offset) + column.length > text.size()) __builtin_trap();
    events.push_back({column.position, column.ingestion, column.stream,
                      std::string_view(text).substr(column.offset, column.length)});
  }
  BlockHead again;
  const std::string written = write_block(events, again);
  const auto read = read_columns(again, written);
  if (!read || again.first != head.first || again.last != head.last || again.text_bytes != head.text_bytes)
    __builtin_trap();
  for (std::size_t i = 0; i < read->size(); ++i)
    if ((*read)[i].position != (*columns)[i].position || (*read)[i].stream != (*columns)[i].stream ||
        (*read)[i].ingestion != (*columns)[i].ingestion)
      __builtin_trap();
  return 0;
}
