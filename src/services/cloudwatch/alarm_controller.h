// Looks at each metric alarm once a minute, every ten seconds if its period is under a minute, and at composite alarms
// when what they watch changes.
//
// An alarm is looked at when a minute has just ended, for what Brume measures is there then, and a second time at its
// own place within the minute (by its name, so that ten thousand cost little at once), for what comes later. Where no
// period ended and no sample came since it was last looked at, that is all that it costs. Monotonic time says when
// to look and how long actions wait for a suppressor; wall time says which periods are looked at, but only those that
// were lived through (lived_time.h): a clock that jumps, a machine that sleeps and a daemon that is away change no
// state. All of it passes faster with the context's time scale.
// Leaves to others: the decision (alarm_evaluation.h, alarm_rule.h, action_suppression.h), what a state sets off
// (Alarms).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "services/cloudwatch/alarm_checks.h"
#include "services/cloudwatch/alarm_rule.h"
#include "services/cloudwatch/alarms.h"
#include "services/cloudwatch/lived_time.h"
#include "services/cloudwatch/metric_reader.h"

namespace brume::cloudwatch {

class AlarmController {
 public:
  AlarmController(services::Context context, const MetricReader& reader, Alarms& alarms);
  AlarmController(const AlarmController&) = delete;
  AlarmController& operator=(const AlarmController&) = delete;

  Result<void> load();
  void start();
  // An alarm was made, changed, removed or has another state.
  void changed(const std::string& alarm);

 private:
  // What an alarm's state followed from when it was last looked at: while that is the same, so is the state.
  struct Seen {
    Timestamp newest;                // period
    std::uint64_t changes = 0;       // MetricReader::changes() of its metrics, summed up
    bool repeats = false;            // its actions; not where there was no telling, or are none to repeat
    std::vector<double> datapoints;  // that counted
  };
  struct Watched {
    env::MonotonicTime due;
    bool high_resolution = false;
    env::MonotonicTime acted{};               // when the actions of its state last ran
    std::optional<AlarmSource> source;        // once it was needed; periods of its queries are scaled
    std::vector<MetricReader::Place> places;  // of the source's queries
    std::optional<Seen> seen;                 // what its state follows from
  };
  using Entry = std::map<std::string, Watched>::value_type;  // a watched alarm with its name
  struct Due {
    env::MonotonicTime time;
    Entry* alarm;
    bool operator<(const Due& other) const {
      return time != other.time ? time < other.time : alarm->first < other.alarm->first;
    }
  };
  struct Composite {
    std::string text;  // the rule's, that `rule` was read from
    AlarmRule rule;
    std::set<std::string> watched;    // with the suppressor
    std::optional<std::string> seen;  // the states when the rule was last evaluated
    env::Loop::TimerId timer = 0;     // of a suppression's period
    std::string timing, timed_out;    // the phase that the timer is for; the one that is over
  };

  void look_at_clocks();
  void keep_lived();
  void schedule(const std::string& alarm, const AlarmRecord& record);
  void set_timer();
  void run_due();
  [[nodiscard]] std::chrono::seconds interval(bool high_resolution) const;

  // The slots of the evaluation range, newest first. Errors: those of expressions.
  struct Looked {
    std::vector<Slot> slots;
    bool whole = true;
  };
  void evaluate(Entry& alarm);
  void repeat(Entry& alarm, const std::vector<double>& datapoints);
  // When an alarm is next looked at.
  [[nodiscard]] env::MonotonicTime next_look(const std::string& alarm, bool high_resolution) const;
  // What there is to see now of an alarm whose source is known. None: there is no telling without looking.
  [[nodiscard]] std::optional<Seen> to_see(Watched& watched) const;
  // The alarm's state stays: remembers why.
  void keep(Entry& alarm, std::optional<Seen> seen, bool decided, std::vector<double> datapoints);
  Result<Looked> look(const AlarmSource& source, std::size_t count) const;
  // Are there too few samples for the alarm's percentile?
  [[nodiscard]] bool lacks_samples(const MetricAlarm& alarm, const AlarmSource& source,
                                   const std::vector<Slot>& slots) const;

  void watch_composite(const std::string& alarm, const CompositeAlarm* composite);
  void look_soon(const std::string& composite);
  void look_composite(const std::string& composite);
  Result<void> evaluate_rule(const std::string& name, Composite& watched);
  void suppress(const std::string& name, Composite& watched);

  services::Context context_;
  const MetricReader& reader_;
  Alarms& alarms_;
  store::Table<LivedRecord> lived_rows_;
  LivedTime lived_;
  env::MonotonicTime kept_;  // when lived time was last written
  bool started_ = false;
  std::map<std::string, Watched> watched_;
  std::set<Due> due_;  // of watched_
  env::Loop::TimerId timer_ = 0;
  std::map<std::string, Composite> composites_;
  std::map<std::string, std::set<std::string>> watchers_;  // composite alarms by what they watch
  std::set<std::string> soon_;
};

}  // namespace brume::cloudwatch
