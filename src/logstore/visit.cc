#include "logstore/visit.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <variant>

#include "base/log.h"

namespace brume::logstore {
namespace {

// A row or a block that is to be opened.
using Part = std::variant<PendingRow, BlockHead>;

Position first_of(const Part& part) {
  if (const auto* row = std::get_if<PendingRow>(&part)) return {row->first, row->first_id};
  return std::get<BlockHead>(part).first;
}
Position last_of(const Part& part) {
  if (const auto* row = std::get_if<PendingRow>(&part)) return {row->last, row->first_id + row->events - 1};
  return std::get<BlockHead>(part).last;
}
// The least and the most of its events' ids.
std::pair<std::uint64_t, std::uint64_t> ids_of(const Part& part) {
  if (const auto* row = std::get_if<PendingRow>(&part)) return {row->first_id, row->first_id + row->events - 1};
  const auto& block = std::get<BlockHead>(part);
  return {block.least_id, block.most_id};
}
std::uint32_t events_of(const Part& part) {
  return std::visit([](const auto& of) { return of.events; }, part);
}

// What of an opened part is to be visited.
struct Open {
  std::string text;
  std::vector<BlockColumn> events;  // in the order of the visit
  std::size_t next = 0;
  [[nodiscard]] Position at() const { return events[next].position; }
};

constexpr std::size_t npos = std::string_view::npos;

std::size_t find_text(std::string_view text, std::string_view needle, std::size_t from = 0) {
  if (needle.size() > text.size() - from) return npos;
  const void* found = ::memmem(text.data() + from, text.size() - from, needle.data(), needle.size());
  return found ? std::size_t(static_cast<const char*>(found) - text.data()) : npos;
}

class Visit {
 public:
  Visit(State& state, const Read& read, const std::function<bool(const Event&)>& visitor)
      : state_(state),
        read_(read),
        visitor_(visitor),
        up_to_id_(read.up_to_id > 0 ? read.up_to_id : std::numeric_limits<std::uint64_t>::max()) {
    // [from_, to_); of a backward visit `after` is the end.
    from_ = {std::max<std::int64_t>(read.from, 0), 0};
    to_ = {std::max<std::int64_t>(read.to, 0), 0};
    if (read.after && read.backward) to_ = std::min(to_, *read.after);
    if (read.after && !read.backward) from_ = std::max(from_, Position{read.after->timestamp, read.after->id + 1});
  }

  Result<Scanned> run() {
    bool more = true;
    plan();
    while (more) {
      BRUME_TRY(step, merge());
      more = step;
    }
    return scanned_;
  }

 private:
  // In the order of the visit, is `a` earlier than `b`?
  [[nodiscard]] bool before(Position a, Position b) const { return read_.backward ? b < a : a < b; }
  [[nodiscard]] Position begin_of(const Part& part) const { return read_.backward ? last_of(part) : first_of(part); }
  [[nodiscard]] bool is_asked(std::uint64_t id) const { return id > read_.above_id && id <= up_to_id_; }

  void plan();
  // To the streams that are asked for, and their times; which bits of a block's `streams` they have. Under the index's
  // lock.
  std::uint64_t narrow();
  // Visits until the end, or until a part is gone and all is planned anew: true.
  Result<bool> merge();
  // What can be visited next is here or behind.
  [[nodiscard]] std::optional<Position> frontier() const;
  // Everything before `at` was visited: the rest begins there.
  void move_on(Position at);
  // False: it is gone.
  Result<bool> open(const Part& part);
  Result<bool> open_row(const PendingRow& row, std::string_view bytes);
  Result<bool> open_block(const BlockHead& block, BlockBytes bytes);
  bool damaged(const Part& part, std::string_view why);
  void take(std::vector<BlockColumn> events, std::string text);
  void keep_matches(Open& open) const;
  // Null: not wanted, or deleted.
  const Stream* stream_of(std::uint32_t number);
  // False: the visitor said stop.
  bool emit(Open& open, std::optional<Position> bound);

