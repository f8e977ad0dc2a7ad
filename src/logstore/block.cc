#include "logstore/block.h"

#include <algorithm>
#include <unordered_map>

#include "base/bytes.h"
#include "logstore/compression.h"
#include "logstore/journal_row.h"

namespace brume::logstore {
namespace {

constexpr int kLevel = 3;
constexpr std::uint64_t kMostColumns = 60;                          // bytes of an event's numbers
constexpr std::uint64_t kMostBlockText = std::uint64_t(128) << 20;  // far above what is written

std::unexpected<Error> unreadable(const BlockHead& head) {
  return fail_internal("The log store's block {} is damaged", head.id);
}

// What the next event of a stream is told as the difference to.
struct Before {
  std::uint64_t id = 0;
  std::int64_t ingestion = 0;
};

struct Frames {
  std::string_view columns, texts;
};
Result<Frames> frames_of(const BlockHead& head, std::string_view bytes) {
  ByteReader in(bytes);
  const std::uint64_t size = in.number();
  Frames out;
  out.columns = in.take(size);
  if (in.failed || head.events == 0 || head.events > kMostEvents || head.text_bytes > kMostBlockText ||
      head.first.timestamp < 0 || head.first > head.last)
    return unreadable(head);
  out.texts = in.take(in.left());
  return out;
}

}  // namespace

std::string write_block(const std::vector<BlockEvent>& events, BlockHead& head) {
  std::vector<std::uint32_t> numbers;
  numbers.reserve(events.size());
  for (const BlockEvent& event : events) numbers.push_back(event.stream);
  std::ranges::sort(numbers);
  numbers.erase(std::ranges::unique(numbers).begin(), numbers.end());
  std::unordered_map<std::uint32_t, std::uint32_t> place;
  for (std::uint32_t i = 0; i < numbers.size(); ++i) place[numbers[i]] = i;

  head.first = events.front().position;
  head.last = events.back().position;
  head.events = std::uint32_t(events.size());
  head.least_id = head.most_id = head.first.id;
  head.streams = 0;

  std::string columns, streams, times, ids, ingestions, lengths, texts;
  put_number(columns, numbers.size());
  std::uint32_t previous = 0;
  for (const std::uint32_t number : numbers) {
    put_number(columns, number - previous);
    previous = number;
    head.streams |= std::uint64_t(1) << (number % 64);
  }
  std::uint64_t size = 0;
  for (const BlockEvent& event : events) size += event.message.size();
  head.text_bytes = std::uint32_t(size);
  texts.reserve(size);
  std::vector<Before> before(numbers.size());
  std::int64_t time = head.first.timestamp;
  for (const BlockEvent& event : events) {
    const std::uint32_t stream = place[event.stream];
    Before& last = before[stream];
    put_number(streams, stream);
    put_number(times, std::uint64_t(event.position.timestamp - time));
    put_signed(ids, std::int64_t(event.position.id - last.id));
    put_signed(ingestions, event.ingestion - last.ingestion);
    put_number(lengths, event.message.size());
    texts += event.message;
    time = event.position.timestamp;
    last = {event.position.id, event.ingestion};
    head.least_id = std::min(head.least_id, event.position.id);
    head.most_id = std::max(head.most_id, event.position.id);
  }
  columns.append(streams).append(times).append(ids).append(ingestions).append(lengths);
  const std::string frame = compress(columns, kLevel);
  std::string out;
  put_number(out, frame.size());
  out += frame;
  out += compress(texts, kLevel);
  head.disk_bytes = std::uint32_t(out.size());
  return out;
}

Result<std::vector<BlockColumn>> read_columns(const BlockHead& head, std::string_view bytes) {
  BRUME_TRY(frames, frames_of(head, bytes));
  auto size = decompressed_size(frames.columns, head.events * kMostColumns);
  if (!size) return unreadable(head);
  auto plain = decompress(frames.columns, *size);
  if (!plain) return unreadable(head);
  ByteReader in(*plain);
  const std::uint64_t count = in.number();
  if (in.failed || count == 0 || count > head.events) return unreadable(head);
  std::vector<std::uint32_t> numbers(count);
  std::uint64_t number = 0;
  for (std::uint32_t& one : numbers) {
    number += in.number();
    if (number > UINT32_MAX) return unreadable(head);
    one = std::uint32_t(number);
  }
  std::vector<BlockColumn> out(head.events);
  std::vector<Before> before(count);
  for (BlockColumn& event : out) {
    const std::uint64_t place = in.number();
    if (place >= count) return unreadable(head);
    event.stream = std::uint32_t(place);  // until its number takes its place
  }
  std::int64_t time = head.first.timestamp;
  for (BlockColumn& event : out) {
    const std::uint64_t step = in.number();
    if (step > std::uint64_t(head.last.timestamp - time)) return unreadable(head);
    time += std::int64_t(step);
    event.position.timestamp = time;
  }
  for (BlockColumn& event : out) event.position.id = before[event.stream].id += std::uint64_t(in.signed_number());
  for (BlockColumn& event : out) {
    // As unsigned numbers, which may run over in bytes that are wrong.
    std::int64_t& last = before[event.stream].ingestion;
    event.ingestion = last = std::int64_t(std::uint64_t(last) + std::uint64_t(in.signed_number()));
  }
  std::uint64_t offset = 0;
  for (BlockColumn& event : out) {
    const std::uint64_t length = in.number();
    if (length > head.text_bytes - offset) return unreadable(head);
    event.offset = std::uint32_t(offset);
    event.length = std::uint32_t(length);
    offset += length;
  }
  if (in.failed || !in.at_end() || offset != head.text_bytes) return unreadable(head);
  for (BlockColumn& event : out) event.stream = numbers[event.stream];
  const auto out_of_order = [](const BlockColumn& a, const BlockColumn& b) { return a.position >= b.position; };
  if (out.front().position != head.first || out.back().position != head.last ||
      std::ranges::adjacent_find(out, out_of_order) != out.end())
    return unreadable(head);
  return out;
}

Result<std::string> read_texts(const BlockHead& head, std::string_view bytes) {
  BRUME_TRY(frames, frames_of(head, bytes));
  auto texts = decompress(frames.texts, head.text_bytes);
  if (!texts) return unreadable(head);
  return texts;
}

}  // namespace brume::logstore
