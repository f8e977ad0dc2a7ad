// Any target, header and body (a line each): never a crash.
#include "aws/fuzz_shapes.h"
#include "aws/rest_json.h"

using namespace brume;
using namespace brume::aws;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto line = [&] {
    const auto end = std::min(rest.find('\n'), rest.size());
    std::string text(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return text;
  };
  const Operation operation{.name = "Do",
                            .uri = "/things/{Id}/parts/{Rest+}?kind=x",
                            .input = &reflect::Describe<fuzz::Request>::shape,
                            .output = &reflect::Describe<fuzz::Request>::shape};
  HttpRequest request{.target = "/things/" + line()};
  const std::string header = line();
  request.headers = {{"Names", header}, {header.substr(0, header.find(':')), header}};
  request.body = rest;
  fuzz::Request read;
  if (read_rest_request(operation, request, &read)) (void)write_rest_request(operation, &read);
  fuzz::Request answer;
  (void)read_rest_answer(operation, {200, request.headers, request.body}, &answer);
  (void)write_rest_answer(operation, &answer);
  return 0;
}
