#include <gtest/gtest.h>

#include "env/sim.h"
#include "services/iam/service.h"
#include "store/memory_backend.h"

namespace brume::iam {
namespace {

constexpr const char* kTrust =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]})";
constexpr const char* kCore = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore";

class IamTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(service.load()); }
  template <typename F>
  auto in(F&& f) {
    return store.transact(std::forward<F>(f));
  }
  std::string code(auto result) { return result ? "" : result.error().code; }

  env::SimEnv sim;
  store::MemoryBackend backend;
  store::Store store{backend};
  services::Hints hints{sim.loop};
  Service service{services::Context{sim.env, store, hints, ""}};
  aws::Call call;
};

TEST_F(IamTest, RoleWithProfileAndPolicies) {
  const auto role =
      in([&] { return service.CreateRole(call, {.RoleName = "web", .AssumeRolePolicyDocument = kTrust}); });
  ASSERT_TRUE(role);
  EXPECT_EQ(*role->Role->Arn, "arn:aws:iam::000000000000:role/web");
  EXPECT_TRUE(role->Role->AssumeRolePolicyDocument->starts_with("%7B"));
  EXPECT_EQ(code(in([&] { return service.CreateRole(call, {.RoleName = "web", .AssumeRolePolicyDocument = kTrust}); })),
            "EntityAlreadyExists");
  ASSERT_TRUE(in([&] { return service.AttachRolePolicy(call, {"web", kCore}); }));
  EXPECT_EQ(code(in([&] { return service.AttachRolePolicy(call, {"web", "arn:aws:iam::aws:policy/Nope"}); })),
            "NoSuchEntity");
  ASSERT_TRUE(in([&] { return service.CreateInstanceProfile(call, {.InstanceProfileName = "p"}); }));
  ASSERT_TRUE(in([&] { return service.AddRoleToInstanceProfile(call, {"p", "web"}); }));
  EXPECT_EQ(code(in([&] { return service.AddRoleToInstanceProfile(call, {"p", "web"}); })), "LimitExceeded");
  EXPECT_EQ(*service.find_profile("arn:aws:iam::000000000000:instance-profile/p")->Roles[0].RoleName, "web");
  EXPECT_EQ(code(in([&] { return service.DeleteRole(call, {"web"}); })), "DeleteConflict");
  ASSERT_TRUE(in([&] { return service.RemoveRoleFromInstanceProfile(call, {"p", "web"}); }));
  EXPECT_EQ(code(in([&] { return service.DeleteRole(call, {"web"}); })), "DeleteConflict");
  ASSERT_TRUE(in([&] { return service.DetachRolePolicy(call, {"web", kCore}); }));
  EXPECT_TRUE(in([&] { return service.DeleteRole(call, {"web"}); }));
  EXPECT_EQ(code(service.GetRole(call, {"web"})), "NoSuchEntity");
}

TEST_F(IamTest, DocumentsMustBePolicies) {
  for (const char* bad : {"{", "[]", "{}"})
    EXPECT_EQ(code(in([&] { return service.CreateRole(call, {.RoleName = "r", .AssumeRolePolicyDocument = bad}); })),
              "MalformedPolicyDocument");
}

TEST_F(IamTest, ListsComeInPages) {
  for (const char* name : {"a", "b", "c"})
    ASSERT_TRUE(in([&] { return service.CreateRole(call, {.RoleName = name, .AssumeRolePolicyDocument = kTrust}); }));
  const auto first = service.ListRoles(call, {.MaxItems = 2});
  ASSERT_TRUE(first);
  EXPECT_EQ(first->Roles.size(), 2U);
  EXPECT_TRUE(*first->IsTruncated);
  const auto second = service.ListRoles(call, {.Marker = first->Marker, .MaxItems = 2});
  EXPECT_EQ(*second->Roles[0].RoleName, "c");
  EXPECT_FALSE(*second->IsTruncated);
}

}  // namespace
}  // namespace brume::iam
