#include "services/logs/places.h"

#include <limits>

#include <gtest/gtest.h>

namespace brume::logs {
namespace {

TEST(Places, AreReadAsTheyWereWritten) {
  for (const logstore::Position& position :
       {logstore::Position{0, 0}, logstore::Position{1'800'000'000'000, 42},
        logstore::Position{std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::uint64_t>::max()}}) {
    EXPECT_EQ(event_id(position).size(), 56U);
    EXPECT_EQ(parse_event_id(event_id(position)), position);
    for (const bool backward : {false, true}) {
      const auto token = parse_token(to_text(Token{backward, position}));
      ASSERT_TRUE(token);
      EXPECT_EQ(token->backward, backward);
      EXPECT_EQ(token->position, position);
    }
    PointerText text(7);
    const auto pointer = parse_pointer(text.of(position));
    ASSERT_TRUE(pointer);
    EXPECT_EQ(pointer->group, 7U);
    EXPECT_EQ(pointer->position, position);
  }
}

TEST(Places, EventIdsRiseWithTheirPlaces) {
  EXPECT_LT(event_id({9, 1000}), event_id({10, 1}));
  EXPECT_LT(event_id({10, 9}), event_id({10, 10}));
}

TEST(Places, OthersTextsAreRefused) {
  for (const char* text : {"", "f/", "f//s", "x/00000000000000000000000000000000000000000000000000000000/s",
                           "f/-0000000000000000000000000000000000000000000000000000001/s", "nonsense"}) {
    EXPECT_FALSE(parse_token(text)) << text;
    EXPECT_FALSE(parse_event_id(text)) << text;
    EXPECT_FALSE(parse_pointer(text)) << text;
  }
  EXPECT_FALSE(parse_pointer("-00000000000000100000000000000010000000000000001"));
}

}  // namespace
}  // namespace brume::logs
