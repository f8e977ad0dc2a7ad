// Any Authorization header and any target: never a crash, and never accepted.
#include "aws/fuzz_shapes.h"
#include "aws/sigv4.h"

using namespace brume;
using namespace brume::aws;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Credentials keys{.access_key = "AKIDEXAMPLE", .secret_key = "not to be guessed"};
  const Timestamp now = *parse_basic_iso8601("20150830T123600Z");
  const HttpRequest header{.target = "/",
                           .headers = {{"Host", "h"},
                                       {"X-Amz-Date", "20150830T123600Z"},
                                       {"Authorization", "AWS4-HMAC-SHA256 " + std::string(text)}}};
  const HttpRequest query{
      .method = "GET", .target = "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&" + std::string(text), .headers = {{"Host", "h"}}};
  for (const HttpRequest& request : {header, query})
    if (const auto authorization = parse_authorization(request))
      fuzz::must(!verify_signature(request, *authorization, keys, now));
  return 0;
}
