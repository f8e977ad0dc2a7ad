// Any bytes in any encoding, cut into batches: each goes on where the one before ended, nothing is out of the limits,
// and what is made again is the same.
#include <cstdint>
#include <cstdlib>

#include "compute/agent/cut.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace brume;
  using namespace brume::agent;
  if (size < 2) return 0;
  static constexpr const char* kEncodings[] = {"",       "utf-16le",    "utf-16be", "latin1", "shift_jis",
                                               "euc-jp", "iso-2022-jp", "big5",     "euc-kr", "gb18030"};
  FileEntry entry;
  entry.encoding = kEncodings[data[0] % 10];
  if (data[1] % 2) entry.timestamp_format = "%Y-%m-%d %H:%M:%S";
  std::vector<std::string> refused;
  const auto rules = LineRules::compile(entry, refused);
  const std::string bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  // Any beginning of any bytes can be cut off, and no bytes are decoded to more than a batch takes.
  std::string decoded;
  rules->encoding().decode(bytes, decoded);
  if (decoded.size() > 3 * bytes.size()) std::abort();
  for (std::size_t limit = 4; limit < bytes.size(); limit += 7)
    if (const std::size_t part = rules->encoding().cut(bytes, limit); part == 0 || part > limit) std::abort();
  const auto read = [&](std::int64_t offset, std::size_t, std::string& out) {
    const std::string part = bytes.substr(std::size_t(offset), 1 + std::size_t(data[1] % 7));
    out += part;
    return std::int64_t(part.size());
  };
  CutRequest request{.from = 0, .end = std::int64_t(bytes.size()), .end_last = true, .final = true};
  while (request.from < request.end) {
    auto one = cut(*rules, request, read);
    auto again = cut(*rules, request, read);
    if (!one || !again || one->to <= request.from || one->to > request.end || one->to != again->to) std::abort();
    if (one->batch.bytes() > kMaxBatchBytes || one->batch.size() > kMaxBatchEvents) std::abort();
    if (one->batch.take_body("g", "s", "t") != again->batch.take_body("g", "s", "t")) std::abort();
    request.from = one->to;
    request.last_time = one->last_time;
  }
  return 0;
}
