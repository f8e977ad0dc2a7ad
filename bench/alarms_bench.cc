// What it costs to look at alarms: processor time of ten thousand for a minute of theirs, and the longest turn.
//
//   bench_alarms
//
// The controller on a simulated clock, with metrics that are there already: deciding, not reading, is measured. A tenth
// of the alarms watches maths over two metrics. No alarm changes its state. Prints the table itself.
#include <algorithm>

#include "env/sim.h"
#include "measure.h"
#include "services/cloudwatch/alarm_operations.h"
#include "store/memory_backend.h"

namespace brume::bench {
namespace {

using namespace cloudwatch;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// Every metric has the value 1 in every period.
class Ones : public MetricReader {
 public:
  [[nodiscard]] std::vector<MetricPoint> read(const MetricId&, const Statistic&, seconds period, Timestamp start,
                                              Timestamp end, const std::optional<std::string>&) const override {
    std::vector<MetricPoint> out;
    for (Timestamp time = start - start.time_since_epoch() % period; time < end; time += period)
      out.push_back({time, 1, ""});
    return out;
  }
  [[nodiscard]] std::vector<MetricId> list(const MetricFilter&, std::size_t,
                                           const std::optional<MetricId>&) const override {
    return {};
  }
};

PutMetricAlarmInput alarm(int number) {
  PutMetricAlarmInput input;
  input.AlarmName = fmt::format("alarm-{:05}", number);
  input.EvaluationPeriods = 3;
  input.Threshold = 80;
  input.ComparisonOperator = "GreaterThanThreshold";
  const Metric metric{"AWS/EC2", "CPUUtilization", {{"InstanceId", fmt::format("i-{:017}", number)}}};
  if (number % 10 == 0) {
    for (const char* id : {"m1", "m2"}) {
      MetricDataQuery& query = input.Metrics.emplace_back();
      query.Id = id;
      query.MetricStat = MetricStat{metric, 60, "Sum", {}};
      query.ReturnData = false;
    }
    MetricDataQuery& query = input.Metrics.emplace_back();
    query.Id = "e1";
    query.Expression = "100 * m1 / (m1 + m2)";
    return input;
  }
  input.Namespace = metric.Namespace;
  input.MetricName = metric.MetricName;
  input.Dimensions = metric.Dimensions;
  input.Statistic = "Average";
  input.Period = 60;
  return input;
}

void measure(int alarms) {
  env::SimEnv sim;
  store::MemoryBackend backend;
  store::Store store(backend);
  services::Hints hints(sim.loop);
  services::AlarmActions actions;
  const Ones ones;
  AlarmOperations operations({sim.env, store, hints, "eu-west-1"}, ones, actions);
  must(operations.load_alarms());
  operations.start_alarms();
  for (int i = 0; i < alarms; ++i) must(store.transact([&] { return operations.PutMetricAlarm({}, alarm(i)); }));
  sim.loop.run_for(minutes(3));
  constexpr int kMinutes = 10;
  const double before = own_cpu_ms();
  double longest = 0;
  for (int i = 0; i < kMinutes * 240; ++i) {
    const double turn = own_cpu_ms();
    sim.loop.run_for(milliseconds(250));
    longest = std::max(longest, own_cpu_ms() - turn);
  }
  const double minute = (own_cpu_ms() - before) / kMinutes;
  print_row({fmt::format("{}", alarms), fmt::format("{:.1f}", minute), fmt::format("{:.1f}", minute * 1000 / alarms),
             fmt::format("{:.2f} %", minute / 600), fmt::format("{:.1f}", longest)});
}

}  // namespace
}  // namespace brume::bench

int main() {
  using brume::bench::print_row;
  print_row({"alarms", "CPU ms a minute", "µs a look", "of a processor", "longest 250 ms, CPU ms"});
  print_row({"---", "---", "---", "---", "---"});
  for (const int alarms : {100, 1000, 10'000}) brume::bench::measure(alarms);
}
