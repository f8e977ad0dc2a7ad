// A journal row: the samples of one call, as they are kept until they are folded into blocks.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "services/cloudwatch/block.h"
#include "services/cloudwatch/series_index.h"

namespace brume::cloudwatch {

struct JournalSample {
  SeriesId series = 0;
  const SeriesKey* name = nullptr;  // where the series begins with this sample
  bool high_resolution = false;
  Point point;
};

class JournalWriter {
 public:
  // Returns its samples as put_aggregate() writes them, until the next call.
  std::string_view add(const JournalSample& sample);
  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  [[nodiscard]] std::string take() && { return std::move(bytes_); }

 private:
  std::string bytes_{'\0'};  // what tells the value from text
  std::uint32_t time_ = 0;
};

// Errors: InternalFailure for what is not such a row.
Result<void> read_journal(std::string_view bytes, const std::function<void(JournalSample&&)>& each);

}  // namespace brume::cloudwatch
