// The bytes on disk: what is written is read again, and nothing else is.
#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "logstore/block_reader.h"
#include "logstore/compression.h"
#include "logstore/journal_row.h"
#include "logstore/merge_plan.h"

namespace brume::logstore {
namespace {

TEST(JournalRow, IsReadAsWritten) {
  const std::string nul("\0", 1), large(100'000, 'y');
  const NewEvent events[] = {{50, "b"}, {20, nul}, {50, large}, {std::int64_t(1) << 50, "ö"}};
  RowHead head;
  head.first_id = 7;
  const std::string body = write_row(events, head);
  EXPECT_EQ(head.events, 4U);
  EXPECT_EQ(head.text_bytes, 100'004U);
  EXPECT_EQ(head.first, 20);
  EXPECT_EQ(head.last, std::int64_t(1) << 50);
  const auto row = read_row(head, body);
  ASSERT_TRUE(row);
  std::vector<std::string> messages;
  for (const Message& message : row->messages) messages.push_back(row->text.substr(message.offset, message.length));
  EXPECT_EQ(messages, (std::vector<std::string>{nul, "b", large, "ö"}));
  EXPECT_EQ(row->messages[2].timestamp, 50);
}

TEST(JournalRow, AnotherHeadOrBodyIsRefused) {
  const NewEvent events[] = {{50, "one"}, {60, "two"}};
  RowHead head;
  const std::string body = write_row(events, head);
  const auto with = [&](auto&& change) {
    RowHead other = head;
    change(other);
    return read_row(other, body).has_value();
  };
  EXPECT_TRUE(with([](RowHead&) {}));
  EXPECT_FALSE(with([](RowHead& other) { other.events = 1; }));
  EXPECT_FALSE(with([](RowHead& other) { other.events = 3; }));
  EXPECT_FALSE(with([](RowHead& other) { other.text_bytes = 5; }));
  EXPECT_FALSE(with([](RowHead& other) { other.text_bytes = 7; }));
  EXPECT_FALSE(with([](RowHead& other) { other.last = 59; }));
  EXPECT_FALSE(with([](RowHead& other) { other.last = 61; }));
  EXPECT_FALSE(with([](RowHead& other) { other.first = 61; }));
  for (std::size_t i = 0; i < body.size(); ++i) {
    std::string changed = body;
    changed[i] = char(changed[i] ^ 4);
    const auto row = read_row(head, changed);
    EXPECT_TRUE(!row || row->text == "onetwo") << i;
    EXPECT_FALSE(read_row(head, body.substr(0, i))) << i;
  }
}

std::vector<BlockEvent> some_events() {
  static const std::vector<std::string> texts{"GET /index.html", "x", std::string("\0\0", 2), std::string(5000, 'z')};
  std::vector<BlockEvent> events;
  std::mt19937 random(5);
  for (std::uint64_t i = 0; i < 300; ++i)
    events.push_back({{std::int64_t(random() % 100), 1000 + i},
                      std::int64_t(5000 + random() % 3),
                      std::uint32_t(1 + 63 * (random() % 3)),
                      texts[random() % 4]});
  std::ranges::sort(events, {}, &BlockEvent::position);
  return events;
}

// `count`: where the bytes that are read are counted.
BlockBytes in_memory(const std::string& bytes, std::uint64_t* count = nullptr) {
  return {bytes.size(), [bytes, count](std::uint64_t offset, std::uint64_t size) -> Result<std::string> {
            EXPECT_LE(offset + size, bytes.size());
            if (count) *count += size;
            return bytes.substr(offset, size);
          }};
}

// Events as they were given to write_block, for comparing; of one stream, or of all.
std::vector<std::string> lines_of(const std::vector<BlockEvent>& events, std::optional<std::uint32_t> stream = {}) {
  std::vector<std::string> out;
  for (const BlockEvent& event : events)
    if (!stream || event.stream == *stream)
      out.push_back(fmt::format("{} {} {} {} {}", event.position.timestamp, event.position.id, event.ingestion,
                                event.stream, event.message));
  return out;
}

// The same as they are read, by way of the sections that may have the stream.
Result<std::vector<std::string>> read_lines(const BlockHead& head, const BlockBytes& bytes,
                                            std::optional<std::uint32_t> stream = {}) {
  BRUME_TRY(reader, BlockReader::open(head, bytes));
  if (stream) reader.only({*stream});
  BRUME_TRY(texts, reader.texts());
  BRUME_TRY(columns, reader.columns());
  EXPECT_TRUE(std::ranges::is_sorted(columns, {}, &BlockColumn::offset));
  if (stream) std::erase_if(columns, [&](const BlockColumn& column) { return column.stream != *stream; });
  put_in_order(columns);
  std::vector<BlockEvent> events;
  for (const BlockColumn& column : columns)
    events.push_back({column.position, column.ingestion, column.stream,
                      std::string_view(texts).substr(column.offset, column.length)});
  return lines_of(events);
}

constexpr std::uint64_t kOneSection = UINT64_MAX;

TEST(Block, IsReadAsWritten) {
  const std::vector<BlockEvent> events = some_events();
  for (const std::uint64_t section_bytes : {std::uint64_t(1), std::uint64_t(250'000), kOneSection}) {
    BlockHead head;
    const std::string bytes = write_block(events, section_bytes, head);
    EXPECT_EQ(head.events, 300U);
    EXPECT_EQ(head.least_id, 1000U);
    EXPECT_EQ(head.most_id, 1299U);
    EXPECT_EQ(head.disk_bytes, bytes.size());
    EXPECT_EQ(head.streams, (std::uint64_t(1) << 1) | (std::uint64_t(1) << 0) | (std::uint64_t(1) << 63));
    EXPECT_EQ(read_lines(head, in_memory(bytes)), lines_of(events));
    for (const std::uint32_t stream : {1U, 64U, 127U, 2U, 200U})
      EXPECT_EQ(read_lines(head, in_memory(bytes), stream), lines_of(events, stream)) << stream;
  }
}

// Written by the version that knew one section only.
TEST(Block, IsReadAsWrittenBeforeThereWereSections) {
  const std::string_view hex =
      "2e28b52ffd242109010003020143000200020100000500e3070608030a0ab06db06d0102b06d05010f0f01fc418beb"
      "28b52ffd2425cd000088474554202f62696e6465782e68746d6c630200321ba52d4552def4d0";
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) bytes += char(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  const std::vector<BlockEvent> events{{{1000, 3}, 7000, 2, "GET /"},
                                       {{1000, 4}, 7000, 70, "b"},
                                       {{1005, 1}, 6999, 2, "GET /index.html"},
                                       {{1005, 9}, 7001, 70, "GET /index.html"},
                                       {{2000, 5}, 7000, 3, "c"}};
  BlockHead head;
  head.first = {1000, 3};
  head.last = {2000, 5};
  head.events = 5;
  head.text_bytes = 37;
  EXPECT_EQ(read_lines(head, in_memory(bytes)), lines_of(events));
  EXPECT_EQ(read_lines(head, in_memory(bytes), 70), lines_of(events, 70));
}

TEST(Block, OneStreamOfManyIsReadWithoutTheOthers) {
  std::mt19937 random(7);
  std::vector<BlockEvent> events;
  std::vector<std::string> texts;
  for (int i = 0; i < 20'000; ++i) texts.push_back(fmt::format("{:x} {:x} {:x}", random(), random(), random()));
  for (std::uint64_t i = 0; i < texts.size(); ++i)
    events.push_back({{std::int64_t(i / 3), i + 1}, 5, std::uint32_t(10 + 2 * (random() % 3000)), texts[i]});
  const std::string large(200'000, 'x');  // of a stream that is larger than a section
  events.push_back({{10'000, 30'000}, 5, 3000, large});
  BlockHead head;
  const std::string bytes = write_block(events, 16'384, head);
  EXPECT_EQ(read_lines(head, in_memory(bytes)), lines_of(events));
  for (int turn = 0; turn < 50; ++turn) {
    const std::uint32_t stream = std::uint32_t(random() % 6100);
    std::uint64_t count = 0;
    EXPECT_EQ(read_lines(head, in_memory(bytes, &count), stream), lines_of(events, stream)) << stream;
    EXPECT_LT(count, bytes.size() / 15);
    auto reader = BlockReader::open(head, in_memory(bytes));
    reader->only({stream});
    EXPECT_LE(reader->texts()->size(), stream == 3000 ? 300'000U : 16'384U);
  }
  // Several of them, which lie in several sections.
  auto reader = BlockReader::open(head, in_memory(bytes));
  reader->only({10, 2000, 3000, 6008});
  reader->only({10, 3000, 6008});
  auto columns = reader->columns();
  const auto text = reader->texts();
  ASSERT_TRUE(columns && text);
  put_in_order(*columns);
  EXPECT_TRUE(std::ranges::is_sorted(*columns, {}, &BlockColumn::position));
  std::size_t found = 0;
  for (const BlockColumn& column : *columns) found += column.stream == 3000 || column.stream == 6008;
  EXPECT_EQ(found, lines_of(events, 3000).size() + lines_of(events, 6008).size());
  EXPECT_LT(columns->size(), 2000U);
  reader->only({9});
  EXPECT_TRUE(reader->columns()->empty());
  EXPECT_EQ(*reader->texts(), "");
}

TEST(Block, AnotherHeadOrBytesAreRefused) {
  for (const std::uint64_t section_bytes : {std::uint64_t(1), kOneSection}) {
    BlockHead head;
    const std::string bytes = write_block(some_events(), section_bytes, head);
    const auto with = [&](auto&& change) {
      BlockHead other = head;
      change(other);
      return read_lines(other, in_memory(bytes)).has_value();
    };
    EXPECT_TRUE(with([](BlockHead&) {}));
    EXPECT_FALSE(with([](BlockHead& other) { other.events = 0; }));
    EXPECT_FALSE(with([](BlockHead& other) { --other.events; }));
    EXPECT_FALSE(with([](BlockHead& other) { ++other.events; }));
    EXPECT_FALSE(with([](BlockHead& other) { ++other.text_bytes; }));
    EXPECT_FALSE(with([](BlockHead& other) { ++other.first.timestamp; }));
    EXPECT_FALSE(with([](BlockHead& other) { ++other.last.id; }));
    const auto all = read_lines(head, in_memory(bytes));
    std::mt19937 random(9);
    for (int i = 0; i < 500; ++i) {
      std::string changed = bytes;
      char& byte = changed[random() % changed.size()];
      byte = char(byte ^ (1 + random() % 255));
      // Zstandard has bits that mean nothing: then all is as it was.
      const auto read = read_lines(head, in_memory(changed));
      EXPECT_TRUE(!read || read == all) << i;
      for (const std::uint32_t stream : {1U, 64U, 127U}) {
        const auto one = read_lines(head, in_memory(changed), stream);
        EXPECT_TRUE(!one || one == lines_of(some_events(), stream)) << i;
      }
      EXPECT_FALSE(read_lines(head, in_memory(changed.substr(0, random() % changed.size()))));
    }
  }
}

TEST(Block, ADirectoryOrAnOrderThatDoesNotFitIsRefused) {
  BlockHead head;
  const std::string bytes = write_block(some_events(), 1, head);
  ByteReader in(bytes);
  ASSERT_EQ(in.number(), 0U);
  ASSERT_EQ(in.number(), kBlockFormat);
  const std::string_view frame = in.take(in.number());
  const std::string plain = *decompress(frame, *decompressed_size(frame, 1000));
  std::vector<std::uint64_t> directory;
  for (ByteReader numbers(plain); !numbers.at_end();) directory.push_back(numbers.number());
  ASSERT_EQ(directory.size(), 2U + 3 * 6);
  const std::string_view order_frame = in.take(directory[1]);
  const std::string order = *decompress(order_frame, 300), rest(in.take(in.left()));
  const auto readable = [&](std::vector<std::uint64_t> changed, const std::string& its_order,
                            std::uint64_t format = kBlockFormat) {
    const std::string its_order_frame = compress(its_order, 1);
    changed[1] += its_order_frame.size() - order_frame.size();
    std::string numbers, out;
    for (const std::uint64_t number : changed) put_number(numbers, number);
    put_number(out, 0);
    put_number(out, format);
    put_text(out, compress(numbers, 1));
    return read_lines(head, in_memory(out + its_order_frame + rest)).has_value();
  };
  EXPECT_TRUE(readable(directory, order));
  EXPECT_FALSE(readable(directory, order, kBlockFormat + 1));
  for (std::size_t i = 0; i < directory.size(); ++i) {
    for (const std::uint64_t by :
         {std::uint64_t(1), -std::uint64_t(1), std::uint64_t(1) << 32, std::uint64_t(1) << 63}) {
      std::vector<std::uint64_t> changed = directory;
      changed[i] += by;
      EXPECT_FALSE(readable(changed, order)) << i << " by " << by;
    }
  }
  std::vector<std::uint64_t> changed = directory;
  changed.push_back(0);
  EXPECT_FALSE(readable(changed, order));
  changed.resize(directory.size() - 1);
  EXPECT_FALSE(readable(changed, order));
  EXPECT_FALSE(readable(directory, order + order[0]));
  EXPECT_FALSE(readable(directory, order.substr(1)));
  std::string swapped = order;
  std::swap(swapped[swapped.find('\0')], swapped[swapped.find('\1')]);
  EXPECT_FALSE(readable(directory, swapped));
  swapped = order;
  swapped[7] = 3;
  EXPECT_FALSE(readable(directory, swapped));
}

BlockHead block(std::uint64_t id, std::int64_t first, std::int64_t last, std::uint32_t bytes) {
  BlockHead head;
  head.id = id;
  head.first = {first, 1};
  head.last = {last, 1};
  head.text_bytes = bytes;
  return head;
}
std::vector<std::uint64_t> chosen(const std::vector<BlockHead>& blocks) {
  std::vector<std::uint64_t> out;
  for (const BlockHead& one : choose_merge(blocks, 1000)) out.push_back(one.id);
  return out;
}

TEST(MergePlan, EightOfASizeOrNineThatOverlap) {
  using Ids = std::vector<std::uint64_t>;
  std::vector<BlockHead> large, small, mixed, wide;
  for (std::uint64_t i = 0; i < 20; ++i)
    large.push_back(block(i, std::int64_t(i) * 10, std::int64_t(i) * 10 + 15, 900));
  EXPECT_EQ(chosen(large), Ids{});
  for (std::uint64_t i = 0; i < 8; ++i) {
    small.push_back(block(i, std::int64_t(i) * 10, std::int64_t(i) * 10 + 9, 100));
    mixed.push_back(block(i, std::int64_t(i) * 10, std::int64_t(i) * 10 + 9, i % 2 ? 100 : 30));
  }
  EXPECT_EQ(chosen(small), (Ids{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(chosen(mixed), Ids{});
  small.pop_back();
  EXPECT_EQ(chosen(small), Ids{});
  for (std::uint64_t i = 0; i < 8; ++i) wide.push_back(block(i, std::int64_t(i), 1000, 900));
  EXPECT_EQ(chosen(wide), Ids{});
  wide.push_back(block(8, 1001, 1002, 900));
  EXPECT_EQ(chosen(wide), Ids{});
  wide.back() = block(8, 999, 1002, 900);
  EXPECT_EQ(chosen(wide), (Ids{0, 1, 2, 3, 4, 5, 6, 7, 8}));
}

}  // namespace
}  // namespace brume::logstore
