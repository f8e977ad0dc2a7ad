// Whatever the network sends: a response is read the same whether it comes at once or byte by byte, within its bounds.
#include <cstdint>
#include <cstdlib>

#include "compute/init/http_message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace brume::init;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Response whole;
  const Reading reading = read_response(bytes, true, whole);
  if (whole.body.size() > kMaxResponse) std::abort();
  for (std::size_t n = 0; n < size && size < 512; ++n) {
    Response early;
    // Done before the end means that what follows does not matter.
    if (read_response(bytes.substr(0, n), false, early) == Reading::done &&
        (reading != Reading::done || early.body != whole.body || early.status != whole.status))
      std::abort();
  }
  return 0;
}
