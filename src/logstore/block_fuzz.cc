// Any bytes as a block, as they are and as the content of its frames: refused, or events in order within the texts,
// which are read again as they were when they are written; and of each stream the same events by its sections alone.
#include <algorithm>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "logstore/block_reader.h"
#include "logstore/compression.h"

namespace {

using namespace brume::logstore;

BlockBytes in_memory(const std::string& bytes) {
  return {bytes.size(), [bytes](std::uint64_t offset, std::uint64_t size) -> brume::Result<std::string> {
            if (offset > bytes.size() || size > bytes.size() - offset) __builtin_trap();
            return bytes.substr(offset, size);
          }};
}

struct ReadBack {
  std::string texts;
  std::vector<BlockEvent> events;
};

bool same(const BlockEvent& a, const BlockEvent& b) {
  return a.position == b.position && a.ingestion == b.ingestion && a.stream == b.stream && a.message == b.message;
}

// Null: refused.
std::unique_ptr<ReadBack> read(const BlockHead& head, const std::string& bytes,
                               const std::vector<std::uint32_t>* streams = nullptr) {
  auto reader = BlockReader::open(head, in_memory(bytes));
  if (!reader) return {};
  if (streams) reader->only(*streams);
  auto columns = reader->columns();
  auto texts = reader->texts();
  if (!columns || !texts) return {};
  auto out = std::make_unique<ReadBack>();
  out->texts = *std::move(texts);
  if (!std::ranges::is_sorted(*columns, {}, &BlockColumn::offset)) __builtin_trap();
  put_in_order(*columns);
  for (const BlockColumn& column : *columns) {
    if (std::uint64_t(column.offset) + column.length > out->texts.size()) __builtin_trap();
    if (!out->events.empty() && column.position <= out->events.back().position) __builtin_trap();
    if (column.position < head.first || column.position > head.last) __builtin_trap();
    out->events.push_back({column.position, column.ingestion, column.stream,
                           std::string_view(out->texts).substr(column.offset, column.length)});
  }
  return out;
}

void check(const BlockHead& head, const std::string& bytes) {
  const auto all = read(head, bytes);
  if (!all) return;
  if (all->events.size() != head.events || all->texts.size() != head.text_bytes) __builtin_trap();
  for (const BlockEvent& of : {all->events.front(), all->events.back()}) {
    const std::vector<std::uint32_t> one{of.stream};
    const auto some = read(head, bytes, &one);
    if (!some) __builtin_trap();
    std::vector<BlockEvent> expected = all->events;
    const auto another = [&](const BlockEvent& event) { return event.stream != of.stream; };
    std::erase_if(expected, another);
    std::erase_if(some->events, another);
    if (!std::ranges::equal(some->events, expected, same)) __builtin_trap();
  }
  for (const std::uint64_t section_bytes : {std::uint64_t(2), UINT64_MAX}) {
    BlockHead again;
    const std::string written = write_block(all->events, section_bytes, again);
    const auto back = read(again, written);
    if (!back || again.text_bytes != head.text_bytes || !std::ranges::equal(back->events, all->events, same))
      __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  brume::ByteReader in(std::string_view(reinterpret_cast<const char*>(data), size));
  BlockHead head;
  head.events = std::uint32_t(in.number());
  head.text_bytes = std::uint32_t(in.number() % (1 << 16));
  head.first = {in.signed_number(), in.number()};
  head.last = {in.signed_number(), in.number()};
  const brume::ByteReader start = in;
  check(head, std::string(in.take(in.left())));

  // Of one section.
  in = start;
  const std::string columns = compress(in.take(in.left()), 1);
  std::string bytes;
  brume::put_text(bytes, columns);
  check(head, bytes + compress(std::string(head.text_bytes, 'x'), 1));

  // Of several, whose frames are where the directory says.
  in = start;
  const std::uint64_t count = 1 + in.number() % 4;
  const std::string order = compress(in.text(), 1);
  std::string directory, frames, text_frames;
  brume::put_number(directory, count);
  brume::put_number(directory, order.size());
  for (std::uint64_t i = 0; i < count; ++i) {
    for (int number = 0; number < 3; ++number) brume::put_number(directory, in.number());
    const std::uint64_t text_bytes = in.number() % (1 << 16);
    const std::string its = compress(in.text(), 1), texts = compress(std::string(text_bytes, 'x'), 1);
    for (const std::uint64_t number : {text_bytes, std::uint64_t(its.size()), std::uint64_t(texts.size())})
      brume::put_number(directory, number);
    frames += its;
    text_frames += texts;
  }
  bytes.clear();
  brume::put_number(bytes, 0);
  brume::put_number(bytes, kBlockFormat);
  brume::put_text(bytes, compress(directory, 1));
  check(head, bytes + order + frames + text_frames);
  return 0;
}
