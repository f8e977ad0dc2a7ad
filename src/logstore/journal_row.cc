#include "logstore/journal_row.h"

#include <algorithm>
#include <numeric>

#include "base/bytes.h"
#include "logstore/compression.h"

namespace brume::logstore {
namespace {

constexpr int kLevel = 1;
constexpr std::uint64_t kMostColumns = 20;  // bytes of an event's two numbers

std::unexpected<Error> unreadable(const RowHead& head) {
  return fail_internal("The log store's journal row {} of group {} is damaged", head.id, head.group);
}

}  // namespace

std::string write_row(std::span<const NewEvent> events, RowHead& head) {
  std::vector<std::uint32_t> order;
  const auto time = [&](std::uint32_t i) { return events[i].timestamp; };
  if (!std::ranges::is_sorted(events, {}, &NewEvent::timestamp)) {
    order.resize(events.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::stable_sort(order, {}, time);
  }
  const auto at = [&](std::size_t i) -> const NewEvent& { return events[order.empty() ? i : order[i]]; };
  std::uint64_t text = 0;
  for (const NewEvent& event : events) text += event.message.size();
  head.events = std::uint32_t(events.size());
  head.text_bytes = std::uint32_t(text);
  head.first = at(0).timestamp;
  head.last = at(events.size() - 1).timestamp;

  std::string plain;
  plain.reserve(text + events.size() * 4);
  std::int64_t previous = head.first;
  for (std::size_t i = 0; i < events.size(); ++i) {
    put_number(plain, std::uint64_t(at(i).timestamp - previous));
    previous = at(i).timestamp;
  }
  for (std::size_t i = 0; i < events.size(); ++i) put_number(plain, at(i).message.size());
  for (std::size_t i = 0; i < events.size(); ++i) plain += at(i).message;
  return compress(plain, kLevel);
}

Result<RowEvents> read_row(const RowHead& head, std::string_view body) {
  if (head.events == 0 || head.events > kMostEvents || head.text_bytes > kMostText || head.first < 0 ||
      head.first > head.last)
    return unreadable(head);
  auto size = decompressed_size(body, head.text_bytes + head.events * kMostColumns);
  if (!size) return unreadable(head);
  auto plain = decompress(body, *size);
  if (!plain) return unreadable(head);
  ByteReader in(*plain);
  RowEvents out;
  out.messages.resize(head.events);
  std::int64_t time = head.first;
  for (Message& message : out.messages) {
    const std::uint64_t step = in.number();
    if (in.failed || step > std::uint64_t(head.last - time)) return unreadable(head);
    time += std::int64_t(step);
    message.timestamp = time;
  }
  if (time != head.last) return unreadable(head);
  std::uint64_t offset = 0;
  for (Message& message : out.messages) {
    const std::uint64_t length = in.number();
    if (in.failed || length > head.text_bytes - offset) return unreadable(head);
    message.offset = std::uint32_t(offset);
    message.length = std::uint32_t(length);
    offset += length;
  }
  if (offset != head.text_bytes || in.left() != head.text_bytes) return unreadable(head);
  out.text = *std::move(plain);
  out.text.erase(0, out.text.size() - head.text_bytes);
  return out;
}

}  // namespace brume::logstore
