#include <gtest/gtest.h>

#include "env/sim.h"
#include "services/common/ids.h"
#include "services/common/page.h"
#include "services/common/wildcard.h"

namespace brume::services {
namespace {

TEST(Wildcard, Table) {
  const struct {
    const char *pattern, *text;
    bool match;
  } cases[] = {
      {"", "", true},           {"*", "", true},
      {"a*c", "abbc", true},    {"a*c", "abbd", false},
      {"?", "a", true},         {"?", "", false},
      {"a*b*c", "aXbYc", true}, {"*.example.com", "a.example.com", true},
      {"\\*", "*", true},       {"\\*", "a", false},
      {"a\\?", "a?", true},     {"web-*", "web-1", true},
      {"abc", "abcd", false},   {"abcd", "abc", false},
      {"*a", "ba", true},       {"*aab", "aaab", true},
  };
  for (const auto& c : cases) EXPECT_EQ(wildcard_match(c.pattern, c.text), c.match) << c.pattern << " ~ " << c.text;
}

TEST(Ids, AreAsAwsFormsThem) {
  env::SimRandom random(1);
  EXPECT_TRUE(well_formed_id(new_id(random, "vpc"), "vpc"));
  EXPECT_TRUE(well_formed_id("i-1234abcd", "i"));
  for (const char* bad : {"vpc-", "vpc-xyz", "vpc-123", "vpc", "subnet-12345678", "vpc-1234567G"})
    EXPECT_FALSE(well_formed_id(bad, "vpc")) << bad;
  EXPECT_EQ(arn("iam", "", "role/x"), "arn:aws:iam::000000000000:role/x");
}

TEST(Page, TokensSurviveChangesInBetween) {
  const auto key = [](const std::string& s) { return s; };
  auto first = paginate<std::string>({"a", "b", "c", "d"}, 2, std::nullopt, key);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->items, (std::vector<std::string>{"a", "b"}));
  auto second = paginate<std::string>({"a", "b", "d"}, 2, first->next_token, key);  // c is gone
  ASSERT_TRUE(second);
  EXPECT_EQ(second->items, std::vector<std::string>{"d"});
  EXPECT_FALSE(second->next_token);
  EXPECT_FALSE(paginate<std::string>({}, 2, std::string("zzz"), key));
}

}  // namespace
}  // namespace brume::services
