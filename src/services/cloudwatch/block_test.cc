#include "services/cloudwatch/block.h"

#include <gtest/gtest.h>

#include "env/sim.h"
#include "services/cloudwatch/journal.h"

namespace brume::cloudwatch {
namespace {

TEST(Bytes, NumbersComeBack) {
  std::string out;
  const double reals[] = {0, 1, -1, 127, 128, 1e15, -0x1p51, 0x1p52, 0.1, -2.5, 1e300, -1e-300, 0x1p360};
  for (const double real : reals) put_double(out, real);
  for (const std::int64_t whole : {0L, 1L, -1L, 1L << 40, -(1L << 40)}) put_signed(out, whole);
  put_text(out, "text");
  ByteReader in(out);
  for (const double real : reals) EXPECT_EQ(in.real(), real);
  for (const std::int64_t whole : {0L, 1L, -1L, 1L << 40, -(1L << 40)}) EXPECT_EQ(in.signed_number(), whole);
  EXPECT_EQ(in.text(), "text");
  EXPECT_TRUE(in.at_end());
  EXPECT_FALSE(in.failed);
}

std::vector<SlotPoints> some_points() {
  Aggregate set{.sum = 10.5, .count = 4, .minimum = 1, .maximum = 4, .values = {}};
  return {{0, {{600, 0, one_value(1)}, {660, 0, one_value(2.5, 7)}, {720, 14, set}}},
          {63, {{600, 2, of_values({{1, 2}, {3.25, 1}, {2, 1}})}, {21540, 2, one_value(-3)}}}};
}

TEST(Block, PointsComeBack) {
  const Level& level = kLevels[1];
  const auto points = some_points();
  const std::string bytes = write_block(level, 0, points);
  std::vector<SlotPoints> read;
  ASSERT_TRUE(read_block(level, 0, bytes, {}, [&](std::uint8_t slot, Point&& point) {
    if (read.empty() || read.back().slot != slot) read.push_back({slot, {}});
    read.back().points.push_back(std::move(point));
  }));
  ASSERT_EQ(read.size(), points.size());
  for (std::size_t i = 0; i < read.size(); ++i) {
    EXPECT_EQ(read[i].slot, points[i].slot);
    ASSERT_EQ(read[i].points.size(), points[i].points.size());
    for (std::size_t j = 0; j < read[i].points.size(); ++j) {
      EXPECT_EQ(read[i].points[j].time, points[i].points[j].time);
      EXPECT_EQ(read[i].points[j].unit, points[i].points[j].unit);
      EXPECT_EQ(read[i].points[j].samples, points[i].points[j].samples);
    }
  }
  int one = 0;
  ASSERT_TRUE(read_block(level, 0, bytes, 63, [&](std::uint8_t slot, Point&&) {
    EXPECT_EQ(slot, 63);
    ++one;
  }));
  EXPECT_EQ(one, 2);
}

TEST(Block, WhatIsDamagedIsRefusedOrReadWithinBounds) {
  const std::string bytes = write_block(kLevels[1], 0, some_points());
  const auto ignore = [](std::uint8_t, Point&&) {};
  for (std::size_t size = 0; size < bytes.size(); ++size)
    (void)read_block(kLevels[1], 0, std::string_view(bytes).substr(0, size), {}, ignore);
  EXPECT_FALSE(read_block(kLevels[1], 0, std::string_view(bytes).substr(0, bytes.size() - 1), {}, ignore));
  env::SimRandom random(7);
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = bytes;
    damaged[random.below(damaged.size())] = char(random.below(256));
    (void)read_block(kLevels[1], 0, damaged, {}, ignore);
    (void)read_journal(damaged, [](JournalSample&&) {});
  }
}

TEST(Journal, SamplesComeBack) {
  JournalWriter writer;
  const SeriesKey name = key_of("Shop", "Orders", {{"City", "Riga"}});
  writer.add({5, &name, true, {1'767'225'600, 15, one_value(2)}});
  writer.add({70000, nullptr, false, {1'767'225'000, 0, of_values({{1, 1}, {2, 1}})}});
  std::vector<SeriesId> ids;
  ASSERT_TRUE(read_journal(writer.bytes(), [&](JournalSample&& sample) {
    ids.push_back(sample.series);
    if (sample.series == 5) {
      ASSERT_NE(sample.name, nullptr);
      EXPECT_EQ(id_of(sample.name->metric, sample.name->dimensions), (MetricId{"Shop", "Orders", {{"City", "Riga"}}}));
      EXPECT_TRUE(sample.high_resolution);
      EXPECT_EQ(sample.point.unit, 15);
    }
    EXPECT_EQ(sample.point.time, sample.series == 5 ? 1'767'225'600U : 1'767'225'000U);
  }));
  EXPECT_EQ(ids, (std::vector<SeriesId>{5, 70000}));
}

}  // namespace
}  // namespace brume::cloudwatch
