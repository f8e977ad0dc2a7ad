// Filter patterns of any bytes on messages of any bytes: never a crash, and what they say of messages holds together.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "services/logs/pattern/filter_pattern.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace brume::logs;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t border = input.find('\n');  // between pattern and message
  const std::string_view message = border == std::string_view::npos ? input : input.substr(border + 1);
  for (const std::string_view text :
       {input.substr(0, border), std::string_view("{ $.a.b[0] = \"x*\" || $.* > 1 || $.c NOT EXISTS }")}) {
    const auto pattern = FilterPattern::parse(text);
    if (!pattern) continue;
    const bool matches = pattern->matches(message);
    if (matches && message.find(pattern->needle()) == std::string_view::npos) std::abort();
    if (pattern->extract(message).has_value() != matches) std::abort();
    for (const char* selector : {"$.a", "$.a.b[0]", "$1", "$a"})
      if (const auto read = pattern->selector(selector); read && matches) (void)pattern->value(*read, message);
  }
  return 0;
}
