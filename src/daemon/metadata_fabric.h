// A fabric whose VPCs have the metadata service: opens it once a VPC's namespace is there, closes it before it goes.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>

#include "env/loop.h"
#include "net/fabric.h"

namespace brume::daemon {

class MetadataFabric : public net::Fabric {
 public:
  // `open` and `close` run on the loop. All else is `fabric`'s.
  MetadataFabric(net::Fabric& fabric, env::Loop& loop, std::function<void(const std::string& vpc_id)> open,
                 std::function<void(const std::string& vpc_id)> close)
      : fabric_(fabric), loop_(loop), open_(std::move(open)), close_(std::move(close)) {}

  // The loop runs no more: whoever waits for it is let go with an error.
  void loop_ended();

  Result<void> ensure_vpc(const net::VpcSpec& spec) override;
  Result<void> remove_vpc(const std::string& vpc_id) override;
  Result<void> ensure_interface(const net::InterfaceSpec& spec) override { return fabric_.ensure_interface(spec); }
  Result<void> remove_interface(const std::string& interface_id, const std::string& vpc_id) override {
    return fabric_.remove_interface(interface_id, vpc_id);
  }
  Result<void> remove_instance(const std::string& instance_id) override { return fabric_.remove_instance(instance_id); }
  Result<void> ensure_node(const net::NodeSpec& spec) override { return fabric_.ensure_node(spec); }
  Result<void> remove_node(const net::NodeSpec& spec) override { return fabric_.remove_node(spec); }
  Result<void> enforce(const net::Policy& policy) override { return fabric_.enforce(policy); }
  Result<std::vector<std::string>> route(const net::Routing& routing) override { return fabric_.route(routing); }
  Result<std::int64_t> watch_flows(const net::FlowWatch& watch, std::int64_t now, std::int64_t delivered) override {
    return fabric_.watch_flows(watch, now, delivered);
  }
  Result<std::vector<net::FlowPeriod>> collect_flows(const net::FlowWatch& watch, std::int64_t now) override {
    return fabric_.collect_flows(watch, now);
  }
  Result<net::Inventory> list() override { return fabric_.list(); }
  [[nodiscard]] std::string vpc_namespace(const std::string& vpc_id) const override {
    return fabric_.vpc_namespace(vpc_id);
  }
  [[nodiscard]] std::string instance_namespace(const std::string& instance_id) const override {
    return fabric_.instance_namespace(instance_id);
  }

 private:
  net::Fabric& fabric_;
  env::Loop& loop_;
  std::function<void(const std::string&)> open_, close_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool loop_ended_ = false;
};

}  // namespace brume::daemon
