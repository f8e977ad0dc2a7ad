// Any bytes, in any pieces, as a request, a response and a body: no crash, no read outside, and the same verdict whether
// the input comes whole or byte by byte.
#include <cstdlib>
#include <string>

#include "lb/framing.h"
#include "lb/http1.h"

using namespace brume::lb;

namespace {

template <typename Parser>
HeadResult whole(Parser& parser, const std::string& text) {
  return parser.parse(text.data(), text.size());
}

template <typename Parser>
HeadResult bytewise(Parser& parser, const std::string& text) {
  for (std::size_t size = 1; size <= text.size(); ++size) {
    const std::string copy = text.substr(0, size);  // exact size, so that a read past it is seen
    if (const auto result = parser.parse(copy.data(), copy.size()); result != HeadResult::incomplete) return result;
  }
  return HeadResult::incomplete;
}

void body(BodyTracker tracker, std::string_view data) {
  while (!data.empty() && !tracker.done() && !tracker.failed()) {
    const std::size_t taken = tracker.take(data.substr(0, 7));
    if (taken == 0 && !tracker.failed()) std::abort();
    data.remove_prefix(taken);
    if (tracker.failed()) break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size > 4096) return 0;
  const std::string text(reinterpret_cast<const char*>(data), size);
  RequestParser request, request_again;
  const auto verdict = whole(request, text);
  if (!text.empty() && verdict != bytewise(request_again, text)) std::abort();
  if (verdict == HeadResult::complete) {
    const auto framing = request_framing(request.head(), text.data());
    if (framing.error == 0) body(BodyTracker(framing), std::string_view(text).substr(request.head().size));
  }
  ResponseParser response, response_again;
  const auto answer = whole(response, text);
  if (!text.empty() && answer != bytewise(response_again, text)) std::abort();
  if (answer == HeadResult::complete) {
    const auto framing = response_framing(response.head(), text.data(), false);
    if (framing.error == 0) body(BodyTracker(framing), std::string_view(text).substr(response.head().size));
  }
  return 0;
}
