// Expressions and search terms of any bytes: never a crash, and what is read means the same when it is written out.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "services/cloudwatch/expression/search.h"
#include "services/cloudwatch/expression/syntax.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace brume::cloudwatch;
  if (size > 2048) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // Parentheses that format() adds may nest deeper than what parse() takes.
  if (const auto tree = expression::parse(text))
    if (const auto again = expression::parse(expression::format(*tree)))
      if (expression::format(*again) != expression::format(*tree)) std::abort();
  const MetricId metric{"AWS/EC2", "CPUUtilization", {{"InstanceId", "i-1"}}};
  if (const auto search = expression::parse_search(text)) (void)expression::matches(*search, metric);
  return 0;
}