  State& state_;
  const Read& read_;
  const std::function<bool(const Event&)>& visitor_;
  Position from_, to_;
  std::uint64_t up_to_id_;
  Scanned scanned_;
  std::shared_ptr<Group> group_;
  std::vector<Cut> cuts_;
  std::vector<Part> parts_;  // in the order of their begin
  std::size_t next_part_ = 0;
  std::vector<std::unique_ptr<Open>> open_;           // a heap, the first to visit on top
  std::optional<std::vector<std::uint32_t>> wanted_;  // numbers, ascending; absent: all streams
  std::unordered_map<std::uint32_t, std::shared_ptr<Stream>> streams_;
  std::optional<Database::Reader> reader_;
};

void Visit::plan() {
  parts_.clear();
  open_.clear();
  next_part_ = 0;
  {
    const std::lock_guard hold(state_.index_lock);
    const auto found = state_.index.groups.find(read_.group);
    if (found == state_.index.groups.end()) return;
    group_ = found->second;
    cuts_ = group_->facts.cuts;
    const std::uint64_t wanted = narrow();
    const auto add = [&](const Part& part) {
      const auto [least, most] = ids_of(part);
      if (first_of(part) < to_ && last_of(part) >= from_ && most > read_.above_id && least <= up_to_id_)
        parts_.push_back(part);
    };
    for (auto block = group_->blocks.begin(); block != group_->blocks.end() && block->first <= to_.timestamp; ++block)
      if ((block->second.streams & wanted) != 0) add(block->second);
    for (const auto& [id, row] : group_->rows)
      if (!wanted_ || std::ranges::binary_search(*wanted_, row.stream)) add(row);
  }
  std::ranges::sort(parts_, [&](const Part& a, const Part& b) { return before(begin_of(a), begin_of(b)); });
}

std::uint64_t Visit::narrow() {
  if (read_.streams.empty() && read_.stream_prefix.empty()) return ~std::uint64_t(0);
  wanted_.emplace();
  std::uint64_t bits = 0;
  Position first = to_, last;
  const auto want = [&](const Stream& stream) {
    if (!stream.name.starts_with(read_.stream_prefix) || !stream.facts.first_event) return;
    wanted_->push_back(stream.number);
    bits |= std::uint64_t(1) << (stream.number % 64);
    first = std::min(first, {*stream.facts.first_event, 0});
    last = std::max(last, {*stream.facts.last_event + 1, 0});
  };
  const auto& by_name = group_->by_name;
  for (const std::string& name : read_.streams)
    if (const auto found = by_name.find(name); found != by_name.end()) want(*found->second);
  if (read_.streams.empty())
    for (auto next = by_name.lower_bound(read_.stream_prefix);
         next != by_name.end() && next->first.starts_with(read_.stream_prefix); ++next)
      want(*next->second);
  std::ranges::sort(*wanted_);
  from_ = std::max(from_, first);
  to_ = std::min(to_, last);
  return bits;
}

std::optional<Position> Visit::frontier() const {
  std::optional<Position> at;
  if (!open_.empty()) at = open_.front()->at();
  if (next_part_ < parts_.size()) {
    const Position next = begin_of(parts_[next_part_]);
    if (!at || before(next, *at)) at = next;
  }
  return at;
}

void Visit::move_on(Position at) {
  if (read_.backward)
    to_ = std::min(to_, Position{at.timestamp, at.id + 1});
  else
    from_ = std::max(from_, at);
}

Result<bool> Visit::merge() {
  const auto later = [&](const auto& a, const auto& b) { return before(b->at(), a->at()); };
  while (true) {
    while (next_part_ < parts_.size() && (open_.empty() || before(begin_of(parts_[next_part_]), open_.front()->at()))) {
      const Position begin = *frontier();
      const bool moved = read_.backward ? Position{begin.timestamp, begin.id + 1} < to_ : from_ < begin;
      if (read_.scan_limit > 0 && scanned_.bytes >= read_.scan_limit && moved) {
        move_on(begin);
        scanned_.stopped = read_.backward ? to_ : Position{from_.timestamp, from_.id - (from_.id > 0)};
        return false;
      }
      const std::size_t opened = open_.size();
      BRUME_TRY(there, open(parts_[next_part_]));
      if (!there) {
        move_on(begin);
        plan();
        return true;
      }
      ++next_part_;
      if (open_.size() > opened) std::ranges::push_heap(open_, later);
    }
    if (open_.empty()) return false;
    std::ranges::pop_heap(open_, later);
    std::unique_ptr<Open> top = std::move(open_.back());
    open_.pop_back();
    if (!emit(*top, frontier())) return false;
    if (top->next == top->events.size()) continue;
    open_.push_back(std::move(top));
    std::ranges::push_heap(open_, later);
  }
}

bool Visit::emit(Open& open, std::optional<Position> bound) {
  for (; open.next < open.events.size(); ++open.next) {
    const BlockColumn& event = open.events[open.next];
    if (bound && !before(event.position, *bound)) return true;
    const Stream* stream = streams_.at(event.stream).get();
    const Event out{event.position.timestamp, event.ingestion, stream->name,
                    std::string_view(open.text).substr(event.offset, event.length), event.position.id};
    if (visitor_(out)) continue;
    scanned_.stopped = event.position;
    return false;
  }
  return true;
}

Result<bool> Visit::open(const Part& part) {
  if (!reader_) {
    BRUME_TRY(reader, state_.database->reader());
    reader_.emplace(std::move(reader));
  }
  const auto* row = std::get_if<PendingRow>(&part);
  const auto* block = std::get_if<BlockHead>(&part);
  if (row) {
    BRUME_TRY(bytes, reader_->row(row->id));
    if (bytes) return open_row(*row, *bytes);
  } else {
    BRUME_TRY(bytes, reader_->block(block->id));
    if (bytes) return open_block(*block, *std::move(bytes));
  }
  const std::lock_guard writing(state_.writing);  // what is being changed is changed then
  const bool listed =
      row ? group_->rows.contains(row->id)
          : std::ranges::any_of(group_->blocks, [&](const auto& entry) { return entry.second.id == block->id; });
  if (!listed || state_.index.find(read_.group) != group_.get()) return false;
  return damaged(part, "it is missing");
}

Result<bool> Visit::open_row(const PendingRow& row, std::string_view bytes) {
  if (!stream_of(row.stream)) return true;
  auto read = read_row(head_of(row, read_.group), bytes);
  if (!read) return damaged(row, read.error().message);
  std::vector<BlockColumn> events;
  events.reserve(read->messages.size());
  std::uint64_t id = row.first_id;
  for (const Message& message : read->messages)
    events.push_back({.position = {message.timestamp, id++},
                      .ingestion = row.ingestion,
                      .stream = row.stream,
                      .offset = message.offset,
                      .length = message.length});
  take(std::move(events), std::move(read->text));
  return true;
}

Result<bool> Visit::open_block(const BlockHead& block, BlockBytes bytes) {
  auto reader = BlockReader::open(block, std::move(bytes));
  if (!reader) return damaged(block, reader.error().message);
  if (wanted_) reader->only(*wanted_);
  Result<std::string> text = std::string();
  // Most blocks have no match: what is counted of them is known without their columns.
  const bool whole = from_ <= block.first && block.last < to_ && cuts_.empty() && !wanted_ &&
                     is_asked(block.least_id) && is_asked(block.most_id);
  const bool text_first = whole && !read_.needle.empty();
  if (text_first) {
    text = reader->texts();
    if (!text) return damaged(block, text.error().message);
    if (find_text(*text, read_.needle) == npos) {
      scanned_.events += block.events;
      scanned_.bytes += block.text_bytes;
      return true;
    }
  }
  auto columns = reader->columns();
  if (!columns) return damaged(block, columns.error().message);
  std::erase_if(*columns, [&](const BlockColumn& event) { return !stream_of(event.stream); });
  if (columns->empty()) return true;
  if (!text_first) text = reader->texts();
  if (!text) return damaged(block, text.error().message);
  take(*std::move(columns), *std::move(text));
  return true;
}

bool Visit::damaged(const Part& part, std::string_view why) {
  ++scanned_.damaged;
  log_error("{} events of log group {} cannot be read and are passed over: {}", events_of(part), read_.group, why);
  return true;
}

const Stream* Visit::stream_of(std::uint32_t number) {
  if (wanted_ && !std::ranges::binary_search(*wanted_, number)) return nullptr;
  const auto [place, first] = streams_.try_emplace(number);
  if (!first) return place->second.get();
  const std::lock_guard hold(state_.index_lock);
  const auto found = group_->by_number.find(number);
  if (found != group_->by_number.end()) place->second = found->second;
  return place->second.get();
}

void Visit::take(std::vector<BlockColumn> events, std::string text) {
  std::erase_if(events, [&](const BlockColumn& event) {
    if (event.position < from_ || event.position >= to_ || !is_asked(event.position.id)) return true;
    return std::ranges::any_of(
        cuts_, [&](const Cut& cut) { return event.position.timestamp < cut.time && event.position.id < cut.id; });
  });
  scanned_.events += events.size();
  for (const BlockColumn& event : events) scanned_.bytes += event.length;
  auto open = std::make_unique<Open>();
  open->text = std::move(text);
  open->events = std::move(events);
  keep_matches(*open);
  if (open->events.empty()) return;
  put_in_order(open->events);
  if (read_.backward) std::ranges::reverse(open->events);
  open_.push_back(std::move(open));
}

void Visit::keep_matches(Open& open) const {
  if (read_.needle.empty()) return;
  // From match to match, and from each to the event that it is in: the texts are searched as one.
  std::size_t match = find_text(open.text, read_.needle);
  std::erase_if(open.events, [&](const BlockColumn& event) {
    if (match != npos && match < event.offset) match = find_text(open.text, read_.needle, event.offset);
    return match == npos || match + read_.needle.size() > std::size_t(event.offset) + event.length;
  });
}

}  // namespace

Result<Scanned> visit(State& state, const Read& read, const std::function<bool(const Event&)>& visitor) {
  return Visit(state, read, visitor).run();
}

}  // namespace brume::logstore
