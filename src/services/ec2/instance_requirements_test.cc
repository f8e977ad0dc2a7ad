#include "services/ec2/instance_requirements.h"

#include <gtest/gtest.h>

namespace brume::ec2 {
namespace {

InstanceRequirementsRequest at_least(int vcpus, int mib) {
  InstanceRequirementsRequest wanted;
  wanted.VCpuCount.emplace().Min = vcpus;
  wanted.MemoryMiB.emplace().Min = mib;
  return wanted;
}

std::string names(const InstanceRequirementsRequest& wanted) {
  std::string text;
  for (const InstanceType* type : matching_types(wanted)) text += (text.empty() ? "" : " ") + std::string(type->name);
  return text;
}

TEST(InstanceRequirements, ByTable) {
  using Change = void (*)(InstanceRequirementsRequest&);
  // Of two vCPUs and 4 to 8 GiB.
  const char* all = "c5.large c6i.large m5.large m6i.large";
  const struct {
    const char* why;
    Change change;
    const char* expected;
  } cases[] = {
      {"as they are", [](auto&) {}, all},
      {"burstable ones, too", [](auto& r) { r.BurstablePerformance = "included"; },
       "c5.large c6i.large m5.large m6i.large t2.large t2.medium t3.large t3.medium t3a.large t3a.medium"},
      {"burstable ones only", [](auto& r) { r.BurstablePerformance = "required"; },
       "t2.large t2.medium t3.large t3.medium t3a.large t3a.medium"},
      {"of AMD",
       [](auto& r) {
         r.BurstablePerformance = "included";
         r.CpuManufacturers = {"amd"};
       },
       "t3a.large t3a.medium"},
      {"of nobody here", [](auto& r) { r.CpuManufacturers = {"amazon-web-services"}; }, ""},
      {"memory by vCPU", [](auto& r) { r.MemoryGiBPerVCpu.emplace().Min = 4; }, "m5.large m6i.large"},
      {"at most", [](auto& r) { r.MemoryGiBPerVCpu.emplace().Max = 2; }, "c5.large c6i.large"},
      {"allowed", [](auto& r) { r.AllowedInstanceTypes = {"c*", "m5.large"}; }, "c5.large c6i.large m5.large"},
      {"a wildcard in the middle", [](auto& r) { r.AllowedInstanceTypes = {"*6*.large"}; }, "c6i.large m6i.large"},
      {"excluded", [](auto& r) { r.ExcludedInstanceTypes = {"*5.*"}; }, "c6i.large m6i.large"},
      {"current", [](auto& r) { r.InstanceGenerations = {"current"}; }, all},
      {"previous", [](auto& r) { r.InstanceGenerations = {"previous"}; }, ""},
      {"bare metal allowed", [](auto& r) { r.BareMetal = "included"; }, all},
      {"bare metal only", [](auto& r) { r.BareMetal = "required"; }, ""},
      {"local storage not", [](auto& r) { r.LocalStorage = "excluded"; }, all},
      {"local storage", [](auto& r) { r.LocalStorage = "required"; }, ""},
      {"so much of it", [](auto& r) { r.TotalLocalStorageGB.emplace().Min = 1; }, ""},
      {"no accelerators", [](auto& r) { r.AcceleratorCount.emplace().Max = 0; }, all},
      {"accelerators", [](auto& r) { r.AcceleratorCount.emplace().Min = 1; }, ""},
      {"a kind of them", [](auto& r) { r.AcceleratorTypes = {"gpu"}; }, ""},
      {"interfaces", [](auto& r) { r.NetworkInterfaceCount.emplace().Min = 4; }, ""},
      {"hibernation", [](auto& r) { r.RequireHibernateSupport = true; }, ""},
      {"encryption", [](auto& r) { r.RequireEncryptionInTransit = true; }, ""},
      {"prices are no limit", [](auto& r) { r.OnDemandMaxPricePercentageOverLowestPrice = 1; }, all},
  };
  for (const auto& one : cases) {
    InstanceRequirementsRequest wanted = at_least(2, 4096);
    wanted.VCpuCount->Max = 2;
    wanted.MemoryMiB->Max = 8192;
    one.change(wanted);
    EXPECT_TRUE(check_requirements(wanted)) << one.why;
    EXPECT_EQ(names(wanted), one.expected) << one.why;
  }
}

TEST(InstanceRequirements, Checks) {
  using Change = void (*)(InstanceRequirementsRequest&);
  const struct {
    const char* code;
    Change change;
  } cases[] = {
      {"MissingParameter", [](auto& r) { r.VCpuCount.reset(); }},
      {"MissingParameter", [](auto& r) { r.MemoryMiB->Min.reset(); }},
      {"InvalidParameterValue", [](auto& r) { r.VCpuCount->Max = 1; }},
      {"InvalidParameterValue", [](auto& r) { r.AcceleratorCount.emplace().Min = -1; }},
      {"InvalidParameterValue", [](auto& r) { r.BareMetal = "perhaps"; }},
      {"InvalidParameterCombination",
       [](auto& r) {
         r.AllowedInstanceTypes = {"m5.*"};
         r.ExcludedInstanceTypes = {"m5.large"};
       }},
      {"UnsupportedOperation", [](auto& r) { r.NetworkBandwidthGbps.emplace().Min = 1; }},
      {"UnsupportedOperation", [](auto& r) { r.BaselineEbsBandwidthMbps.emplace().Min = 1; }},
  };
  for (const auto& one : cases) {
    InstanceRequirementsRequest wanted = at_least(2, 4096);
    one.change(wanted);
    const auto checked = check_requirements(wanted);
    ASSERT_FALSE(checked) << &one - cases;
    EXPECT_EQ(checked.error().code, one.code) << &one - cases;
  }
}

}  // namespace
}  // namespace brume::ec2
