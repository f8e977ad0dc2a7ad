#include "services/ec2/instance_types.h"

#include <algorithm>
#include <array>

namespace brume::ec2 {
namespace {

constexpr auto kTypes = [] {
  auto types = std::to_array<InstanceType>({
      {"t2.nano", 1, 512, 2, 2},         {"t2.micro", 1, 1024, 2, 2},       {"t2.small", 1, 2048, 3, 4},
      {"t2.medium", 2, 4096, 3, 6},      {"t2.large", 2, 8192, 3, 12},      {"t2.xlarge", 4, 16384, 3, 15},
      {"t2.2xlarge", 8, 32768, 3, 15},   {"t3.nano", 2, 512, 2, 2},         {"t3.micro", 2, 1024, 2, 2},
      {"t3.small", 2, 2048, 3, 4},       {"t3.medium", 2, 4096, 3, 6},      {"t3.large", 2, 8192, 3, 12},
      {"t3.xlarge", 4, 16384, 4, 15},    {"t3.2xlarge", 8, 32768, 4, 15},   {"t3a.nano", 2, 512, 2, 2},
      {"t3a.micro", 2, 1024, 2, 2},      {"t3a.small", 2, 2048, 2, 4},      {"t3a.medium", 2, 4096, 3, 6},
      {"t3a.large", 2, 8192, 3, 12},     {"t3a.xlarge", 4, 16384, 4, 15},   {"t3a.2xlarge", 8, 32768, 4, 15},
      {"m5.large", 2, 8192, 3, 10},      {"m5.xlarge", 4, 16384, 4, 15},    {"m5.2xlarge", 8, 32768, 4, 15},
      {"m5.4xlarge", 16, 65536, 8, 30},  {"m6i.large", 2, 8192, 3, 10},     {"m6i.xlarge", 4, 16384, 4, 15},
      {"m6i.2xlarge", 8, 32768, 4, 15},  {"m6i.4xlarge", 16, 65536, 8, 30}, {"c5.large", 2, 4096, 3, 10},
      {"c5.xlarge", 4, 8192, 4, 15},     {"c5.2xlarge", 8, 16384, 4, 15},   {"c5.4xlarge", 16, 32768, 8, 30},
      {"c6i.large", 2, 4096, 3, 10},     {"c6i.xlarge", 4, 8192, 4, 15},    {"c6i.2xlarge", 8, 16384, 4, 15},
      {"c6i.4xlarge", 16, 32768, 8, 30}, {"r5.large", 2, 16384, 3, 10},     {"r5.xlarge", 4, 32768, 4, 15},
      {"r5.2xlarge", 8, 65536, 4, 15},   {"r5.4xlarge", 16, 131072, 8, 30},
  });
  std::ranges::sort(types, {}, &InstanceType::name);
  return types;
}();

struct Family {
  std::string_view name;
  double clock_ghz;
  const char* network;
  const char* manufacturer;
};
constexpr Family kFamilies[] = {
    {"t2", 2.5, "Low to Moderate", "Intel"},     {"t3", 2.5, "Up to 5 Gigabit", "Intel"},
    {"t3a", 2.2, "Up to 5 Gigabit", "AMD"},      {"m5", 3.1, "Up to 10 Gigabit", "Intel"},
    {"m6i", 3.5, "Up to 12.5 Gigabit", "Intel"}, {"c5", 3.4, "Up to 10 Gigabit", "Intel"},
    {"c6i", 3.5, "Up to 12.5 Gigabit", "Intel"}, {"r5", 3.1, "Up to 10 Gigabit", "Intel"},
};

}  // namespace

std::span<const InstanceType> instance_types() {
  return kTypes;
}

const InstanceType* find_instance_type(std::string_view name) {
  const auto found = std::ranges::lower_bound(kTypes, name, {}, &InstanceType::name);
  return found != kTypes.end() && found->name == name ? &*found : nullptr;
}

int threads_per_core(const InstanceType& type) {
  return type.family() == "t2" ? 1 : 2;
}

InstanceTypeInfo describe(const InstanceType& type) {
  const Family& family = *std::ranges::find(kFamilies, type.family(), &Family::name);
  const bool xen = family.name == "t2";
  const int threads = threads_per_core(type);
  InstanceTypeInfo info;
  info.InstanceType = std::string(type.name);
  info.CurrentGeneration = true;
  info.FreeTierEligible = type.name == "t2.micro" || type.name == "t3.micro";
  info.SupportedUsageClasses = {"on-demand", "spot"};
  info.SupportedRootDeviceTypes = {"ebs"};
  info.SupportedVirtualizationTypes = {"hvm"};
  info.BareMetal = false;
  info.Hypervisor = xen ? "xen" : "nitro";
  auto& processor = info.ProcessorInfo.emplace();
  processor.SupportedArchitectures = {"x86_64"};
  processor.SustainedClockSpeedInGhz = family.clock_ghz;
  processor.Manufacturer = family.manufacturer;
  auto& vcpu = info.VCpuInfo.emplace();
  vcpu.DefaultVCpus = type.vcpus;
  vcpu.DefaultCores = type.vcpus / threads;
  vcpu.DefaultThreadsPerCore = threads;
  info.MemoryInfo.emplace().SizeInMiB = type.memory_mib;
  info.InstanceStorageSupported = false;
  auto& ebs = info.EbsInfo.emplace();
  ebs.EbsOptimizedSupport = xen ? "unsupported" : "default";
  ebs.EncryptionSupport = "unsupported";
  ebs.NvmeSupport = xen ? "unsupported" : "required";
  auto& network = info.NetworkInfo.emplace();
  network.NetworkPerformance = family.network;
  network.MaximumNetworkInterfaces = type.interfaces;
  network.MaximumNetworkCards = 1;
  network.DefaultNetworkCardIndex = 0;
  auto& card = network.NetworkCards.emplace_back();
  card.NetworkCardIndex = 0;
  card.NetworkPerformance = family.network;
  card.MaximumNetworkInterfaces = type.interfaces;
  network.Ipv4AddressesPerInterface = type.addresses_per_interface;
  network.Ipv6AddressesPerInterface = type.addresses_per_interface;
  network.Ipv6Supported = true;
  network.EnaSupport = xen ? "unsupported" : "required";
  network.EfaSupported = false;
  network.EncryptionInTransitSupported = false;
  info.PlacementGroupInfo.emplace().SupportedStrategies.set_present();
  info.HibernationSupported = false;
  info.BurstablePerformanceSupported = type.burstable();
  info.DedicatedHostsSupported = false;
  info.AutoRecoverySupported = false;
  info.SupportedBootModes = {"legacy-bios"};
  return info;
}

}  // namespace brume::ec2
