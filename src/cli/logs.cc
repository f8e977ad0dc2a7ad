#include "cli/logs.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <thread>

#include "cli/command.h"
#include "cli/logs_text.h"
#include "cli/stack_progress.h"

namespace brume::cli {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMostGroups = 50;  // of a query

Timestamp now() {
  return std::chrono::floor<milliseconds>(std::chrono::system_clock::now());
}

std::int64_t ms(Timestamp time) {
  return time.time_since_epoch().count();
}

// The group of this name, else those of the stack of this name.
Result<std::vector<std::string>> groups_of(Session& session, const std::string& source) {
  logs::DescribeLogGroupsRequest request{.logGroupNamePrefix = source};
  BRUME_TRY(found, session.logs.DescribeLogGroups(session.call, request));
  for (const logs::LogGroup& group : found.logGroups)
    if (group.logGroupName == source) return std::vector{source};
  const auto of_stack = resources_of(session, source, "AWS::Logs::LogGroup");
  if (!of_stack || of_stack->empty())
    return fail("ValidationError", "There is no log group '{}', and no stack of that name with one", source);
  return *of_stack;
}

Result<std::vector<std::string>> all_groups(Session& session) {
  std::vector<std::string> names;
  logs::DescribeLogGroupsRequest request;
  do {
    BRUME_TRY(page, session.logs.DescribeLogGroups(session.call, request));
    for (const logs::LogGroup& group : page.logGroups) names.push_back(*group.logGroupName);
    request.nextToken = page.nextToken;
  } while (request.nextToken);
  return names;
}

// One group, read on and on. Events may come late, as agents send them in batches: so each look begins a while before
// the newest event, and what was shown is remembered for that long.
class Reader {
 public:
  Reader(Session& session, std::string group, const LogsOptions& options, Timestamp since)
      : session_(session), group_(std::move(group)), pattern_(options.pattern), from_(ms(since)), start_(from_) {}

  // Hands over what has come, in the order of time.
  template <typename Take>
  Result<void> read(Take take) {
    logs::FilterLogEventsRequest request{.logGroupName = group_, .startTime = from_};
    if (!pattern_.empty()) request.filterPattern = pattern_;
    do {
      BRUME_TRY(page, session_.logs.FilterLogEvents(session_.call, request));
      for (logs::FilteredLogEvent& event : page.events) {
        newest_ = std::max(newest_, *event.timestamp);
        if (shown_.emplace(*event.timestamp, *event.eventId).second) take(std::move(event));
      }
      request.nextToken = page.nextToken;
    } while (request.nextToken);
    from_ = std::max(start_, newest_ - kLate.count());
    shown_.erase(shown_.begin(), shown_.lower_bound({from_, ""}));
    return {};
  }
  [[nodiscard]] const std::string& group() const { return group_; }

 private:
  static constexpr milliseconds kLate = std::chrono::seconds(30);

  Session& session_;
  std::string group_, pattern_;
  std::int64_t from_, start_, newest_ = 0;
  std::set<std::pair<std::int64_t, std::string>> shown_;
};

Result<void> show(Session& session, const LogsOptions& options) {
  BRUME_TRY(since, parse_since(options.since, now()));
  BRUME_TRY(groups, groups_of(session, options.source));
  std::vector<Reader> readers;
  for (const std::string& group : groups) readers.emplace_back(session, group, options, since);
  const bool coloured = ::isatty(STDOUT_FILENO) != 0;
  while (true) {
    if (readers.size() == 1) {  // as it comes: it may be much
      BRUME_CHECK(readers.front().read([&](logs::FilteredLogEvent event) {
        std::fputs(line_of({"", std::move(event)}, coloured).c_str(), stdout);
      }));
    } else {
      std::vector<ShownEvent> fresh;
      for (Reader& reader : readers)
        BRUME_CHECK(
            reader.read([&](logs::FilteredLogEvent event) { fresh.push_back({reader.group(), std::move(event)}); }));
      std::ranges::stable_sort(fresh, {}, [](const ShownEvent& shown) { return *shown.event.timestamp; });
      for (const ShownEvent& shown : fresh) std::fputs(line_of(shown, coloured).c_str(), stdout);
    }
    if (std::fflush(stdout) != 0 || !options.follow) return {};
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

Result<void> query(Session& session, const LogsQueryOptions& options) {
  const Timestamp end = now();
  BRUME_TRY(since, parse_since(options.since, end));
  std::vector<std::string> groups;
  for (const std::string& source : options.sources) {
    BRUME_TRY(found, groups_of(session, source));
    groups.insert(groups.end(), found.begin(), found.end());
  }
  if (options.sources.empty()) {
    BRUME_TRY(all, all_groups(session));
    groups = all;
  }
  if (groups.empty()) return fail("ValidationError", "There are no log groups yet");
  if (groups.size() > kMostGroups)
    return fail("ValidationError", "A query is of at most {} log groups, and there are {}: name some", kMostGroups,
                groups.size());
  logs::StartQueryRequest request{
      .logGroupNames = groups, .startTime = ms(since), .endTime = ms(end), .queryString = options.query};
  BRUME_TRY(started, session.logs.StartQuery(session.call, request));
  logs::GetQueryResultsResponse answer;
  for (milliseconds pause(10);; pause = std::min(2 * pause, milliseconds(500))) {
    BRUME_TRY(so_far, session.logs.GetQueryResults(session.call, {.queryId = started.queryId}));
    answer = so_far;
    if (answer.status != "Scheduled" && answer.status != "Running") break;
    std::this_thread::sleep_for(pause);
  }
  if (answer.status != "Complete")
    return fail("QueryFailed", "The query ended as {}; the daemon's log says why", answer.status.value_or("?"));
  std::vector<std::vector<logs::ResultField>> rows(answer.results.begin(), answer.results.end());
  winsize size{};
  if (::isatty(STDOUT_FILENO) == 0 || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) size.ws_col = 0;
  std::fputs(table_of(rows, size.ws_col).c_str(), stdout);
  const logs::QueryStatistics& statistics = *answer.statistics;
  std::fprintf(stderr, "%zu rows; %.0f events of %.1f MB looked at, %.0f matched\n", rows.size(),
               *statistics.recordsScanned, *statistics.bytesScanned / 1e6, *statistics.recordsMatched);
  return {};
}

int with_session(const daemon::Settings& settings, const auto& run) {
  const auto session = open_caller_session(settings);
  if (!session) return report(session.error());
  if (const auto done = run(**session); !done) return report(done.error());
  return 0;
}

}  // namespace

int logs(const daemon::Settings& settings, const LogsOptions& options) {
  return with_session(settings, [&](Session& session) { return show(session, options); });
}

int logs_query(const daemon::Settings& settings, const LogsQueryOptions& options) {
  return with_session(settings, [&](Session& session) { return query(session, options); });
}

}  // namespace brume::cli
