// The fabric as the Linux kernel's namespaces, veths and routes. Needs CAP_SYS_ADMIN and CAP_NET_ADMIN.
//
// What is there is in the kernel only: namespaces by their file names in <run_dir>/netns, an instance's interface by
// its link in the VPC namespace, whose alias is the spec it was made for. The alias is set last, so a link without one
// is the rest of a call that was cut off; it does not count, and the next ensure_interface makes it anew. Leaves to
// others: repairing what someone with the right to enter a
// namespace changes in it by hand.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>

#include "net/edge.h"
#include "net/fabric.h"
#include "net/policy_update.h"

namespace brume::net {

class KernelFabric : public Fabric {
 public:
  // Makes nothing yet.
  explicit KernelFabric(std::string run_dir, EdgeOptions options = {})
      : folder_(std::move(run_dir) + "/netns"), edge_(folder_, std::move(options)) {}

  Result<void> ensure_vpc(const VpcSpec& spec) override;
  Result<void> remove_vpc(const std::string& vpc_id) override;
  Result<void> ensure_interface(const InterfaceSpec& spec) override;
  Result<void> remove_interface(const std::string& interface_id, const std::string& vpc_id) override;
  Result<void> remove_instance(const std::string& instance_id) override;
  Result<void> ensure_node(const NodeSpec& spec) override;
  Result<void> remove_node(const NodeSpec& spec) override;
  Result<void> enforce(const Policy& policy) override;
  Result<std::vector<std::string>> route(const Routing& routing) override;  // kernel_routes.cc
  Result<std::int64_t> watch_flows(const FlowWatch& watch, std::int64_t now, std::int64_t delivered) override;
  Result<std::vector<FlowPeriod>> collect_flows(const FlowWatch& watch, std::int64_t now) override;  // kernel_flows.cc
  Result<Inventory> list() override;
  [[nodiscard]] std::string vpc_namespace(const std::string& vpc_id) const override { return folder_ + "/" + vpc_id; }
  [[nodiscard]] std::string instance_namespace(const std::string& instance_id) const override {
    return folder_ + "/" + instance_id;
  }

  // Removes every namespace below run_dir with all that is in it, for `make down`. Goes on after a failure and returns
  // the first.
  Result<void> sweep();

 private:
  Result<void> make_folder() const;
  [[nodiscard]] Result<std::vector<std::string>> names() const;
  void forget(const std::string& vpc_id);
  // Changes the public addresses alone.
  Result<void> retranslate(const Routing& before, const Routing& after);
  std::shared_ptr<const Routing> take_routed(const std::string& vpc_id);
  void remember_routed(const Routing& routing);
  void forget_routes_to(const std::string& interface_id, const std::string& vpc_id);
  // Takes the veths out of the namespace and the namespace off its path.
  Result<void> remove_namespace(const std::string& name);

  // Locks for one id, shared by those of the same hash.
  using Stripes = std::array<std::mutex, 32>;
  static std::mutex& lock_for(Stripes& stripes, std::string_view id) {
    return stripes[std::hash<std::string_view>()(id) % stripes.size()];
  }

  std::string folder_;
  // Taken in this order. Exclusive for what concerns a VPC as a whole. Removing a link means waiting for the kernel's
  // readers (tens of milliseconds), which many removals do together.
  std::shared_mutex vpcs_;
  Stripes instances_, interfaces_, policies_, flows_;
  // What each VPC's table was last made, so that a change costs what it changes. Without it the table is replaced
  // whole.
  std::mutex applied_mutex_;
  std::map<std::string, std::shared_ptr<const PolicyTable>> applied_;
  // And its routes, where it has a way out and no peer is missing; out of here while they are changed. Without it all
  // is compared with the kernel.
  std::map<std::string, std::shared_ptr<const Routing>> routed_;
  // Held by whoever changes routes, which lead from one VPC to another and to the host.
  std::mutex routes_;
  Edge edge_;
};

}  // namespace brume::net
