// Any request that is signed properly, in any protocol: never a crash, always an answer. The first byte chooses the
// protocol, the first line is the target, the rest the body.
#include "aws/dispatcher.h"
#include "aws/fuzz_shapes.h"
#include "env/sim.h"
#include "store/memory_backend.h"

using namespace brume;
using namespace brume::aws;

namespace {

Result<void> echo(void*, const Call&, const void* input, void* output) {
  *static_cast<fuzz::Tree*>(output) = *static_cast<const fuzz::Tree*>(input);
  return {};
}
std::shared_ptr<void> make() {
  return std::make_shared<fuzz::Tree>();
}

constexpr Operation kOperations[] = {{.name = "Do",
                                      .uri = "/do/x",
                                      .input = &reflect::Describe<fuzz::Tree>::shape,
                                      .output = &reflect::Describe<fuzz::Tree>::shape,
                                      .result_wrapper = "DoResult",
                                      .make_input = &make,
                                      .make_output = &make,
                                      .invoke = &echo}};
constexpr Route kRoutes[] = {{"Do", "POST", "/do/{x+}"}, {"Else", "POST", "/do/x"}};
constexpr const char* kKnown[] = {"Do", "Else"};
constexpr Protocol kAll[] = {Protocol::query, Protocol::json, Protocol::rest_json, Protocol::rpc_v2_cbor};
constexpr Protocol kEc2[] = {Protocol::ec2};
constexpr ServiceModel kService{.id = "s",
                                .signing_name = "s",
                                .api_version = "V",
                                .xml_namespace = nullptr,
                                .target_prefix = "T",
                                .json_version = "1.0",
                                .protocols = kAll,
                                .operations = kOperations,
                                .known = kKnown,
                                .errors = {},
                                .routes = kRoutes};
constexpr ServiceModel kEc2Service{.id = "ec2",
                                   .signing_name = "ec2",
                                   .api_version = "V",
                                   .xml_namespace = nullptr,
                                   .target_prefix = nullptr,
                                   .json_version = nullptr,
                                   .protocols = kEc2,
                                   .operations = kOperations,
                                   .known = kKnown,
                                   .errors = {}};
const Credentials kKeys{.access_key = "A", .secret_key = "S"};

struct World {
  env::SimEnv env;
  store::MemoryBackend backend;
  store::Store store{backend};
  Dispatcher dispatcher{env.env, store, [](std::string_view) { return std::optional(kKeys); }};
  World() {
    dispatcher.add(kService, [](const std::string&) -> Result<void*> { return nullptr; });
    dispatcher.add(kEc2Service, [](const std::string&) -> Result<void*> { return nullptr; });
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static World world;
  if (size == 0) return 0;
  const Headers kinds[] = {{{"Content-Type", "application/x-www-form-urlencoded"}},
                           {{"X-Amz-Target", "T.Do"}},
                           {{"smithy-protocol", "rpc-v2-cbor"}},
                           {{"Content-Type", "application/json"}},
                           {{"Content-Type", "application/x-www-form-urlencoded"}, {"Content-Encoding", "gzip"}},
                           {}};
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto end = std::min(text.find('\n'), text.size());
  HttpRequest request{.target = "/" + std::string(text.substr(0, end)),
                      .headers = kinds[data[0] % 6],
                      .body = std::string(text.substr(std::min(end + 1, text.size())))};
  if (data[0] % 6 == 0) request.body += "&Action=Do";
  request.headers.emplace_back("Host", "h");
  sign_request(request, kKeys, "r", data[0] & 64 ? "ec2" : "s", world.env.clock.wall());
  if (data[0] & 128) request.headers.pop_back();
  fuzz::must(world.dispatcher.handle(request).status >= 200);
  return 0;
}
