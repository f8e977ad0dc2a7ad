// Any answer body, as a client reads it: never a crash; what is accepted survives being written and read again.
#include "aws/fuzz_shapes.h"
#include "aws/xml.h"

using namespace brume;
using namespace brume::aws;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  (void)read_xml_error(400, body);
  const ServiceModel service{.id = "fuzz", .xml_namespace = "https://example.com/"};
  const Operation operation{
      .name = "Do", .output = &reflect::Describe<fuzz::Tree>::shape, .result_wrapper = "DoResult"};
  for (const QueryDialect dialect : {QueryDialect::query, QueryDialect::ec2}) {
    fuzz::Tree tree, again;
    if (!read_xml_answer(dialect, operation, &tree, body)) continue;
    const std::string written = write_xml_answer(dialect, service, operation, &tree, "id");
    fuzz::must(read_xml_answer(dialect, operation, &again, written).has_value());
    fuzz::must_be_equal(written, write_xml_answer(dialect, service, operation, &again, "id"));
  }
  return 0;
}
