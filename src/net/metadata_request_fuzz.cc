// Any bytes as a request: parsed or refused, and answered either way.
#include <cstdint>

#include "env/sim.h"
#include "net/metadata_service.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace brume;
  static env::SimEnv env;
  static const net::MetadataTokens tokens(std::string(32, 'k'), env.clock, env.random);
  static const std::optional<net::InstanceMetadata> instance = [] {
    net::InstanceMetadata metadata;
    metadata.interfaces.emplace_back().mac = "02:00:00:00:00:07";
    metadata.options.tokens_required = false;
    return metadata;
  }();
  const auto request = net::parse_metadata_request({reinterpret_cast<const char*>(data), size});
  if (!request) return 0;
  if (!request->path.starts_with('/')) __builtin_trap();
  const auto response = net::answer_metadata(*request, instance, tokens);
  if (net::to_http(response, env.clock.wall()).empty()) __builtin_trap();
  return 0;
}
