#include "services/cloudwatch/journal.h"

#include "services/cloudwatch/units.h"

namespace brume::cloudwatch {
namespace {

constexpr std::uint8_t kNamed = 1, kHighResolution = 2;  // of a sample's first byte, whose rest is the unit

}  // namespace

std::string_view JournalWriter::add(const JournalSample& sample) {
  bytes_.push_back(
      char(sample.point.unit << 2 | (sample.name ? kNamed : 0) | (sample.high_resolution ? kHighResolution : 0)));
  put_number(bytes_, sample.series);
  if (sample.name) {
    put_text(bytes_, sample.name->metric);
    put_text(bytes_, sample.name->dimensions);
  }
  put_signed(bytes_, std::int64_t(sample.point.time) - time_);
  time_ = sample.point.time;
  const std::size_t begin = bytes_.size();
  put_aggregate(bytes_, sample.point.samples);
  return std::string_view(bytes_).substr(begin);
}

Result<void> read_journal(std::string_view bytes, const std::function<void(JournalSample&&)>& each) {
  ByteReader in(bytes);
  if (in.byte() != 0) in.failed = true;
  std::uint32_t time = 0;
  while (!in.failed && !in.at_end()) {
    const std::uint8_t head = in.byte();
    JournalSample sample;
    SeriesKey name;
    sample.high_resolution = head & kHighResolution;
    sample.point.unit = head >> 2;
    sample.series = SeriesId(in.number());
    if (head & kNamed) {
      name.metric = in.text();
      name.dimensions = in.text();
      sample.name = &name;
    }
    sample.point.time = time = std::uint32_t(time + in.signed_number());
    sample.point.samples = read_aggregate(in);
    if (sample.point.unit >= unit_codes()) in.failed = true;
    if (!in.failed) each(std::move(sample));
  }
  if (in.failed) return fail_internal("A row of the metrics' journal cannot be read.");
  return {};
}

}  // namespace brume::cloudwatch
