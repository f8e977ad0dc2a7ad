#include "compute/id_range.h"

#include <string>

#include <gtest/gtest.h>

namespace brume::compute {
namespace {

TEST(IdRange, IsNamedByEveryIdInIt) {
  const struct {
    std::uint32_t id;
    std::optional<IdRange> range;
  } cases[] = {
      {0, std::nullopt},
      {1000, std::nullopt},
      {65534, std::nullopt},
      {0x6fffffff, std::nullopt},
      {0x70000000, IdRange{0x70000000}},
      {0x7000ffff, IdRange{0x70000000}},
      {0x70010000, IdRange{0x70010000}},
      {0x7ffdffff, IdRange{0x7ffd0000}},
      {0x7ffe0000, std::nullopt},
      {0xffffffff, std::nullopt},
  };
  for (const auto& c : cases) EXPECT_EQ(range_of(c.id), c.range) << std::hex << c.id;
}

TEST(IdRange, NoTwoShareOneUntilAllAreTaken) {
  std::set<IdRange> taken;
  std::size_t moved = 0;
  for (int i = 0;; ++i) {
    const std::string name = "i-" + std::to_string(i);
    const auto range = choose_range(name, taken);
    if (!range) break;
    EXPECT_EQ(range_of(range->first), range);
    EXPECT_EQ(range_of(range->first + IdRange::kSize - 1), range);
    moved += range != choose_range(name, {});
    ASSERT_TRUE(taken.insert(*range).second) << name;
  }
  EXPECT_EQ(taken.size(), 4094U);
  EXPECT_GT(moved, 0U);
  // One that becomes free is found again.
  const IdRange freed = *std::next(taken.begin(), 1234);
  taken.erase(freed);
  EXPECT_EQ(choose_range("i-new", taken), freed);
}

TEST(IdRange, DependsOnTheNameAndOnWhatIsTakenOnly) {
  const IdRange first = *choose_range("i-0123456789abcdef0", {});
  EXPECT_EQ(choose_range("i-0123456789abcdef0", {}), first);
  EXPECT_NE(choose_range("i-0123456789abcdef1", {}), first);
  EXPECT_EQ(choose_range("i-0123456789abcdef0", {first})->first, first.first + IdRange::kSize);
  // Disks of before have no range; what they own does not count.
  EXPECT_EQ(choose_range("i-0123456789abcdef0", {IdRange{0}}), first);
}

}  // namespace
}  // namespace brume::compute
