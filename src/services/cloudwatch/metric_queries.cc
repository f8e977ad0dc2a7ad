#include "services/cloudwatch/metric_queries.h"

#include <algorithm>
#include <cctype>

#include "services/cloudwatch/statistic.h"

namespace brume::cloudwatch {
namespace {

using expression::Array;
using expression::Node;
using expression::Series;
using expression::Value;
using std::chrono::seconds;

constexpr seconds kDefaultPeriod{300};
constexpr std::size_t kListed = 1000;  // metrics looked at at once by a search
constexpr std::size_t kMostPoints = 2'000'000;
constexpr int kDeepestChain = 10;  // of queries that use each other

bool is_id(const std::string& id) {
  return !id.empty() && std::islower(static_cast<unsigned char>(id[0])) != 0 &&
         std::ranges::all_of(id, [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

bool is_select(const std::string& expression) {
  const std::size_t begin = std::min(expression.find_first_not_of(" \t\r\n"), expression.size());
  std::string word = expression.substr(begin, 6);
  std::ranges::transform(word, word.begin(), [](unsigned char c) { return char(std::toupper(c)); });
  return word == "SELECT";
}

Result<MetricQuery> read_query(const MetricDataQuery& given, std::string_view parameter) {
  MetricQuery out;
  out.id = *given.Id;
  if (!is_id(out.id))
    return fail("ValidationError",
                "The value {} for parameter {}.Id must begin with a small letter and hold letters, digits and _ only",
                out.id, parameter);
  if (given.MetricStat.has_value() == given.Expression.has_value())
    return fail("ValidationError", "The query {} of {} must have either MetricStat or Expression", out.id, parameter);
  if (given.AccountId && *given.AccountId != "000000000000")
    return fail("ValidationError", "Brume has the account 000000000000 only; AccountId is {}", *given.AccountId);
  out.label = given.Label;
  out.return_data = given.ReturnData.value_or(true);
  if (given.Period) {
    if (given.MetricStat)
      return fail("ValidationError", "The query {} of {} has a Period; a metric's is in MetricStat", out.id, parameter);
    BRUME_CHECK(check_period(*given.Period, fmt::format("{}.Period", parameter)));
    out.period = seconds(*given.Period);
  }
  if (given.Expression) {
    if (is_select(*given.Expression))
      return fail("ValidationError", "Brume does not have Metrics Insights; Expression of {} is a SELECT query",
                  out.id);
    auto read = expression::parse(*given.Expression);
    if (!read) return fail("ValidationError", "Error in expression '{}': {}", out.id, read.error().message);
    out.expression = *std::move(read);
    return out;
  }
  const MetricStat& stat = *given.MetricStat;
  BRUME_CHECK(check_period(*stat.Period, fmt::format("{}.MetricStat.Period", parameter)));
  out.period = seconds(*stat.Period);
  out.statistic_name = *stat.Stat;
  const auto statistic = parse_statistic(*stat.Stat);
  if (!statistic)
    return fail("ValidationError", "The value {} for parameter {}.MetricStat.Stat is not a statistic", *stat.Stat,
                parameter);
  out.statistic = *statistic;
  out.unit = stat.Unit;
  BRUME_TRY(metric, read_metric(stat.Metric->Namespace.value_or(""), stat.Metric->MetricName.value_or(""),
                                stat.Metric->Dimensions));
  out.metric = std::move(metric);
  if (out.metric.metric_namespace.empty() || out.metric.name.empty())
    return fail("ValidationError", "The metric of the query {} needs a Namespace and a MetricName", out.id);
  return out;
}

}  // namespace

Result<MetricId> read_metric(const std::string& metric_namespace, const std::string& name,
                             const List<Dimension>& dimensions) {
  MetricId out{metric_namespace, name, {}};
  for (const Dimension& dimension : dimensions) out.dimensions.emplace_back(*dimension.Name, *dimension.Value);
  std::ranges::sort(out.dimensions);
  for (std::size_t i = 1; i < out.dimensions.size(); ++i)
    if (out.dimensions[i].first == out.dimensions[i - 1].first)
      return fail("ValidationError", "The dimension {} is given twice", out.dimensions[i].first);
  return out;
}

Result<void> check_period(std::int64_t period, std::string_view parameter) {
  for (const std::int64_t high : {1, 5, 10, 20, 30})
    if (period == high) return {};
  if (period >= 60 && period % 60 == 0) return {};
  return fail("ValidationError", "The value {} for parameter {} must be 1, 5, 10, 20, 30 or a multiple of 60", period,
              parameter);
}

Result<std::vector<MetricQuery>> read_queries(const List<MetricDataQuery>& queries, std::string_view parameter) {
  std::vector<MetricQuery> out;
  std::map<std::string, bool> ids;
  for (const MetricDataQuery& given : queries) {
    BRUME_TRY(query, read_query(given, parameter));
    if (!ids.emplace(query.id, true).second)
      return fail("ValidationError", "The values for parameter Id in {} are not unique: {}", parameter, query.id);
    out.push_back(std::move(query));
  }
  for (const MetricQuery& query : out) {
    if (!query.expression) continue;
    std::string unknown;
    expression::each_node(*query.expression, [&](const Node& node) {
      if (node.kind == Node::Kind::id && !ids.contains(node.text)) unknown = node.text;
    });
    if (!unknown.empty())
      return fail("ValidationError", "Error in expression '{}': there is no query with the id {}", query.id, unknown);
  }
  return out;
}

QueryEvaluation::QueryEvaluation(const std::vector<MetricQuery>& queries, const MetricReader& reader, Timestamp start,
                                 Timestamp end)
    : queries_(queries), reader_(reader), start_(start), end_(end) {}

const MetricQuery* QueryEvaluation::find(const std::string& id) const {
  const auto found = std::ranges::find(queries_, id, &MetricQuery::id);
  return found == queries_.end() ? nullptr : &*found;
}

Result<Series> QueryEvaluation::read(const MetricId& metric, const Statistic& statistic, seconds period,
                                     const std::optional<std::string>& unit) {
  Series out{.label = metric.name, .period = period, .points = {}};
  for (const auto& point : reader_.read(metric, statistic, period, start_, end_, unit))
    out.points.emplace_back(point.time, point.value);
  points_ += out.points.size();
  if (points_ > kMostPoints) return fail("ValidationError", "the queries need more than {} datapoints", kMostPoints);
  return out;
}

seconds QueryEvaluation::period_of(const MetricQuery& query, int depth) const {
  if (query.period.count() > 0 || depth > 8) return query.period;
  seconds longest{};
  expression::each_node(*query.expression, [&](const Node& node) {
    if (node.kind == Node::Kind::id)
      if (const MetricQuery* used = find(node.text)) longest = std::max(longest, period_of(*used, depth + 1));
    if (node.kind == Node::Kind::call && node.text == "METRICS")
      for (const MetricQuery& other : queries_)
        if (!other.expression) longest = std::max(longest, other.period);
  });
  return longest.count() > 0 ? longest : depth > 0 ? seconds{} : kDefaultPeriod;
}

Result<Value> QueryEvaluation::value(const MetricQuery& query) {
  const auto [known, added] = values_.try_emplace(query.id);
  if (!added) {
    if (known->second) return *known->second;
    return fail("ValidationError", "the query {} refers to itself", query.id);
  }
  if (!query.expression) {
    BRUME_TRY(series, read(query.metric, query.statistic, query.period, query.unit));
    known->second = Value(std::move(series));
    return *known->second;
  }
  if (depth_ == kDeepestChain)
    return fail("ValidationError", "expressions use each other more than {} deep", kDeepestChain);
  ++depth_;
  const seconds outer = std::exchange(searching_, period_of(query));
  auto evaluated = expression::evaluate(*query.expression, *this, {start_, end_, searching_});
  searching_ = outer;
  --depth_;
  if (!evaluated) return evaluated;
  const auto kept = values_.find(query.id);
  kept->second = *std::move(evaluated);
  return *kept->second;
}

Result<Value> QueryEvaluation::result(const MetricQuery& query, bool series) {
  auto out = value(query);
  if (!out) return fail(out.error().code, "Error in expression '{}': {}", query.id, out.error().message);
  if (series && std::holds_alternative<double>(*out))
    return fail("ValidationError",
                "Error in expression '{}': it comes to a number; the result must be a time series or an array of them",
                query.id);
  return out;
}

Result<Value> QueryEvaluation::query(const std::string& id) {
  const MetricQuery* found = find(id);
  if (!found) return fail("ValidationError", "there is no query with the id {}", id);
  return value(*found);
}

Result<Array> QueryEvaluation::metrics(const std::string& contained) {
  Array out;
  for (const MetricQuery& query : queries_) {
    if (query.expression || query.id.find(contained) == std::string::npos) continue;
    BRUME_TRY(series, value(query));
    out.push_back(std::get<Series>(std::move(series)));
    if (query.label) out.back().label = *query.label;
  }
  return out;
}

Result<Array> QueryEvaluation::search(const expression::Search& search, const std::string& statistic_name,
                                      std::optional<seconds> period) {
  const auto statistic = parse_statistic(statistic_name);
  if (!statistic) return fail("ValidationError", "'{}' of SEARCH() is not a statistic", statistic_name);
  if (period) BRUME_CHECK(check_period(period->count(), "SEARCH()"));
  MetricFilter filter{.metric_namespace = search.metric_namespace, .active_since = start_};
  for (const std::string& name : search.dimensions) filter.dimensions.emplace_back(name, std::nullopt);
  filter.exact_dimensions = !search.dimensions.empty();
  Array out;
  std::optional<MetricId> last;
  for (;;) {
    const std::vector<MetricId> listed = reader_.list(filter, kListed, last);
    for (const MetricId& metric : listed) {
      if (!expression::matches(search, metric)) continue;
      if (out.size() == expression::kMostSeries) {
        cut_ = true;
        return out;
      }
      BRUME_TRY(series, read(metric, *statistic, period.value_or(searching_), std::nullopt));
      out.push_back(std::move(series));
    }
    if (listed.size() < kListed) return out;
    last = listed.back();
  }
}

}  // namespace brume::cloudwatch
