// The queries of GetMetricData and of alarms on maths: which metrics and expressions there are, and what each comes to.
//
// Read and checked first (ids, periods, statistics, expressions), then evaluated against a range of time; a query that
// others use is evaluated once. Refuses by name: Metrics Insights (SELECT …), other accounts.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cloudwatch/shapes.h"
#include "services/cloudwatch/expression/evaluate.h"
#include "services/cloudwatch/metric_reader.h"

namespace brume::cloudwatch {

struct MetricQuery {
  std::string id;
  std::optional<std::string> label;
  bool return_data = true;
  std::chrono::seconds period{};  // 0: not said, of an expression
  // A metric …
  MetricId metric;
  Statistic statistic;
  std::string statistic_name;
  std::optional<std::string> unit;
  // … or an expression.
  std::optional<expression::Node> expression;
};

// `parameter`: what the list is called in errors. Errors: ValidationError.
Result<std::vector<MetricQuery>> read_queries(const List<MetricDataQuery>& queries, std::string_view parameter);

// Errors: ValidationError for names that come twice.
Result<MetricId> read_metric(const std::string& metric_namespace, const std::string& name,
                             const List<Dimension>& dimensions);

// 1, 5, 10, 20, 30 or a multiple of 60. Error: ValidationError.
Result<void> check_period(std::int64_t period, std::string_view parameter);

class QueryEvaluation : public expression::Source {
 public:
  // All references must outlive this. Series begin at `start` rounded down to their period.
  QueryEvaluation(const std::vector<MetricQuery>& queries, const MetricReader& reader, Timestamp start, Timestamp end);

  // Errors: ValidationError "Error in expression 'e1': …" for expressions that do not fit, refer to themselves, or come
  // to a number (where that may not be: `series`).
  Result<expression::Value> result(const MetricQuery& query, bool series = true);

  // Did a search find more metrics than it may give?
  [[nodiscard]] bool cut() const { return cut_; }

  Result<expression::Value> query(const std::string& id) override;
  Result<expression::Array> metrics(const std::string& contained) override;
  Result<expression::Array> search(const expression::Search& search, const std::string& statistic,
                                   std::optional<std::chrono::seconds> period) override;

 private:
  Result<expression::Value> value(const MetricQuery& query);
  Result<expression::Series> read(const MetricId& metric, const Statistic& statistic, std::chrono::seconds period,
                                  const std::optional<std::string>& unit);
  // Of an expression: its own, or the longest of the metrics that it uses.
  [[nodiscard]] std::chrono::seconds period_of(const MetricQuery& query, int depth = 0) const;
  [[nodiscard]] const MetricQuery* find(const std::string& id) const;

  const std::vector<MetricQuery>& queries_;
  const MetricReader& reader_;
  Timestamp start_, end_;
  std::map<std::string, std::optional<expression::Value>> values_;  // none: being evaluated
  std::chrono::seconds searching_{300};                             // the period of the expression that is evaluated
  std::size_t points_ = 0;                                          // read so far
  int depth_ = 0;
  bool cut_ = false;
};

}  // namespace brume::cloudwatch
