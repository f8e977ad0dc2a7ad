// Any form body: never a crash; what is accepted survives being written and read again.
#include "aws/fuzz_shapes.h"
#include "aws/http.h"
#include "aws/query.h"

using namespace brume;
using namespace brume::aws;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto form = parse_form({reinterpret_cast<const char*>(data), size});
  if (!form) return 0;
  for (const QueryDialect dialect : {QueryDialect::query, QueryDialect::ec2}) {
    fuzz::Tree tree, again;
    const Shape& shape = shape_of<fuzz::Tree>();
    if (!read_query(dialect, &shape, &tree, *form)) continue;
    const std::string written = write_query(dialect, "A", "V", &shape, &tree);
    fuzz::must(read_query(dialect, &shape, &again, *parse_form(written)).has_value());
    fuzz::must_be_equal(written, write_query(dialect, "A", "V", &shape, &again));
  }
  return 0;
}
