// Any JSON body: never a crash; what is accepted can be written and read again. (Not compared: Boost.JSON 1.81 may
// round a number of many digits differently from what wrote it.)
#include "aws/fuzz_shapes.h"
#include "aws/json_rpc.h"

using namespace brume;
using namespace brume::aws;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string body(reinterpret_cast<const char*>(data), size);
  (void)read_json_error({400, {}, body});
  const Shape& shape = shape_of<fuzz::Tree>();
  fuzz::Tree tree, again;
  if (!read_json(shape, &tree, body, kWireJson)) return 0;
  const std::string written = write_json(shape, &tree, kWireJson);
  fuzz::must(read_json(shape, &again, written, kWireJson).has_value());
  return 0;
}
