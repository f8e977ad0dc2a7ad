#include "logstore/block_reader.h"

#include <algorithm>
#include <span>

#include "base/bytes.h"
#include "logstore/compression.h"
#include "logstore/journal_row.h"

namespace brume::logstore {
namespace {

constexpr std::uint64_t kStart = 16;                                // bytes, with which a block's kind is known
constexpr std::uint64_t kMostColumns = 60;                          // bytes of an event's numbers
constexpr std::uint64_t kMostSection = 60;                          // of a section's in the directory
constexpr std::uint64_t kMostBlockText = std::uint64_t(128) << 20;  // far above what is written

}  // namespace

std::unexpected<Error> BlockReader::unreadable() const {
  return fail_internal("The log store's block {} is damaged", head_.id);
}

Result<BlockReader> BlockReader::open(const BlockHead& head, BlockBytes bytes) {
  BlockReader out(head, std::move(bytes));
  if (head.events == 0 || head.events > kMostEvents || head.text_bytes > kMostBlockText || head.first.timestamp < 0 ||
      head.first > head.last)
    return out.unreadable();
  BRUME_CHECK(out.read_directory());
  return out;
}

Result<void> BlockReader::read_directory() {
  BRUME_TRY(start, read({0, std::min(kStart, bytes_.size)}));
  ByteReader in(start);
  const auto at = [&] { return start.size() - in.left(); };
  const std::uint64_t size = in.number();
  if (in.failed) return unreadable();
  if (size != 0) {
    if (size > bytes_.size - at()) return unreadable();
    Section& all = sections_.emplace_back();
    all.events = head_.events;
    all.text_bytes = head_.text_bytes;
    all.columns.size = size;
    all.texts.size = bytes_.size - at() - size;
    return place_frames(at());
  }
  const std::uint64_t format = in.number();
  if (!in.failed && format != kBlockFormat)
    return fail_internal("The log store's block {} has the format {}, which is not known here", head_.id, format);
  const Frame frame{.offset = 0, .size = in.number()};
  if (in.failed) return unreadable();
  BRUME_TRY(directory, content({at(), frame.size}, head_.events * kMostSection));
  ByteReader entries(directory);
  const std::uint64_t count = entries.number();
  order_ = {at() + frame.size, entries.number()};
  if (entries.failed || count < 2 || count > head_.events || order_.size > bytes_.size - order_.offset)
    return unreadable();
  std::uint64_t events = 0, text_bytes = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t gap = entries.number(), width = entries.number();
    const std::uint64_t its_events = entries.number(), its_text_bytes = entries.number();
    const std::uint64_t before = i == 0 ? 0 : sections_.back().last_stream;
    if (entries.failed || (i > 0 && gap == 0) || gap > UINT32_MAX - before || width > UINT32_MAX - before - gap ||
        its_events == 0 || its_events > head_.events - events || its_text_bytes > head_.text_bytes - text_bytes)
      return unreadable();
    Section& section = sections_.emplace_back();
    section.first_stream = std::uint32_t(before + gap);
    section.last_stream = std::uint32_t(before + gap + width);
    section.events = std::uint32_t(its_events);
    section.text_bytes = std::uint32_t(its_text_bytes);
    section.columns.size = entries.number();
    section.texts.size = entries.number();
    events += its_events;
    text_bytes += its_text_bytes;
  }
  if (entries.failed || !entries.at_end() || events != head_.events || text_bytes != head_.text_bytes)
    return unreadable();
  return place_frames(order_.offset + order_.size);
}

Result<void> BlockReader::place_frames(std::uint64_t offset) {
  for (Frame Section::* const frame : {&Section::columns, &Section::texts})
    for (Section& section : sections_) {
      Frame& its = section.*frame;
      its.offset = offset;
      if (its.size > bytes_.size - offset) return unreadable();
      offset += its.size;
    }
  if (offset != bytes_.size) return unreadable();
  return {};
}

Result<std::string> BlockReader::read(const Frame& frame) const {
  if (frame.size == 0 || frame.offset > bytes_.size || frame.size > bytes_.size - frame.offset) return unreadable();
  return bytes_.read(frame.offset, frame.size);
}

Result<std::string> BlockReader::content(const Frame& frame, std::uint64_t limit) const {
  BRUME_TRY(bytes, read(frame));
  const auto size = decompressed_size(bytes, limit);
  if (!size) return unreadable();
  auto out = decompress(bytes, *size);
  if (!out) return unreadable();
  return out;
}

void BlockReader::only(const std::vector<std::uint32_t>& streams) {
  for (Section& section : sections_) {
    const auto next = std::ranges::lower_bound(streams, section.first_stream);
    section.wanted = section.wanted && next != streams.end() && *next <= section.last_stream;
  }
}

Result<std::vector<BlockColumn>> BlockReader::columns() const {
  std::vector<BlockColumn> out;
  std::uint32_t events = 0, offset = 0;
  for (const Section& section : sections_)
    if (section.wanted) events += section.events;
  out.reserve(events);
  for (const Section& section : sections_) {
    if (!section.wanted) continue;
    BRUME_CHECK(read_section(section, offset, out));
    offset += section.text_bytes;
  }
  BRUME_CHECK(rank(out));
  return out;
}

