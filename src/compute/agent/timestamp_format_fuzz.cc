// Any format on any line: what is found lies within the line.
#include <cstdint>
#include <cstdlib>

#include "compute/agent/timestamp_format.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace brume;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = text.find('\n');
  const auto format = agent::TimestampFormat::compile(text.substr(0, line), size % 2 == 0);
  if (!format || line == std::string_view::npos) return 0;
  const std::string_view rest = text.substr(line + 1);
  const auto found = format->find(rest, Timestamp(std::chrono::milliseconds(1'795'000'000'000)));
  if (found && (found->begin > found->end || found->end > rest.size())) std::abort();
  return 0;
}
