// CloudWatch Logs Insights: a query in its language, and a run of it over log events.
//
// Pure: records go in one at a time, rows come out; what to scan, when to stop and where queries are kept is the
// service's. A query is read once and may be run by several threads, each with a run of its own over a part of the
// records; runs of a query are merged. Memory is bounded (groups.h), time is linear in what is added.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "services/logs/insights/groups.h"
#include "services/logs/insights/record.h"
#include "services/logs/insights/rows.h"

namespace brume::logs::insights {

class Query {
 public:
  // `now` is what now() answers: the time at which the query was started. Errors: MalformedQueryException, a sentence
  // and where in the query it is wrong (line, position, range of characters).
  static Result<Query> parse(std::string_view text, Timestamp now);

  // A text that the message of each record which can pass has: others need not be added. Empty: none is known.
  [[nodiscard]] std::string_view needle() const;
  // When records are added newest first, Run::add says when no more are needed: without stats, dedup or another sort
  // than by @timestamp, descending (also the order without `sort`). `limit any` needs no order.
  [[nodiscard]] bool newest_first_and_bounded() const;
  // Rows of a result at most: of `limit`, or 10,000.
  [[nodiscard]] std::size_t limit() const;

 private:
  friend class Run;
  explicit Query(std::shared_ptr<const Plan> plan) : plan_(std::move(plan)) {}

  std::shared_ptr<const Plan> plan_;
};

struct Statistics {
  std::uint64_t scanned = 0, matched = 0;  // records that were added; those that passed all filters before a stats
  std::uint64_t bytes = 0;  // of messages that were added; what the caller skips is the caller's to count
};

class Run {
 public:
  // At most `limit` rows, as StartQuery's parameter of the name; 0: as the query says.
  explicit Run(const Query& query, std::size_t limit = 0, Bounds bounds = {});
  ~Run();
  Run(Run&&) noexcept;
  Run& operator=(Run&&) = delete;

  // False: enough, nothing that is added later changes the result; for newest_first_and_bounded() queries if what is
  // added later is not newer. Also when a bound is passed: rows() then has the error.
  bool add(const Record& record);

  // What another run of the same query has, as if its records had been added here, after those that were.
  void merge(Run&& other);

  // The result so far; when all was added, the result. Rows of records end with @ptr. Errors: LimitExceededException, a
  // sentence that says which bound.
  [[nodiscard]] Result<std::vector<Row>> rows() const;
  [[nodiscard]] const Statistics& statistics() const { return statistics_; }

 private:
  [[nodiscard]] Result<std::vector<Row>> rows_after(std::vector<std::vector<OwnedValue>> rows) const;

  std::shared_ptr<const Plan> plan_;
  std::size_t limit_;
  Bounds bounds_;
  std::unique_ptr<Frame> frame_;
  std::variant<Groups, TopRows> kept_;
  std::optional<Error> error_;
  Statistics statistics_;
};

}  // namespace brume::logs::insights
