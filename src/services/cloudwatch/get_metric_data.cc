// GetMetricData: metrics and maths over them, in pages of datapoints.
#include <algorithm>
#include <charconv>

#include "base/base64.h"
#include "services/cloudwatch/alarm_operations.h"
#include "services/cloudwatch/metric_label.h"
#include "services/cloudwatch/metric_queries.h"

namespace brume::cloudwatch {
namespace {

constexpr std::size_t kMostQueries = 500;
constexpr std::int64_t kMostDatapoints = 100'800;

// Where a page begins: a result, and the time of its first datapoint there.
struct Place {
  std::size_t result = 0;
  std::optional<Timestamp> time;
};

std::string token_of(const Place& place) {
  return base64_encode(fmt::format("d:{}:{}", place.result, place.time->time_since_epoch().count()));
}

Result<Place> read_token(const std::string& token) {
  const auto bad = [&] { return fail("InvalidNextToken", "The token '{}' is invalid", token); };
  const auto text = base64_decode(token);
  if (!text || !text->starts_with("d:")) return bad();
  const char* const end = text->data() + text->size();
  Place place;
  const auto result = std::from_chars(text->data() + 2, end, place.result);
  if (result.ec != std::errc{} || result.ptr == end || *result.ptr != ':') return bad();
  std::int64_t time = 0;
  const auto rest = std::from_chars(result.ptr + 1, end, time);
  if (rest.ec != std::errc{} || rest.ptr != end) return bad();
  place.time = Timestamp(std::chrono::milliseconds(time));
  return place;
}

Result<void> check_request(const GetMetricDataInput& request) {
  if (request.MetricDataQueries.empty())
    return fail("ValidationError", "The parameter MetricDataQueries must have at least one query");
  if (request.MetricDataQueries.size() > kMostQueries)
    return fail("ValidationError", "The collection MetricDataQueries must not have a size greater than {}.",
                kMostQueries);
  if (*request.StartTime >= *request.EndTime)
    return fail("ValidationError", "The parameter StartTime must be less than the parameter EndTime.");
  if (request.MaxDatapoints && (*request.MaxDatapoints < 1 || *request.MaxDatapoints > kMostDatapoints))
    return fail("ValidationError", "The value {} for parameter MaxDatapoints must be from 1 to {}",
                *request.MaxDatapoints, kMostDatapoints);
  return {};
}

}  // namespace

Result<GetMetricDataOutput> AlarmOperations::GetMetricData(const Call&, const GetMetricDataInput& request) {
  BRUME_CHECK(check_request(request));
  BRUME_TRY(queries, read_queries(request.MetricDataQueries, "MetricDataQueries"));
  std::chrono::minutes timezone{};
  if (request.LabelOptions && request.LabelOptions->Timezone) {
    BRUME_TRY(read, read_timezone(*request.LabelOptions->Timezone));
    timezone = read;
  }
  Place begin;
  if (request.NextToken && !request.NextToken->empty()) {
    BRUME_TRY(read, read_token(*request.NextToken));
    begin = read;
  }
  QueryEvaluation evaluation(queries, reader_, *request.StartTime, *request.EndTime);
  const bool ascending = request.ScanBy == "TimestampAscending";
  auto left = std::size_t(request.MaxDatapoints.value_or(kMostDatapoints));
  std::size_t number = 0;
  GetMetricDataOutput out;
  out.MetricDataResults.set_present();
  out.Messages.set_present();

  const auto add = [&](const MetricQuery& query, const expression::Series& series, bool several) -> Result<void> {
    const Place place{.result = number++, .time = {}};
    if (place.result < begin.result || out.NextToken) return {};
    std::vector<expression::Point> points = series.points;
    if (!ascending) std::ranges::reverse(points);
    if (place.result == begin.result && begin.time)
      std::erase_if(points, [&](const expression::Point& point) {
        return ascending ? point.first < *begin.time : point.first > *begin.time;
      });
    if (left == 0 && !points.empty()) {
      out.NextToken = token_of({place.result, points.front().first});
      return {};
    }
    MetricDataResult& result = out.MetricDataResults.emplace_back();
    result.Id = query.id;
    BRUME_TRY(label, label_of(query, series, several, timezone));
    result.Label = std::move(label);
    result.StatusCode = "Complete";
    result.Timestamps.set_present();
    result.Values.set_present();
    for (const auto& [time, value] : points) {
      if (left == 0) {
        result.StatusCode = "PartialData";
        out.NextToken = token_of({place.result, time});
        break;
      }
      result.Timestamps.push_back(time);
      result.Values.push_back(value);
      --left;
    }
    return {};
  };

  for (const MetricQuery& query : queries) {
    // What is not returned is evaluated too: its errors are told.
    BRUME_TRY(value, evaluation.result(query, query.return_data));
    if (!query.return_data) continue;
    if (const auto* series = std::get_if<expression::Series>(&value)) {
      BRUME_CHECK(add(query, *series, false));
      continue;
    }
    for (const expression::Series& series : std::get<expression::Array>(value)) BRUME_CHECK(add(query, series, true));
  }
  if (evaluation.cut()) {
    MessageData& message = out.Messages.emplace_back();
    message.Code = "MaxMetricsExceeded";
    message.Value =
        fmt::format("A search found more than {} metrics; the others are left out", expression::kMostSeries);
  }
  return out;
}

}  // namespace brume::cloudwatch
