#include "compute/agent/glob.h"

#include <gtest/gtest.h>

namespace brume::agent {
namespace {

TEST(Glob, Matches) {
  struct Case {
    const char *pattern, *path;
    bool wanted;
  };
  const Case cases[] = {
      {"/var/log/app.log", "/var/log/app.log", true},
      {"/var/log/app.log", "/var/log/app.log.1", false},
      {"/var/log/*.log", "/var/log/app.log", true},
      {"/var/log/*.log", "/var/log/x/app.log", false},
      {"/var/log/app.log*", "/var/log/app.log", true},
      {"/var/log/**.log", "/var/log/x/y/app.log", true},
      {"/var/log/**.log", "/var/log/app.log", true},
      {"/var/log/**.log", "/var/log/app.txt", false},
      {"/var/log/**/*.log", "/var/log/x/app.log", true},
      {"/var/log/**/*.log", "/var/log/x/y/app.log", true},
      {"/var/log/*/*.log", "/var/log/x/app.log", true},
      {"/var/**/a*b*c.log", "/var/x/ab/abbbc.log", true},
      {"/var/**/a*b", "/var/x/a/b", false},
      {"/a?c", "/abc", true},
      {"/a?c", "/a/c", false},
      {"/[a-c]x", "/bx", true},
      {"/[!a-c]x", "/bx", false},
      {"/[!a-c]x", "/dx", true},
      {"/a\\*", "/a*", true},
      {"/a\\*", "/ab", false},
      {"/{one,two}.log", "/two.log", true},
      {"/{one,two}.log", "/three.log", false},
      {"/{one,two*}.log", "/twofold.log", true},
      {"/[", "/[", false},
      {"/[a", "/a", false},
      {"*", "/a", false},
  };
  for (const Case& one : cases)
    EXPECT_EQ(Glob(one.pattern).matches(one.path), one.wanted) << one.pattern << " " << one.path;
}

TEST(Glob, WhereToLook) {
  EXPECT_TRUE(Glob("/var/log/a.log").is_path());
  EXPECT_EQ(Glob("/var/log/*.log").root(), "/var/log");
  EXPECT_EQ(Glob("/var/log/*.log").depth(), 0);
  EXPECT_EQ(Glob("/var/*/x/*.log").root(), "/var");
  EXPECT_EQ(Glob("/var/*/x/*.log").depth(), 2);
  EXPECT_EQ(Glob("/var/**.log").depth(), -1);
  EXPECT_EQ(Glob("/*").root(), "/");
  EXPECT_EQ(Glob("/{a,b/c}/x").depth(), 2);
}

TEST(Glob, RotatedNames) {
  for (const char* name : {"app.log.1", "app.log-20261128", "app.log.2026-11-28_10", "app.log_2"})
    EXPECT_TRUE(is_rotated_name("app.log", name)) << name;
  for (const char* name :
       {"app.log", "app.log.errors", "app.log.", "app.log.1.gz", "app.log2", "other.log.1", "app.log.-"})
    EXPECT_FALSE(is_rotated_name("app.log", name)) << name;
}

}  // namespace
}  // namespace brume::agent
