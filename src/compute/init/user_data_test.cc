#include "compute/init/user_data.h"

#include <string>

#include <gtest/gtest.h>

namespace brume::init {
namespace {

TEST(UserData, TheFirstBytesChoose) {
  const struct {
    std::string_view bytes;
    UserData kind;
  } cases[] = {
      {"", UserData::none},
      {" \n", UserData::none},
      {"#!/bin/sh\n", UserData::script},
      {" #!/bin/sh\n", UserData::unknown},
      {"#cloud-config\nruncmd: []", UserData::cloud_config},
      {"#include\nhttps://example.com", UserData::include},
      {"#cloud-boothook\n", UserData::boothook},
      {"Content-Type: multipart/mixed", UserData::multipart},
      {"MIME-Version: 1.0", UserData::multipart},
      {"## template: jinja\n#cloud-config", UserData::jinja},
      {"\x1f\x8b\x08", UserData::compressed},
      {"hello", UserData::unknown},
  };
  for (const auto& c : cases) EXPECT_EQ(classify(c.bytes), c.kind) << c.bytes;
}

TEST(UserData, OnlyAnInstanceIdBecomesAFileName) {
  for (const char* good : {"i-1", "i-0123456789abcdef0"}) EXPECT_TRUE(is_instance_id(good)) << good;
  for (const char* bad : {"", "i-", "../i-1", "i-../x", "i-1/x", "I-1", "i-1\n"})
    EXPECT_FALSE(is_instance_id(bad)) << bad;
  EXPECT_FALSE(is_instance_id("i-" + std::string(63, 'a')));
}

}  // namespace
}  // namespace brume::init
