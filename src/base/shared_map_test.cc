#include "base/shared_map.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace brume {
namespace {

using Map = SharedMap<std::string, int>;
using Model = std::map<std::string, int>;

Model model_of(const Map& map) {
  return {map.begin(), map.end()};
}

// What leads from one to the other, as a text.
std::string told(const Map& before, const Map& after) {
  std::string out;
  Map::differences(before, after, [&](const std::string& key, const int* old, const int* now) {
    out += key + ":" + (old ? std::to_string(*old) : "") + ">" + (now ? std::to_string(*now) : "") + " ";
  });
  return out;
}
std::string expected(const Model& before, const Model& after) {
  Model keys = before;
  keys.insert(after.begin(), after.end());
  std::string out;
  for (const auto& [key, any] : keys) {
    const auto old = before.find(key), now = after.find(key);
    if (old != before.end() && now != after.end() && old->second == now->second) continue;
    out += key + ":" + (old != before.end() ? std::to_string(old->second) : "") + ">" +
           (now != after.end() ? std::to_string(now->second) : "") + " ";
  }
  return out;
}

TEST(SharedMap, IsAsAMapWhateverTheChangesAndCopies) {
  std::mt19937 dice(20261128);
  std::vector<std::pair<Map, Model>> kept(1);
  for (int round = 0; round < 800; ++round) {
    auto [map, model] = kept[dice() % kept.size()];
    for (unsigned changes = dice() % 4; changes > 0; --changes) {
      const std::string key = "k" + std::to_string(dice() % 60);
      const int value = int(dice() % 3);
      switch (dice() % 4) {
        case 0:
          ASSERT_EQ(map.erase(key), model.erase(key));
          break;
        case 1:
          map[key] = model[key] = value;
          break;
        default:
          ASSERT_EQ(map.put(key, value), !model.contains(key) || model[key] != value);
          model[key] = value;
      }
    }
    const std::string key = "k" + std::to_string(dice() % 60);
    const auto found = map.lower_bound(key);
    const auto right = model.lower_bound(key);
    ASSERT_EQ(found == map.end(), right == model.end());
    if (right != model.end()) {
      ASSERT_EQ(*found, *right);
    }
    ASSERT_EQ(map.find(key) != map.end(), model.contains(key));
    ASSERT_EQ(map.size(), model.size());
    ASSERT_EQ(model_of(map), model);
    ASSERT_EQ(map, Map::of(Model(model)));  // made otherwise, it is the same
    for (const auto& [other, other_model] : kept) {
      ASSERT_EQ(map == other, model == other_model);
      ASSERT_EQ(told(other, map), expected(other_model, model));
    }
    if (kept.size() < 12)
      kept.emplace_back(std::move(map), std::move(model));
    else
      kept[dice() % kept.size()] = {std::move(map), std::move(model)};
  }
}

TEST(SharedMap, ACopyDoesNotSeeWhatIsWrittenThroughAReference) {
  Map map;
  int& value = map["a"];
  const Map before = map;
  value = 7;
  const Map after = map;
  EXPECT_EQ(before.at("a"), 0);
  EXPECT_EQ(map.at("a"), 7);
  EXPECT_EQ(after.at("a"), 7);
  EXPECT_THROW((void)after.at("b"), std::out_of_range);
}

TEST(SharedMap, ASetIsOneOfKeys) {
  SharedSet<int> set = SharedSet<int>::of({3, 1, 2});
  const SharedSet<int> before = set;
  EXPECT_TRUE(set.insert(4));
  EXPECT_FALSE(set.insert(4));
  EXPECT_TRUE(set.erase(1));
  EXPECT_FALSE(set.erase(1));
  EXPECT_EQ(std::vector<int>(set.begin(), set.end()), (std::vector<int>{2, 3, 4}));
  EXPECT_EQ(std::vector<int>(before.begin(), before.end()), (std::vector<int>{1, 2, 3}));
  std::vector<int> come, gone;
  SharedSet<int>::differences(before, set, [&](int key, bool added) { (added ? come : gone).push_back(key); });
  EXPECT_EQ(come, std::vector<int>{4});
  EXPECT_EQ(gone, std::vector<int>{1});
}

// Of keys and values that count how often they are compared.
struct Counted {
  static inline int compared = 0;
  int number = 0;
  bool operator==(const Counted& other) const {
    ++compared;
    return number == other.number;
  }
};

TEST(SharedMap, ComparingCostsWhatChanged) {
  SharedMap<int, Counted> map;
  for (int i = 0; i < 10000; ++i) map.put(i, {i});
  SharedMap<int, Counted> other = map;
  other.put(5000, {1});
  other.erase(7000);
  Counted::compared = 0;
  int differing = 0;
  SharedMap<int, Counted>::differences(map, other, [&](int, const Counted*, const Counted*) { ++differing; });
  EXPECT_EQ(differing, 2);
  EXPECT_LE(Counted::compared, 2);
  EXPECT_FALSE(map == other);
}

}  // namespace
}  // namespace brume