Result<void> BlockReader::read_section(const Section& section, std::uint32_t offset,
                                       std::vector<BlockColumn>& out) const {
  BRUME_TRY(plain, content(section.columns, section.events * kMostColumns));
  ByteReader in(plain);
  const std::uint64_t count = in.number();
  if (in.failed || count == 0 || count > section.events) return unreadable();
  std::vector<std::uint32_t> numbers(count);
  std::uint64_t number = 0;
  for (std::uint32_t& one : numbers) {
    number += in.number();
    if (number < section.first_stream || number > section.last_stream) return unreadable();
    one = std::uint32_t(number);
  }
  if (sections_.size() > 1 && (numbers.front() != section.first_stream || numbers.back() != section.last_stream))
    return unreadable();
  out.resize(out.size() + section.events);
  const std::span<BlockColumn> events(out.end() - section.events, out.end());
  // What the next event of a stream is told as the difference to.
  struct Before {
    std::uint64_t id = 0;
    std::int64_t ingestion = 0;
  };
  std::vector<Before> before(count);
  for (BlockColumn& event : events) {
    const std::uint64_t place = in.number();
    if (place >= count) return unreadable();
    event.stream = std::uint32_t(place);  // until its number takes its place
  }
  std::int64_t time = head_.first.timestamp;
  for (BlockColumn& event : events) {
    const std::uint64_t step = in.number();
    if (step > std::uint64_t(head_.last.timestamp - time)) return unreadable();
    time += std::int64_t(step);
    event.position.timestamp = time;
  }
  for (BlockColumn& event : events) event.position.id = before[event.stream].id += std::uint64_t(in.signed_number());
  for (BlockColumn& event : events) {
    // As unsigned numbers, which may run over in bytes that are wrong.
    std::int64_t& last = before[event.stream].ingestion;
    event.ingestion = last = std::int64_t(std::uint64_t(last) + std::uint64_t(in.signed_number()));
  }
  std::uint32_t left = section.text_bytes;
  for (BlockColumn& event : events) {
    const std::uint64_t length = in.number();
    if (length > left) return unreadable();
    event.offset = offset + (section.text_bytes - left);
    event.length = std::uint32_t(length);
    left -= std::uint32_t(length);
  }
  if (in.failed || !in.at_end() || left != 0) return unreadable();
  for (BlockColumn& event : events) event.stream = numbers[event.stream];
  return {};
}

Result<void> BlockReader::rank(std::vector<BlockColumn>& events) const {
  std::uint32_t ranked = 0;
  Position first, last;
  const auto take = [&](BlockColumn& event) {
    if (ranked == 0)
      first = event.position;
    else if (event.position <= last)
      return false;
    last = event.position;
    event.rank = ranked++;
    return true;
  };
  if (std::ranges::count(sections_, true, &Section::wanted) < 2) {
    for (BlockColumn& event : events)
      if (!take(event)) return unreadable();
  } else {
    std::vector<std::uint32_t> seen(sections_.size()), next(sections_.size());  // events of each; among `events`
    std::uint32_t begin = 0;
    for (std::size_t i = 0; i < sections_.size(); ++i) {
      next[i] = begin;
      if (sections_[i].wanted) begin += sections_[i].events;
    }
    BRUME_TRY(order, content(order_, head_.events * kMostColumns));
    ByteReader in(order);
    for (std::uint32_t i = 0; i < head_.events; ++i) {
      const std::uint64_t section = in.number();
      if (section >= sections_.size() || ++seen[section] > sections_[section].events) return unreadable();
      if (sections_[section].wanted && !take(events[next[section]++])) return unreadable();
    }
    if (in.failed || !in.at_end()) return unreadable();
  }
  if (ranked == 0) return {};
  const bool all = ranked == head_.events;
  if (all ? first != head_.first || last != head_.last : first < head_.first || last > head_.last) return unreadable();
  return {};
}

void put_in_order(std::vector<BlockColumn>& events) {
  if (std::ranges::is_sorted(events, {}, &BlockColumn::rank)) return;
  constexpr std::uint32_t kNone = UINT32_MAX;
  std::vector<std::uint32_t> of_rank(std::ranges::max(events, {}, &BlockColumn::rank).rank + 1, kNone);
  for (std::uint32_t i = 0; i < events.size(); ++i) of_rank[events[i].rank] = i;
  std::vector<BlockColumn> out;
  out.reserve(events.size());
  for (const std::uint32_t i : of_rank)
    if (i != kNone) out.push_back(events[i]);
  events = std::move(out);
}

Result<std::string> BlockReader::texts() const {
  std::uint64_t size = 0;
  for (const Section& section : sections_)
    if (section.wanted) size += section.text_bytes;
  const auto fill = [&](char* to) -> Result<void> {
    for (const Section& section : sections_) {
      if (!section.wanted) continue;
      BRUME_TRY(frame, read(section.texts));
      if (!decompress(frame, std::span(to, section.text_bytes))) return unreadable();
      to += section.text_bytes;
    }
    return {};
  };
  std::string out;
  Result<void> filled;
  out.resize_and_overwrite(size, [&](char* to, std::size_t) {
    filled = fill(to);
    return filled ? size : 0;
  });
  if (!filled) return std::unexpected(std::move(filled).error());
  return out;
}

}  // namespace brume::logstore
