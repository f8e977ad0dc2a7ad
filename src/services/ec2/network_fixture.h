// For tests: the network half on a simulated world.
#pragma once

#include <gtest/gtest.h>

#include "env/sim.h"
#include "services/ec2/network_operations.h"
#include "store/memory_backend.h"

namespace brume::ec2 {

struct World {
  explicit World(store::MemoryBackend* disk = nullptr) : store(disk ? *disk : own_disk) {
    const auto loaded = state.load();
    EXPECT_TRUE(loaded) << loaded.error().message;
  }

  env::SimEnv sim;
  store::MemoryBackend own_disk;
  store::Store store;
  services::Hints hints{sim.loop};
  services::Context context{sim.env, store, hints, "ap-southeast-1"};
  NetworkState state{context};
  NetworkOperations api{context, state};
  aws::Call call{.region = "ap-southeast-1",
                 .request_id = "1",
                 .principal_arn = "arn:aws:iam::000000000000:root",
                 .user_id = "000000000000"};
  aws::Call service_call = context.call("elasticloadbalancing");
};

class NetworkTest : public ::testing::Test, public World {
 protected:
  // Calls an operation as the dispatcher does.
  template <typename R, typename Q>
  Result<R> run(Result<R> (NetworkOperations::*operation)(const aws::Call&, const Q&),
                const std::type_identity_t<Q>& request) {
    return run_as(call, operation, request);
  }
  template <typename R, typename Q>
  Result<R> run_as(const aws::Call& caller, Result<R> (NetworkOperations::*operation)(const aws::Call&, const Q&),
                   const std::type_identity_t<Q>& request) {
    return store.transact([&] { return (api.*operation)(caller, request); });
  }
  // The same, which must succeed.
  template <typename R, typename Q>
  R must(Result<R> (NetworkOperations::*operation)(const aws::Call&, const Q&),
         const std::type_identity_t<Q>& request) {
    auto result = run(operation, request);
    EXPECT_TRUE(result) << result.error().code << ": " << result.error().message;
    if constexpr (!std::is_void_v<R>) return result ? *std::move(result) : R{};
  }
  // The error's code, or "ok".
  template <typename R, typename Q>
  std::string code(Result<R> (NetworkOperations::*operation)(const aws::Call&, const Q&),
                   const std::type_identity_t<Q>& request) {
    auto result = run(operation, request);
    return result ? "ok" : result.error().code;
  }

  std::string make_vpc_id(const std::string& cidr = "10.0.0.0/16") {
    return must(&NetworkOperations::CreateVpc, {.CidrBlock = cidr}).Vpc->VpcId.value_or("");
  }
  std::string make_subnet_id(const std::string& vpc_id, const std::string& cidr,
                             const std::string& zone = "ap-southeast-1a") {
    return must(&NetworkOperations::CreateSubnet, {.AvailabilityZone = zone, .CidrBlock = cidr, .VpcId = vpc_id})
        .Subnet->SubnetId.value_or("");
  }
  std::string make_group_id(const std::string& vpc_id, const std::string& name = "web") {
    return must(&NetworkOperations::CreateSecurityGroup, {.Description = "test", .GroupName = name, .VpcId = vpc_id})
        .GroupId.value_or("");
  }
  std::string make_interface_id(const std::string& subnet_id, const std::string& description = "") {
    return must(&NetworkOperations::CreateNetworkInterface, {.SubnetId = subnet_id, .Description = description})
        .NetworkInterface->NetworkInterfaceId.value_or("");
  }
  static List<Filter> filter(const std::string& name, const std::string& value) {
    return {Filter{.Name = name, .Values = {value}}};
  }
};

using Ops = NetworkOperations;

}  // namespace brume::ec2
