// Logs Insights: queries that are started, read while they run, and stopped; and definitions of queries, saved.
//
// A query runs aside, newest events first, and its rows so far can be read. Queries and their results are in memory, at
// most a thousand and 256 MiB, the oldest ended one goes first: a restart of the daemon forgets them. Definitions are
// kept.
#pragma once

#include <list>
#include <map>
#include <memory>

#include "env/aside.h"
#include "logs/api.h"
#include "logstore/event_store.h"
#include "services/common/context.h"
#include "services/logs/running_query.h"
#include "store/table.h"

namespace brume::logs {

class GroupOperations;

// Key: its id.
struct QueryDefinitionRecord {
  QueryDefinition definition;
};

}  // namespace brume::logs

BRUME_RECORD(brume::logs::QueryDefinitionRecord, definition)

namespace brume::logs {

class QueryOperations : public virtual Api {
 public:
  QueryOperations(services::Context context, logstore::EventStore& store, const GroupOperations& groups,
                  env::Aside aside);
  ~QueryOperations() override;

  using Call = aws::Call;
  Result<StartQueryResponse> StartQuery(const Call&, const StartQueryRequest&) override;
  Result<StopQueryResponse> StopQuery(const Call&, const StopQueryRequest&) override;
  Result<GetQueryResultsResponse> GetQueryResults(const Call&, const GetQueryResultsRequest&) override;
  Result<DescribeQueriesResponse> DescribeQueries(const Call&, const DescribeQueriesRequest&) override;
  Result<PutQueryDefinitionResponse> PutQueryDefinition(const Call&, const PutQueryDefinitionRequest&) override;
  Result<DeleteQueryDefinitionResponse> DeleteQueryDefinition(const Call&,
                                                              const DeleteQueryDefinitionRequest&) override;
  Result<DescribeQueryDefinitionsResponse> DescribeQueryDefinitions(const Call&,
                                                                    const DescribeQueryDefinitionsRequest&) override;

 protected:
  Result<void> load_queries() { return definitions_.load(); }

 private:
  struct Started {
    std::string id;
    std::string text, group;  // the first group
    std::int64_t time = 0;    // ms since 1970
    std::shared_ptr<RunningQuery> query;
  };
  // For one more.
  void make_room();
  [[nodiscard]] Result<const Started*> find(const std::string& id) const;
  // The groups that a request names.
  [[nodiscard]] Result<std::vector<std::string>> groups_of(const StartQueryRequest& request) const;

  services::Context context_;
  logstore::EventStore& store_;
  const GroupOperations& groups_;
  env::Aside aside_;
  std::list<Started> queries_;  // oldest first
  store::Table<QueryDefinitionRecord> definitions_;
};

}  // namespace brume::logs
