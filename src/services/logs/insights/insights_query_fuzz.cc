// Queries and messages of any bytes: never a crash, and runs of two parts give what one run gives. Before the first
// zero byte is the query, behind it are messages, one behind each zero byte.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "services/logs/insights/query.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace brume::logs::insights;
  if (size > 4096) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t zero = text.find('\0');
  const auto query = Query::parse(text.substr(0, zero), brume::Timestamp());
  if (!query) return 0;
  std::vector<std::string_view> messages = {
      R"({"a":1,"b":{"c":["x",2]},"d":"e\u0041"})",
      "2 123456789012 eni-1 10.0.0.1 10.0.1.1 443 50000 6 10 840 1558779879 1558779939 ACCEPT OK",
      "REPORT RequestId: r\tDuration: 7.5 ms\tMemory Size: 128 MB\tMax Memory Used: 67 MB\t\n", ""};
  for (std::size_t at = zero; at != std::string_view::npos; at = text.find('\0', at + 1))
    messages.push_back(text.substr(at + 1, text.find('\0', at + 1) - at - 1));
  Run whole(*query), first(*query), second(*query);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    // Newest first, as early ends want it.
    const Record record{1'000'000 - std::int64_t(i), 0, messages[i], "stream", "1:group", "p"};
    whole.add(record);
    (i < messages.size() / 2 ? first : second).add(record);
  }
  first.merge(std::move(second));
  const auto rows = whole.rows(), merged = first.rows();
  if (rows.has_value() != merged.has_value()) std::abort();
  if (rows && rows->size() != merged->size()) std::abort();
  return 0;
}
