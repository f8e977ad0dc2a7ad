#include "services/cloudwatch/action_suppression.h"

namespace brume::cloudwatch {

SuppressionStep step(const Suppression& now, std::string_view state, std::string_view suppressor, bool over) {
  SuppressionStep out{.next = now};
  const bool changed = state != now.announced;
  const bool suppressed = !suppressor.empty();
  const auto settle = [&](bool act) {
    out.next.phase.clear();
    out.wait = Wait::none;
    out.act = act;
    if (act) out.next.announced = state;
  };
  if (suppressor == "ALARM") {
    out.next.phase = "Alarm";
    out.wait = Wait::none;
  } else if (suppressed && now.phase == "Alarm") {
    out.next.phase = "ExtensionPeriod";
    out.wait = Wait::extension_period;
  } else if (suppressed && now.phase == "ExtensionPeriod") {
    if (over) settle(changed);
  } else if (suppressed && now.phase == "WaitPeriod") {
    if (over || !changed) settle(changed);
  } else if (suppressed && changed && state == "ALARM") {
    out.next.phase = "WaitPeriod";
    out.wait = Wait::wait_period;
  } else {
    settle(changed);
  }
  return out;
}

}  // namespace brume::cloudwatch
