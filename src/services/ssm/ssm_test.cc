#include <gtest/gtest.h>

#include "env/sim.h"
#include "services/ssm/names.h"
#include "services/ssm/service.h"
#include "store/memory_backend.h"

namespace brume::ssm {
namespace {

class SsmTest : public testing::Test {
 protected:
  auto put(PutParameterRequest request) {
    return store.transact([&] { return service.PutParameter(call, request); });
  }
  env::SimEnv sim;
  store::MemoryBackend backend;
  store::Store store{backend};
  services::Hints hints{sim.loop};
  Service service{services::Context{sim.env, store, hints, "ap-southeast-1"},
                  [](const std::string& id) { return id == "ami-00000001"; }};
  aws::Call call;
};

TEST_F(SsmTest, VersionsAndSelectors) {
  ASSERT_TRUE(put({.Name = "/web/image", .Value = "one", .Type = "String"}));
  EXPECT_EQ(put({.Name = "/web/image", .Value = "two", .Type = "String"}).error().code, "ParameterAlreadyExists");
  EXPECT_EQ(*put({.Name = "/web/image", .Value = "two", .Overwrite = true})->Version, 2);
  EXPECT_EQ(*service.GetParameter(call, {"/web/image"})->Parameter->Value, "two");
  EXPECT_EQ(*service.GetParameter(call, {"/web/image:1"})->Parameter->Value, "one");
  EXPECT_EQ(service.GetParameter(call, {"/web/image:9"}).error().code, "ParameterVersionNotFound");
  EXPECT_EQ(
      *service.GetParameter(call, {"arn:aws:ssm:ap-southeast-1:000000000000:parameter/web/image"})->Parameter->Version,
      2);
  EXPECT_EQ(service.GetParameter(call, {"/nope"}).error().code, "ParameterNotFound");
}

TEST_F(SsmTest, ByPathOneLevelOrAll) {
  for (const char* name : {"/web/a", "/web/b/c", "/webster"})
    ASSERT_TRUE(put({.Name = name, .Value = "v", .Type = "String"}));
  EXPECT_EQ(service.GetParametersByPath(call, {.Path = "/web"})->Parameters.size(), 1U);
  EXPECT_EQ(service.GetParametersByPath(call, {.Path = "/web/", .Recursive = true})->Parameters.size(), 2U);
}

TEST_F(SsmTest, BadInputIsRefused) {
  EXPECT_EQ(put({.Name = "s", .Value = "v", .Type = "SecureString"}).error().code, "UnsupportedParameterType");
  EXPECT_EQ(put({.Name = "i", .Value = "ami-9", .Type = "String", .DataType = "aws:ec2:image"}).error().code,
            "ValidationException");
  EXPECT_EQ(put({.Name = "p", .Value = "x", .Type = "String", .AllowedPattern = "[0-9]+"}).error().code,
            "ParameterPatternMismatchException");
  for (const char* name : {"aws-x", "/AWS/x", "a b", "a/b"})
    EXPECT_EQ(check_name(name).error().code, "ValidationException") << name;
}

}  // namespace
}  // namespace brume::ssm
