#include "services/logs/query_operations.h"

#include <algorithm>

#include "services/common/page.h"
#include "services/logs/group_operations.h"

namespace brume::logs {
namespace {

constexpr std::size_t kMostRunning = 30, kMostGroups = 50;
// Of queries whose results are kept; the oldest go first.
constexpr std::size_t kMostKept = 1000, kMostKeptBytes = std::size_t(256) << 20;

// Seconds since 1970, as the API has them, or milliseconds, as many send.
std::int64_t milliseconds(std::int64_t time) {
  constexpr std::int64_t kNoSeconds = 100'000'000'000;
  return time >= kNoSeconds ? time : time * 1000;
}

Result<void> check_language(const std::optional<std::string>& language) {
  if (language && *language != "CWLI")
    return fail("InvalidParameterException", "Brume answers queries in the language CWLI, not in {}.", *language);
  return {};
}

std::string number(std::int64_t value) {
  return fmt::format("{:020}", value);
}

}  // namespace

QueryOperations::QueryOperations(services::Context context, logstore::EventStore& store, const GroupOperations& groups,
                                 env::Aside aside)
    : context_(std::move(context)),
      store_(store),
      groups_(groups),
      aside_(std::move(aside)),
      definitions_(context_.store, "log-query-definitions", context_.region) {}

// What still runs looks at itself only.
QueryOperations::~QueryOperations() {
  for (const Started& started : queries_) started.query->cancel();
}

Result<std::vector<std::string>> QueryOperations::groups_of(const StartQueryRequest& request) const {
  std::vector<std::string> asked(request.logGroupNames.begin(), request.logGroupNames.end());
  asked.insert(asked.end(), request.logGroupIdentifiers.begin(), request.logGroupIdentifiers.end());
  if (request.logGroupName) asked.push_back(*request.logGroupName);
  const int ways = int(!request.logGroupNames.empty()) + int(!request.logGroupIdentifiers.empty()) +
                   int(request.logGroupName.has_value());
  if (ways != 1)
    return fail("InvalidParameterException",
                "Give the log groups in one of logGroupName, logGroupNames and logGroupIdentifiers.");
  if (asked.size() > kMostGroups)
    return fail("InvalidParameterException", "A query is of at most {} log groups.", kMostGroups);
  return asked;
}

Result<StartQueryResponse> QueryOperations::StartQuery(const Call&, const StartQueryRequest& request) {
  BRUME_CHECK(check_language(request.queryLanguage));
  BRUME_TRY(asked, groups_of(request));
  std::vector<QueriedGroup> groups;
  for (const std::string& name : asked) {
    BRUME_TRY(group, groups_.find_group(name));
    groups.push_back({std::uint64_t(group->id), group->name});
  }
  const std::int64_t from = milliseconds(*request.startTime), to = milliseconds(*request.endTime);
  if (from > to)
    return fail("InvalidParameterException", "startTime {} is after endTime {}.", *request.startTime, *request.endTime);
  BRUME_TRY(query, insights::Query::parse(*request.queryString, context_.env.clock.wall()));
  const auto running = std::ranges::count_if(queries_, [](const Started& other) { return !other.query->ended(); });
  if (std::size_t(running) >= kMostRunning)
    return fail("LimitExceededException", "There are {} queries running, the most there may be.", running);
  make_room();

  Started started{.id = context_.env.random.uuid(),
                  .text = *request.queryString,
                  .group = groups.front().name,
                  .time = context_.env.clock.wall().time_since_epoch().count(),
                  .query = std::make_shared<RunningQuery>(std::move(query), std::size_t(request.limit.value_or(0)),
                                                          std::move(groups), from, to + 1, context_.env.clock)};
  queries_.push_back(started);
  aside_([&store = store_, query = started.query] { query->run(store); }, [] {});
  return StartQueryResponse{.queryId = started.id};
}

void QueryOperations::make_room() {
  std::size_t bytes = 0;
  for (const Started& started : queries_) bytes += started.query->summary().row_bytes;
  for (auto started = queries_.begin();
       started != queries_.end() && (queries_.size() >= kMostKept || bytes > kMostKeptBytes);) {
    const auto next = std::next(started);
    if (started->query->ended()) {
      bytes -= started->query->summary().row_bytes;
      queries_.erase(started);
    }
    started = next;
  }
}

Result<const QueryOperations::Started*> QueryOperations::find(const std::string& id) const {
  const auto found = std::ranges::find(queries_, id, &Started::id);
  if (found == queries_.end()) return fail("ResourceNotFoundException", "Query with id {} does not exist.", id);
  return &*found;
}

Result<StopQueryResponse> QueryOperations::StopQuery(const Call&, const StopQueryRequest& request) {
  BRUME_TRY(started, find(*request.queryId));
  if (!started->query->cancel())
    return fail("InvalidParameterException", "Query with id {} has ended, as {}.", *request.queryId,
                started->query->summary().status);
  return StopQueryResponse{.success = true};
}

Result<GetQueryResultsResponse> QueryOperations::GetQueryResults(const Call&, const GetQueryResultsRequest& request) {
  BRUME_TRY(started, find(*request.queryId));
  // In this order: of a query that is complete, all rows are there.
  const QuerySummary summary = started->query->summary();
  const std::vector<insights::Row> found = started->query->rows();
  GetQueryResultsResponse response{.queryLanguage = "CWLI", .results = {}, .status = summary.status};
  response.results.set_present();
  response.statistics = QueryStatistics{.recordsMatched = double(summary.statistics.matched),
                                        .recordsScanned = double(summary.statistics.scanned),
                                        .estimatedRecordsSkipped = 0,
                                        .bytesScanned = double(summary.statistics.bytes),
                                        .estimatedBytesSkipped = 0};
  struct Numbered {
    std::size_t number;
    const insights::Row* row;
  };
  std::vector<Numbered> rows;
  for (std::size_t i = 0; i < found.size(); ++i) rows.push_back({i, &found[i]});
  BRUME_TRY(page,
            services::paginate(
                std::move(rows), std::size_t(request.maxItems.value_or(0)), request.nextToken,
                [](const Numbered& row) { return number(std::int64_t(row.number)); }, "InvalidParameterException"));
  for (const Numbered& each : page.items) {
    List<ResultField>& fields = response.results.emplace_back();
    fields.set_present();
    for (const auto& [field, value] : *each.row) fields.push_back({.field = field, .value = value});
  }
  response.nextToken = std::move(page.next_token);
  return response;
}

Result<DescribeQueriesResponse> QueryOperations::DescribeQueries(const Call&, const DescribeQueriesRequest& request) {
  BRUME_CHECK(check_language(request.queryLanguage));
  std::vector<QueryInfo> all;  // newest first
  for (auto started = queries_.rbegin(); started != queries_.rend(); ++started) {
    const QuerySummary summary = started->query->summary();
    if (request.logGroupName && started->group != *request.logGroupName) continue;
    if (request.status && summary.status != *request.status) continue;
    all.push_back({.queryLanguage = "CWLI",
                   .queryId = started->id,
                   .queryString = started->text,
                   .status = summary.status,
                   .createTime = started->time,
                   .logGroupName = started->group,
                   .queryDuration = std::chrono::duration_cast<std::chrono::milliseconds>(summary.took).count(),
                   .bytesScanned = double(summary.statistics.bytes)});
  }
  const auto place_of = [](const QueryInfo& info) { return number(INT64_MAX - *info.createTime) + *info.queryId; };
  std::ranges::sort(all, {}, place_of);
  BRUME_TRY(page, services::paginate(std::move(all), std::size_t(request.maxResults.value_or(1000)), request.nextToken,
                                     place_of, "InvalidParameterException"));
  return DescribeQueriesResponse{.queries = List<QueryInfo>(std::move(page.items)),
                                 .nextToken = std::move(page.next_token)};
}

Result<PutQueryDefinitionResponse> QueryOperations::PutQueryDefinition(const Call&,
                                                                       const PutQueryDefinitionRequest& request) {
  BRUME_CHECK(check_language(request.queryLanguage));
  if (!request.parameters.empty())
    return fail("InvalidParameterException", "Brume's queries have no parameters: leave them out.");
  if (request.queryDefinitionId && !definitions_.contains(*request.queryDefinitionId))
    return fail("ResourceNotFoundException", "There is no query definition {}.", *request.queryDefinitionId);
  if (auto read = insights::Query::parse(*request.queryString, context_.env.clock.wall()); !read)
    return fail("InvalidParameterException", "{}", read.error().message);
  for (const auto& [id, record] : definitions_.rows())
    if (record.definition.name == request.name && id != request.queryDefinitionId)
      return fail("InvalidParameterException", "The query definition {} has the name {} already.", id, *request.name);
  const std::string id = request.queryDefinitionId.value_or(context_.env.random.uuid());
  definitions_.put(id, QueryDefinitionRecord{{.queryLanguage = "CWLI",
                                              .queryDefinitionId = id,
                                              .name = request.name,
                                              .queryString = request.queryString,
                                              .lastModified = context_.env.clock.wall().time_since_epoch().count(),
                                              .logGroupNames = request.logGroupNames}});
  return PutQueryDefinitionResponse{.queryDefinitionId = id};
}

Result<DeleteQueryDefinitionResponse> QueryOperations::DeleteQueryDefinition(
    const Call&, const DeleteQueryDefinitionRequest& request) {
  if (!definitions_.contains(*request.queryDefinitionId))
    return fail("ResourceNotFoundException", "There is no query definition {}.", *request.queryDefinitionId);
  definitions_.erase(*request.queryDefinitionId);
  return DeleteQueryDefinitionResponse{.success = true};
}

Result<DescribeQueryDefinitionsResponse> QueryOperations::DescribeQueryDefinitions(
    const Call&, const DescribeQueryDefinitionsRequest& request) {
  BRUME_CHECK(check_language(request.queryLanguage));
  std::vector<QueryDefinition> all;
  for (const auto& [id, record] : definitions_.rows())
    if (!request.queryDefinitionNamePrefix || record.definition.name->starts_with(*request.queryDefinitionNamePrefix))
      all.push_back(record.definition);
  const auto name_of = [](const QueryDefinition& definition) { return *definition.name; };
  std::ranges::sort(all, {}, name_of);
  BRUME_TRY(page, services::paginate(std::move(all), std::size_t(request.maxResults.value_or(1000)), request.nextToken,
                                     name_of, "InvalidParameterException"));
  return DescribeQueryDefinitionsResponse{.queryDefinitions = List<QueryDefinition>(std::move(page.items)),
                                          .nextToken = std::move(page.next_token)};
}

}  // namespace brume::logs
