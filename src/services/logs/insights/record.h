// A log event as a query sees it.
#pragma once

#include <cstdint>
#include <string_view>

namespace brume::logs::insights {

struct Record {
  std::int64_t timestamp = 0, ingestion = 0;  // milliseconds since the epoch
  std::string_view message;
  std::string_view stream;   // @logStream
  std::string_view log;      // @log: "account:group"
  std::string_view pointer;  // @ptr
};

}  // namespace brume::logs::insights
