#include "services/autoscaling/mixed_instances.h"

#include <gtest/gtest.h>

#include "services/common/capacity_units.h"

namespace brume::autoscaling {
namespace {

using Overrides = List<LaunchTemplateOverrides>;

LaunchTemplateOverrides override_of(const char* type, std::optional<std::string> weight = {}) {
  LaunchTemplateOverrides one;
  one.InstanceType = type;
  one.WeightedCapacity = std::move(weight);
  return one;
}

MixedInstancesPolicy policy(const Overrides& overrides) {
  MixedInstancesPolicy request;
  request.LaunchTemplate.emplace().LaunchTemplateSpecification.emplace().LaunchTemplateId = "lt-1";
  request.LaunchTemplate->Overrides = overrides;
  return merged(std::nullopt, request);
}

TEST(MixedInstances, WhatIsNotSaidIsTheDefaultOrStays) {
  const MixedInstancesPolicy first = policy({override_of("t3.micro")});
  EXPECT_EQ(first.InstancesDistribution->OnDemandAllocationStrategy, "prioritized");
  EXPECT_EQ(first.InstancesDistribution->OnDemandBaseCapacity, 0);
  EXPECT_EQ(first.InstancesDistribution->OnDemandPercentageAboveBaseCapacity, 100);
  EXPECT_EQ(first.InstancesDistribution->SpotAllocationStrategy, "lowest-price");
  EXPECT_EQ(first.InstancesDistribution->SpotInstancePools, 2);

  MixedInstancesPolicy request;
  request.InstancesDistribution.emplace().SpotAllocationStrategy = "capacity-optimized";
  MixedInstancesPolicy second = merged(first, request);
  EXPECT_EQ(second.LaunchTemplate->Overrides.front().InstanceType, "t3.micro");
  EXPECT_EQ(second.LaunchTemplate->LaunchTemplateSpecification->LaunchTemplateId, "lt-1");
  EXPECT_FALSE(second.InstancesDistribution->SpotInstancePools);  // those of the other strategy
  EXPECT_TRUE(check_mixed(second));

  request = {};
  request.LaunchTemplate.emplace().Overrides.set_present();
  second = merged(second, request);
  EXPECT_TRUE(second.LaunchTemplate->Overrides.empty());
  EXPECT_EQ(second.InstancesDistribution->SpotAllocationStrategy, "capacity-optimized");
}

TEST(MixedInstances, RequirementsHaveADefaultStrategyOfTheirOwn) {
  LaunchTemplateOverrides by_requirements;
  by_requirements.InstanceRequirements.emplace();
  const MixedInstancesPolicy first = policy({by_requirements});
  EXPECT_EQ(first.InstancesDistribution->OnDemandAllocationStrategy, "lowest-price");
  EXPECT_TRUE(check_mixed(first));
  MixedInstancesPolicy request;
  request.LaunchTemplate.emplace().Overrides = {override_of("t3.micro")};
  EXPECT_EQ(merged(first, request).InstancesDistribution->OnDemandAllocationStrategy, "prioritized");
  request.InstancesDistribution.emplace().OnDemandAllocationStrategy = "lowest-price";
  EXPECT_EQ(merged(first, request).InstancesDistribution->OnDemandAllocationStrategy, "lowest-price");
}

TEST(MixedInstances, Checks) {
  using Change = void (*)(MixedInstancesPolicy&);
  const struct {
    const char* code;
    const char* text;
    Change change;
  } cases[] = {
      {"ValidationError", "a LaunchTemplateSpecification",
       [](auto& p) { p.LaunchTemplate->LaunchTemplateSpecification.reset(); }},
      {"ValidationError", "more than once", [](auto& p) { p.LaunchTemplate->Overrides[1].InstanceType = "t3.micro"; }},
      {"ValidationError", "an InstanceType or", [](auto& p) { p.LaunchTemplate->Overrides[1].InstanceType.reset(); }},
      {"ValidationError", "for all of them", [](auto& p) { p.LaunchTemplate->Overrides[1].WeightedCapacity.reset(); }},
      {"ValidationError", "'0'", [](auto& p) { p.LaunchTemplate->Overrides[0].WeightedCapacity = "0"; }},
      {"ValidationError", "'1000'", [](auto& p) { p.LaunchTemplate->Overrides[0].WeightedCapacity = "1000"; }},
      {"ValidationError", "'1.5'", [](auto& p) { p.LaunchTemplate->Overrides[0].WeightedCapacity = "1.5"; }},
      {"ValidationError", "''", [](auto& p) { p.LaunchTemplate->Overrides[0].WeightedCapacity = ""; }},
      {"ValidationError", "at most 40",
       [](auto& p) {
         for (int i = 2; i < 41; ++i)
           p.LaunchTemplate->Overrides.push_back(override_of(("t" + std::to_string(i)).c_str(), "1"));
       }},
      {"ValidationError", "either an InstanceType or InstanceRequirements",
       [](auto& p) { p.LaunchTemplate->Overrides[0].InstanceRequirements.emplace(); }},
      {"ValidationError", "have no WeightedCapacity",
       [](auto& p) {
         p.LaunchTemplate->Overrides[0].InstanceRequirements.emplace();
         p.LaunchTemplate->Overrides[0].InstanceType.reset();
       }},
      {"ValidationError", "at most 4 sets",
       [](auto& p) {
         p.LaunchTemplate->Overrides.clear();
         for (int i = 0; i < 5; ++i) p.LaunchTemplate->Overrides.emplace_back().InstanceRequirements.emplace();
       }},
      {"ValidationError", "use lowest-price",
       [](auto& p) {
         p.LaunchTemplate->Overrides.clear();
         p.LaunchTemplate->Overrides.emplace_back().InstanceRequirements.emplace();
       }},
      {"UnsupportedOperation", "ImageId", [](auto& p) { p.LaunchTemplate->Overrides[0].ImageId = "ami-1"; }},
      {"ValidationError", "'cheapest'",
       [](auto& p) { p.InstancesDistribution->OnDemandAllocationStrategy = "cheapest"; }},
      {"ValidationError", "must not be negative", [](auto& p) { p.InstancesDistribution->OnDemandBaseCapacity = -1; }},
      {"ValidationError", "from 0 to 100",
       [](auto& p) { p.InstancesDistribution->OnDemandPercentageAboveBaseCapacity = 101; }},
      {"ValidationError", "'first'", [](auto& p) { p.InstancesDistribution->SpotAllocationStrategy = "first"; }},
      {"ValidationError", "only available with the lowest-price allocation strategy.",
       [](auto& p) { p.InstancesDistribution->SpotAllocationStrategy = "capacity-optimized"; }},
      {"ValidationError", "from 1 to 20", [](auto& p) { p.InstancesDistribution->SpotInstancePools = 21; }},
  };
  const MixedInstancesPolicy good = policy({override_of("t3.micro", "1"), override_of("t3.small", "2")});
  EXPECT_TRUE(check_mixed(good));
  EXPECT_TRUE(check_mixed(policy({})));
  for (const auto& c : cases) {
    MixedInstancesPolicy bad = good;
    c.change(bad);
    const auto checked = check_mixed(bad);
    ASSERT_FALSE(checked) << c.text;
    EXPECT_EQ(checked.error().code, c.code) << checked.error().message;
    EXPECT_NE(checked.error().message.find(c.text), std::string::npos) << checked.error().message;
  }
}

TEST(MixedInstances, TemplatesHaveOneName) {
  MixedInstancesPolicy request = policy({override_of("t3.micro")});
  EXPECT_TRUE(check_template_names(request));
  request.LaunchTemplate->Overrides[0].LaunchTemplateSpecification.emplace();
  EXPECT_FALSE(check_template_names(request));
  request.LaunchTemplate->Overrides[0].LaunchTemplateSpecification->LaunchTemplateName = "web";
  EXPECT_TRUE(check_template_names(request));
  request.LaunchTemplate->LaunchTemplateSpecification->LaunchTemplateName = "web";
  EXPECT_FALSE(check_template_names(request));
}

TEST(MixedInstances, TheNextTypeIsTheFirstWithRoom) {
  AutoScalingGroup group;
  group.MixedInstancesPolicy =
      policy({override_of("t3.micro", "1"), override_of("t3.small", "2"), override_of("t3.medium", "4")});
  group.MixedInstancesPolicy->LaunchTemplate->Overrides[1].LaunchTemplateSpecification.emplace().LaunchTemplateId =
      "lt-2";
  const std::vector<LaunchOption> options = launch_options(group);
  ASSERT_EQ(options.size(), 3U);
  EXPECT_EQ(options[1].launch_template.LaunchTemplateId, "lt-2");
  EXPECT_EQ(options[2].launch_template.LaunchTemplateId, "lt-1");
  EXPECT_EQ(options[2].units, 4);
  const struct {
    std::set<Pool> full;
    const char* zone;
    const char* type;
    bool all;
  } cases[] = {
      {{}, "a", "t3.micro", false},
      {{{"a", "t3.micro"}}, "a", "t3.small", false},
      {{{"a", "t3.micro"}}, "b", "t3.micro", false},
      {{{"a", "t3.small"}}, "a", "t3.micro", false},
      {{{"a", "t3.micro", true}}, "a", "t3.micro", false},  // of Spot
      {{{"a", "t3.micro"}, {"a", "t3.small"}}, "a", "t3.medium", false},
      {{{"a", "t3.micro"}, {"a", "t3.small"}, {"a", "t3.medium"}}, "a", "t3.micro", true},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(choose_option(options, c.zone, c.full).type, c.type);
    EXPECT_EQ(is_full(options, c.zone, c.full), c.all);
  }
  EXPECT_EQ(rank_of(options, "t3.micro"), 0);
  EXPECT_EQ(rank_of(options, "t3.medium"), 2);
  EXPECT_EQ(rank_of(options, "m5.large"), 3);

  // Without a policy, and without overrides, there is one way.
  AutoScalingGroup plain;
  plain.LaunchTemplate.emplace().LaunchTemplateId = "lt-3";
  ASSERT_EQ(launch_options(plain).size(), 1U);
  EXPECT_EQ(launch_options(plain)[0].launch_template.LaunchTemplateId, "lt-3");
  plain.MixedInstancesPolicy = policy({});
  ASSERT_EQ(launch_options(plain).size(), 1U);
  EXPECT_FALSE(launch_options(plain)[0].type);
  EXPECT_EQ(rank_of(launch_options(plain), "m5.large"), 0);
}

TEST(MixedInstances, OnlyALackOfRoomAsksForAnotherType) {
  EXPECT_TRUE(lacks_capacity("InsufficientInstanceCapacity"));
  EXPECT_TRUE(lacks_capacity("Server.InsufficientInstanceCapacity"));
  EXPECT_FALSE(lacks_capacity("InsufficientFreeAddressesInSubnet"));
  EXPECT_FALSE(lacks_capacity(""));
}

TEST(MixedInstances, WeightsOfInstancesThatAreThere) {
  const auto weight = [](const std::optional<MixedInstancesPolicy>& now, const char* type,
                         std::optional<std::string> before) {
    Instance instance;
    instance.InstanceType = type;
    instance.WeightedCapacity = std::move(before);
    const auto after = reweighed(now, instance);
    return after ? after->value_or("none") : after.error().message;
  };
  const MixedInstancesPolicy weights = policy({override_of("t3.micro", "3")});
  EXPECT_EQ(weight(weights, "t3.micro", {}), "3");
  EXPECT_EQ(weight(weights, "t3.micro", "1"), "3");
  EXPECT_EQ(weight(weights, "t3.small", "2"), "2");  // a type that was removed
  EXPECT_EQ(
      weight(weights, "t3.small", {}),
      "Cannot configure weights because instance type [t3.small] is not in the overrides but is currently running "
      "in the group. Add [t3.small] to the overrides, specify a weight, and try again.");
  EXPECT_EQ(weight(policy({override_of("t3.micro")}), "t3.micro", "2"), "none");
  EXPECT_EQ(weight(std::nullopt, "t3.micro", "2"), "none");
}

TEST(MixedInstances, AnInstanceIsLaunchedByWhatItIsLike) {
  AutoScalingGroup group;
  group.MixedInstancesPolicy = policy({override_of("t3.micro"), override_of("t3.small")});
  std::vector<LaunchOption> options = launch_options(group);
  for (LaunchOption& option : options) option.launch_template.Version = "2";
  Instance instance;
  EXPECT_FALSE(is_launched_by(instance, options));
  instance.InstanceType = "t3.small";
  instance.LaunchTemplate.emplace().LaunchTemplateId = "lt-1";
  instance.LaunchTemplate->Version = "2";
  EXPECT_TRUE(is_launched_by(instance, options));
  instance.InstanceType = "t3.medium";
  EXPECT_FALSE(is_launched_by(instance, options));
  instance.InstanceType = "t3.micro";
  instance.LaunchTemplate->Version = "1";
  EXPECT_FALSE(is_launched_by(instance, options));
}

TEST(CapacityUnits, AreTheWeight) {
  Instance instance;
  EXPECT_EQ(services::units_of(instance), 1);
  instance.WeightedCapacity = "12";
  EXPECT_EQ(services::units_of(instance), 12);
}

}  // namespace
}  // namespace brume::autoscaling
