// The bytes on disk: what is written is read again, and nothing else is.
#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "logstore/block.h"
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

TEST(Block, IsReadAsWritten) {
  const std::vector<BlockEvent> events = some_events();
  BlockHead head;
  const std::string bytes = write_block(events, head);
  EXPECT_EQ(head.events, 300U);
  EXPECT_EQ(head.least_id, 1000U);
  EXPECT_EQ(head.most_id, 1299U);
  EXPECT_EQ(head.streams, (std::uint64_t(1) << 1) | (std::uint64_t(1) << 0) | (std::uint64_t(1) << 63));
  const auto columns = read_columns(head, bytes);
  const auto texts = read_texts(head, bytes);
  ASSERT_TRUE(columns && texts);
  ASSERT_EQ(columns->size(), events.size());
  for (std::size_t i = 0; i < events.size(); ++i) {
    const BlockColumn& column = (*columns)[i];
    EXPECT_EQ(column.position, events[i].position);
    EXPECT_EQ(column.ingestion, events[i].ingestion);
    EXPECT_EQ(column.stream, events[i].stream);
    EXPECT_EQ(texts->substr(column.offset, column.length), events[i].message);
  }
}

TEST(Block, AnotherHeadOrBytesAreRefused) {
  BlockHead head;
  const std::string bytes = write_block(some_events(), head);
  const auto with = [&](auto&& change) {
    BlockHead other = head;
    change(other);
    return read_columns(other, bytes).has_value();
  };
  EXPECT_TRUE(with([](BlockHead&) {}));
  EXPECT_FALSE(with([](BlockHead& other) { other.events = 0; }));
  EXPECT_FALSE(with([](BlockHead& other) { --other.events; }));
  EXPECT_FALSE(with([](BlockHead& other) { ++other.events; }));
  EXPECT_FALSE(with([](BlockHead& other) { ++other.text_bytes; }));
  EXPECT_FALSE(with([](BlockHead& other) { ++other.first.timestamp; }));
  EXPECT_FALSE(with([](BlockHead& other) { ++other.last.id; }));
  std::mt19937 random(9);
  for (int i = 0; i < 500; ++i) {
    std::string changed = bytes;
    char& byte = changed[random() % changed.size()];
    byte = char(byte ^ (1 + random() % 255));
    const auto columns = read_columns(head, changed);
    const auto texts = read_texts(head, changed);
    // Zstandard has bits that mean nothing: then all is as it was.
    EXPECT_TRUE(!columns || !texts || texts == read_texts(head, bytes)) << i;
    EXPECT_FALSE(read_texts(head, changed.substr(0, random() % changed.size())));
  }
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
