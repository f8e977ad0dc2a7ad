#include "services/cloudwatch/block.h"

#include <gtest/gtest.h>

#include <deque>

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

struct SlotPoint {
  std::uint8_t slot;
  Point point;
};
std::vector<SlotPoint> some_points() {
  Aggregate set{.sum = 10.5, .count = 4, .minimum = 1, .maximum = 4, .values = {}};
  return {{0, {600, 0, one_value(1)}},
          {0, {660, 0, one_value(2.5, 7)}},
          {0, {720, 14, set}},
          {63, {600, 2, of_values({{1, 2}, {3.25, 1}, {2, 1}})}},
          {63, {21540, 2, one_value(-3)}}};
}

// Points as bytes, which it keeps.
struct Packed {
  explicit Packed(const std::vector<SlotPoint>& all) {
    for (const auto& [slot, point] : all) {
      std::string& text = bytes.emplace_back();
      put_aggregate(text, point.samples);
      points.push_back({point.time, slot, point.unit, std::uint8_t(text.front()), std::string_view(text).substr(1)});
    }
  }
  std::deque<std::string> bytes;
  std::vector<PackedPoint> points;
};

std::vector<Point> read_slot(const std::string& bytes, std::uint8_t slot, std::uint32_t from = 0,
                             std::uint32_t to = ~std::uint32_t(0)) {
  std::vector<Point> out;
  EXPECT_TRUE(
      read_block(kLevels[1], 0, bytes, slot, from, to, [&](Point&& point) { out.push_back(std::move(point)); }));
  return out;
}

TEST(Block, PointsComeBack) {
  const auto points = some_points();
  const std::string bytes = write_block(kLevels[1], 0, Packed(points).points);
  std::size_t at = 0;
  for (const std::uint8_t slot : {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{63}})
    for (const Point& point : read_slot(bytes, slot)) {
      ASSERT_LT(at, points.size());
      EXPECT_EQ(points[at].slot, slot);
      EXPECT_EQ(point.time, points[at].point.time);
      EXPECT_EQ(point.unit, points[at].point.unit);
      EXPECT_EQ(point.samples, points[at].point.samples);
      ++at;
    }
  EXPECT_EQ(at, points.size());
  const auto some = read_slot(bytes, 0, 660, 720);
  ASSERT_EQ(some.size(), 1U);
  EXPECT_EQ(some[0].time, 660U);
  EXPECT_EQ(read_slot(bytes, 63, 601).at(0).time, 21540U);
}

TEST(Block, PartsAddUpWithoutBeingRead) {
  const std::string first = write_block(kLevels[1], 0, Packed(some_points()).points);
  const std::string second =
      write_block(kLevels[1], 0, Packed({{0, {660, 0, one_value(4)}}, {2, {60, 1, one_value(5)}}}).points);
  std::vector<PackedPoint> points;
  ASSERT_TRUE(read_packed(kLevels[1], 0, second, points));
  ASSERT_TRUE(read_packed(kLevels[1], 0, first, points));
  sort_points(points);
  const std::string both = write_block(kLevels[1], 0, points);
  const auto zero = read_slot(both, 0);
  ASSERT_EQ(zero.size(), 3U);
  EXPECT_EQ(zero[1].samples, of_values({{2.5, 7}, {4, 1}}));
  EXPECT_EQ(read_slot(both, 2).size(), 1U);
  EXPECT_EQ(read_slot(both, 63).size(), 2U);
}

TEST(Block, WhatIsDamagedIsRefusedOrReadWithinBounds) {
  const std::string bytes = write_block(kLevels[1], 0, Packed(some_points()).points);
  const auto read = [](std::string_view damaged) {
    std::vector<PackedPoint> points;
    const auto packed = read_packed(kLevels[1], 0, damaged, points);
    // What can be read packed can be read.
    for (const std::uint8_t slot : {std::uint8_t{0}, std::uint8_t{63}}) {
      const auto unpacked = read_block(kLevels[1], 0, damaged, slot, 0, ~std::uint32_t(0), [](Point&&) {});
      EXPECT_TRUE(unpacked || !packed);
    }
    if (packed) {
      sort_points(points);
      (void)write_block(kLevels[1], 0, points);
    }
    return packed;
  };
  for (std::size_t size = 0; size < bytes.size(); ++size) (void)read(std::string_view(bytes).substr(0, size));
  EXPECT_FALSE(read(std::string_view(bytes).substr(0, bytes.size() - 1)));
  env::SimRandom random(7);
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = bytes;
    damaged[random.below(damaged.size())] = char(random.below(256));
    (void)read(damaged);
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
