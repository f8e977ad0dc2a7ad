#include "aws/http.h"

#include <gtest/gtest.h>

#include "aws/rest_json.h"

namespace brume::aws {
namespace {

TEST(Http, Percent) {
  EXPECT_EQ(percent_encode("a b/\xC3\xA4~"), "a%20b%2F%C3%A4~");
  EXPECT_EQ(percent_encode("a/b", "/"), "a/b");
  EXPECT_EQ(percent_decode("a%20b+c", true), "a b c");
  EXPECT_EQ(percent_decode("a%20b+c", false), "a b+c");
  for (const char* broken : {"%", "%2", "%zz", "a%", "%2g"}) EXPECT_FALSE(percent_decode(broken, true)) << broken;
}

TEST(Http, Forms) {
  using Form = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(*parse_form("a=1&&b=%26&c&=d"), (Form{{"a", "1"}, {"b", "&"}, {"c", ""}, {"", "d"}}));
  EXPECT_EQ(*parse_form(""), Form{});
  std::string many;
  for (int i = 0; i < 20001; ++i) many += "a&";
  EXPECT_FALSE(parse_form(many));
}

TEST(Http, Text) {
  for (const char* good : {"", "plain\t\r\n", "\xC3\xA4", "\xF0\x9F\x98\xB9", "\xEF\xBF\xBD"})
    EXPECT_TRUE(is_text(good)) << good;
  for (const char* bad : {"\x01", "\xFF", "\xC3", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE0\x80\x80"})
    EXPECT_FALSE(is_text(bad)) << bad;
}

TEST(RestJson, Uris) {
  EXPECT_EQ(match_uri("/functions/{Name}/versions", "/functions/a%2Fb/versions?x=1"), (UriLabels{{"Name", "a/b"}}));
  EXPECT_EQ(match_uri("/{Bucket}/{Key+}", "/b/some/long/key"), (UriLabels{{"Bucket", "b"}, {"Key", "some/long/key"}}));
  EXPECT_EQ(match_uri("/x?type=a", "/x?type=a&y=2"), UriLabels{});
  EXPECT_EQ(match_uri("/x/", "/x/"), UriLabels{});
  EXPECT_FALSE(match_uri("/x?type=a", "/x?type=b"));
  EXPECT_FALSE(match_uri("/functions/{Name}", "/functions/"));
  EXPECT_FALSE(match_uri("/functions/{Name}", "/functions/a/b"));
  EXPECT_FALSE(match_uri("/a/{Key+}/b", "/a/b"));
}

}  // namespace
}  // namespace brume::aws
