#include "logstore/block.h"

#include <algorithm>
#include <unordered_map>

#include "base/bytes.h"
#include "logstore/compression.h"

namespace brume::logstore {
namespace {

constexpr int kLevel = 3;

// What the next event of a stream is told as the difference to.
struct Before {
  std::uint64_t id = 0;
  std::int64_t ingestion = 0;
};

// The streams of a block by their numbers, and of each event which of them it has.
struct Streams {
  std::vector<std::uint32_t> numbers;     // ascending
  std::vector<std::uint32_t> of_event;    // places in `numbers`
  std::vector<std::uint64_t> text_bytes;  // of each
};

struct Section {
  std::uint32_t begin = 0, end = 0;  // places of its streams
  std::uint64_t text_bytes = 0;
  std::vector<std::uint32_t> events;  // which, in order
};

Streams streams_of(const std::vector<BlockEvent>& events) {
  Streams out;
  std::unordered_map<std::uint32_t, std::uint32_t> place;
  for (const BlockEvent& event : events)
    if (place.try_emplace(event.stream).second) out.numbers.push_back(event.stream);
  std::ranges::sort(out.numbers);
  for (std::uint32_t i = 0; i < out.numbers.size(); ++i) place[out.numbers[i]] = i;
  out.text_bytes.resize(out.numbers.size());
  out.of_event.reserve(events.size());
  for (const BlockEvent& event : events) {
    out.of_event.push_back(place[event.stream]);
    out.text_bytes[out.of_event.back()] += event.message.size();
  }
  return out;
}

std::vector<Section> cut(const Streams& streams, std::uint64_t section_bytes) {
  std::vector<Section> out;
  std::vector<std::uint32_t> of_stream;
  for (std::uint32_t place = 0; place < streams.numbers.size(); ++place) {
    const std::uint64_t size = streams.text_bytes[place];
    if (out.empty() || out.back().text_bytes + size > section_bytes) out.push_back({.begin = place});
    out.back().end = place + 1;
    out.back().text_bytes += size;
    of_stream.push_back(std::uint32_t(out.size() - 1));
  }
  for (std::uint32_t i = 0; i < streams.of_event.size(); ++i) out[of_stream[streams.of_event[i]]].events.push_back(i);
  return out;
}

std::string write_columns(const std::vector<BlockEvent>& events, const Streams& streams, const Section& section) {
  std::string out, times, ids, ingestions, lengths;
  put_number(out, section.end - section.begin);
  std::uint32_t previous = 0;
  for (std::uint32_t place = section.begin; place < section.end; ++place) {
    put_number(out, streams.numbers[place] - previous);
    previous = streams.numbers[place];
  }
  std::vector<Before> before(section.end - section.begin);
  std::int64_t time = events.front().position.timestamp;
  for (const std::uint32_t i : section.events) {
    const BlockEvent& event = events[i];
    const std::uint32_t stream = streams.of_event[i] - section.begin;
    Before& last = before[stream];
    put_number(out, stream);
    put_number(times, std::uint64_t(event.position.timestamp - time));
    put_signed(ids, std::int64_t(event.position.id - last.id));
    put_signed(ingestions, event.ingestion - last.ingestion);
    put_number(lengths, event.message.size());
    time = event.position.timestamp;
    last = {event.position.id, event.ingestion};
  }
  out.append(times).append(ids).append(ingestions).append(lengths);
  return compress(out, kLevel);
}

std::string write_texts(const std::vector<BlockEvent>& events, const Section& section) {
  std::string out;
  out.reserve(section.text_bytes);
  for (const std::uint32_t i : section.events) out += events[i].message;
  return compress(out, kLevel);
}

std::string write_order(const std::vector<Section>& sections, std::size_t events) {
  std::vector<std::uint32_t> section_of(events);
  for (std::uint32_t i = 0; i < sections.size(); ++i)
    for (const std::uint32_t event : sections[i].events) section_of[event] = i;
  std::string out;
  for (const std::uint32_t section : section_of) put_number(out, section);
  return compress(out, kLevel);
}

}  // namespace

std::string write_block(const std::vector<BlockEvent>& events, std::uint64_t section_bytes, BlockHead& head) {
  const Streams streams = streams_of(events);
  const std::vector<Section> sections = cut(streams, section_bytes);
  head.first = events.front().position;
  head.last = events.back().position;
  head.events = std::uint32_t(events.size());
  const auto ids = [](const BlockEvent& event) { return event.position.id; };
  head.least_id = std::ranges::min(events, {}, ids).position.id;
  head.most_id = std::ranges::max(events, {}, ids).position.id;
  head.streams = 0;
  for (const std::uint32_t number : streams.numbers) head.streams |= std::uint64_t(1) << (number % 64);

  const std::string order = sections.size() > 1 ? write_order(sections, events.size()) : "";
  std::string directory, columns, texts;
  put_number(directory, sections.size());
  put_number(directory, order.size());
  std::uint64_t text_bytes = 0;
  std::uint32_t previous = 0;
  for (const Section& section : sections) {
    const std::string its_columns = write_columns(events, streams, section), its_texts = write_texts(events, section);
    const std::uint32_t first = streams.numbers[section.begin], last = streams.numbers[section.end - 1];
    for (const std::uint64_t number :
         {std::uint64_t(first - previous), std::uint64_t(last - first), std::uint64_t(section.events.size()),
          section.text_bytes, std::uint64_t(its_columns.size()), std::uint64_t(its_texts.size())})
      put_number(directory, number);
    previous = last;
    text_bytes += section.text_bytes;
    columns += its_columns;
    texts += its_texts;
  }
  head.text_bytes = std::uint32_t(text_bytes);

  std::string out;
  if (sections.size() == 1) {
    put_number(out, columns.size());
  } else {
    const std::string frame = compress(directory, kLevel);
    put_number(out, 0);
    put_number(out, kBlockFormat);
    put_number(out, frame.size());
    out.append(frame).append(order);
  }
  out.append(columns).append(texts);
  head.disk_bytes = std::uint32_t(out.size());
  return out;
}

}  // namespace brume::logstore
