#include "logstore/appends.h"

#include <algorithm>

namespace brume::logstore {

// One transaction's changes, until it is on disk. The owner holds `writing`, so the index does not change meanwhile.
class Appends::Batch {
 public:
  explicit Batch(State& state) : state_(state), next_row_(state.index.next_row) {}

  // Errors: ResourceNotFoundException (only this request is refused), or the database's (all are).
  Result<Appended> add(Request& request);
  void apply();

 private:
  struct Streams {
    std::shared_ptr<Stream> stream;
    StreamFacts facts;
  };
  struct Groups {
    std::shared_ptr<Group> group;
    GroupFacts facts;
    std::map<std::string, Streams, std::less<>> streams;
    std::vector<PendingRow> rows;
  };

  Result<Groups*> group_of(const Request& request);
  Result<Streams*> stream_of(Groups& group, const Request& request);

  State& state_;
  std::uint64_t next_row_;
  std::map<GroupId, Groups> groups_;
};

Result<Appends::Batch::Groups*> Appends::Batch::group_of(const Request& request) {
  const GroupId id = request.head.group;
  if (const auto found = groups_.find(id); found != groups_.end()) return &found->second;
  const auto known = state_.index.groups.find(id);
  if (known == state_.index.groups.end() && (!request.create || state_.index.deleted.contains(id)))
    return fail("ResourceNotFoundException", "The specified log group does not exist.");
  Groups made;
  if (known != state_.index.groups.end()) {
    made.group = known->second;
    made.facts = made.group->facts;
  } else {
    made.group = std::make_shared<Group>();
    made.group->id = id;
  }
  return &groups_.emplace(id, std::move(made)).first->second;
}

Result<Appends::Batch::Streams*> Appends::Batch::stream_of(Groups& group, const Request& request) {
  if (const auto found = group.streams.find(request.stream); found != group.streams.end()) return &found->second;
  Streams staged;
  if (const auto found = group.group->by_name.find(request.stream); found != group.group->by_name.end()) {
    staged = {found->second, found->second->facts};
  } else {
    if (!request.create) return fail("ResourceNotFoundException", "The specified log stream does not exist.");
    staged.stream = std::make_shared<Stream>();
    staged.stream->name = request.stream;
    staged.stream->creation = request.head.ingestion;
    staged.stream->number = group.facts.next_stream++;
    BRUME_CHECK(state_.database->put_group(group.group->id, group.facts));
    BRUME_CHECK(state_.database->put_stream(group.group->id, *staged.stream, staged.facts, next_row_ - 1));
  }
  return &group.streams.emplace(request.stream, std::move(staged)).first->second;
}

Result<Appended> Appends::Batch::add(Request& request) {
  BRUME_TRY(group, group_of(request));
  BRUME_TRY(stream, stream_of(*group, request));
  RowHead& head = request.head;
  StreamFacts& facts = stream->facts;
  if (!head.token.empty() && std::ranges::find(facts.tokens, head.token) != facts.tokens.end())
    return Appended{.repeated = true};
  head.id = next_row_++;
  head.stream = stream->stream->number;
  head.first_id = group->facts.next_id;
  group->facts.next_id += head.events;
  BRUME_CHECK(state_.database->put_row(head, request.body));
  count(facts, head);
  group->rows.push_back(pending(head, request.body.size()));
  return Appended{.first_id = head.first_id};
}

void Appends::Batch::apply() {
  Index& index = state_.index;
  index.next_row = next_row_;
  for (auto& [id, staged] : groups_) {
    Group& group = *staged.group;
    index.groups.try_emplace(id, staged.group);
    group.facts = std::move(staged.facts);
    for (auto& [name, stream] : staged.streams) {
      stream.stream->facts = std::move(stream.facts);
      group.by_name.try_emplace(name, stream.stream);
      group.by_number.try_emplace(stream.stream->number, stream.stream);
    }
    for (const PendingRow& row : staged.rows) index.add(group, row);
  }
}

Result<void> Appends::commit(const std::vector<Request*>& requests) {
  std::uint64_t bytes = 0;
  for (const Request* request : requests) bytes += request->body.size() + Database::kPage;
  BRUME_TRY(transaction, state_.database->begin_adding(bytes));
  Batch batch(state_);
  for (Request* request : requests) {
    request->result = batch.add(*request);
    if (!request->result && request->result.error().status != 400) return std::unexpected(request->result.error());
  }
  BRUME_CHECK(transaction.commit());
  const std::lock_guard hold(state_.index_lock);
  batch.apply();
  return {};
}

void Appends::lead(const std::vector<Request*>& requests) {
  const std::lock_guard writing(state_.writing);
  const auto done = commit(requests);
  if (done) return;
  for (Request* request : requests) request->result = std::unexpected(done.error());
}

Result<Appended> Appends::append(GroupId group, const std::string& stream, std::span<const NewEvent> events,
                                 std::int64_t ingestion, std::string_view token, bool create_stream) {
  Request request;
  request.head.group = group;
  request.head.ingestion = ingestion;
  request.head.token = token;
  request.stream = stream;
  request.create = create_stream;
  request.body = write_row(events, request.head);

  std::unique_lock hold(lock_);
  waiting_.push_back(&request);
  if (leading_) request.told.wait(hold, [&] { return request.done || request.leads; });
  if (request.done) return request.result;
  leading_ = true;
  const std::vector<Request*> taken = std::exchange(waiting_, {});
  hold.unlock();
  lead(taken);
  hold.lock();
  for (Request* one : taken) {
    one->done = true;
    if (one != &request) one->told.notify_one();
  }
  leading_ = !waiting_.empty();
  if (leading_) {
    waiting_.front()->leads = true;
    waiting_.front()->told.notify_one();
  }
  return request.result;
}

}  // namespace brume::logstore
