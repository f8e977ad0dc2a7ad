// Whatever an image has as its configuration: it is read or refused, and what is read can be used.
#include <cstdint>

#include "compute/agent/line_rules.h"
#include "compute/agent/metrics_config.h"
#include "compute/agent/placeholders.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace brume::agent;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto config = read_config({{"a", text}, {"b", R"({"agent":{"region":"eu-west-1"}})"}});
  if (!config) return 0;
  std::vector<std::string> refused;
  if (config->has_metrics) read_metrics_config(*config, refused);
  for (const FileEntry& entry : config->files) {
    const auto rules = LineRules::compile(entry, refused);
    if (!rules) continue;
    rules->begins(text.substr(0, 200), {});
    destination(entry, "/var/log/x.log", {}, {});
  }
  return 0;
}
