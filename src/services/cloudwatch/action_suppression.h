// When a composite alarm's actions wait for its suppressor ("Alarm suppression", CloudWatch user guide).
//
// Pure. While the suppressor is in ALARM no actions run. When the composite alarm comes to ALARM they wait for the
// suppressor to come too; when the suppressor leaves ALARM they wait for the extension period. After a wait the actions
// of the state that the alarm has then run, unless they were the last to run.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace brume::cloudwatch {

struct Suppression {
  std::string phase;      // "", WaitPeriod, ExtensionPeriod, Alarm: AWS's ActionsSuppressedBy
  std::string announced;  // the state whose actions ran last
};

enum class Wait : std::uint8_t { keep, none, wait_period, extension_period };

struct SuppressionStep {
  Suppression next;
  bool act = false;        // the actions of the present state run
  Wait wait = Wait::keep;  // which period begins
};

// `suppressor`: the state of the suppressor; "" without one. `over`: the period that was begun has passed.
SuppressionStep step(const Suppression& now, std::string_view state, std::string_view suppressor, bool over);

}  // namespace brume::cloudwatch
