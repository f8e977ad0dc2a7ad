// Any CBOR body: never a crash; what is accepted survives being written and read again.
#include "aws/cbor.h"
#include "aws/fuzz_shapes.h"

using namespace brume;
using namespace brume::aws;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  (void)read_cbor_error(body);
  const Shape& shape = shape_of<fuzz::Tree>();
  fuzz::Tree tree, again;
  if (!read_cbor(shape, &tree, body)) return 0;
  const std::string written = write_cbor(shape, &tree);
  fuzz::must(read_cbor(shape, &again, written).has_value());
  fuzz::must_be_equal(written, write_cbor(shape, &again));
  return 0;
}
