// Appends, many in one commit: whoever comes while a commit is under way waits, and the first of those leads the next
// one.
//
// The compression of an append is done by its own thread, before; the leader decides ids, tokens and new streams in the
// order of arrival.
#pragma once

#include <condition_variable>
#include <span>

#include "logstore/state.h"

namespace brume::logstore {

class Appends {
 public:
  explicit Appends(State& state) : state_(state) {}

  // As EventStore::append; `events` checked.
  Result<Appended> append(GroupId group, const std::string& stream, std::span<const NewEvent> events,
                          std::int64_t ingestion, std::string_view token, bool create_stream);

 private:
  struct Request {
    RowHead head;
    std::string_view stream;
    bool create = false;
    std::string body;
    Result<Appended> result;
    bool done = false, leads = false;
    std::condition_variable told;
  };
  class Batch;

  // Gives each its result. Errors: of the whole transaction, of which nothing is left.
  Result<void> commit(const std::vector<Request*>& requests);
  void lead(const std::vector<Request*>& requests);

  State& state_;
  std::mutex lock_;  // of what follows
  std::vector<Request*> waiting_;
  bool leading_ = false;
};

}  // namespace brume::logstore
