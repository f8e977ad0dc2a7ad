// Rules of composite alarms and bodies of dashboards, of any bytes: never a crash.
#include <cstdint>
#include <string_view>

#include "services/cloudwatch/alarm_rule.h"
#include "services/cloudwatch/dashboard_body.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace brume::cloudwatch;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto rule = parse_alarm_rule(text)) (void)holds(*rule, [](const std::string&) { return "OK"; });
  (void)check_dashboard_body(text);
  return 0;
}
