// One machine, several regions: what a region's EC2 sees of the driver and the fabric.
//
// A region must not take another's instances and networks for orphans, so each list() leaves out what another region
// knows; and every region is told of every exit (it passes over ids that it does not know).
#pragma once

#include <functional>
#include <vector>

#include "compute/driver.h"
#include "net/fabric.h"

namespace brume::daemon {

using IsForeign = std::function<bool(const std::string& id)>;

// Hands the driver's one stream of exits to any number of listeners.
class ExitHub {
 public:
  explicit ExitHub(compute::Driver& driver) {
    driver.on_exit([this](const std::string& id, int status) {
      for (const auto& listener : listeners_) listener(id, status);
    });
  }
  void add(std::function<void(const std::string&, int)> listener) { listeners_.push_back(std::move(listener)); }

 private:
  std::vector<std::function<void(const std::string&, int)>> listeners_;
};

class RegionDriver : public compute::Driver {
 public:
  RegionDriver(compute::Driver& driver, ExitHub& exits, IsForeign foreign)
      : driver_(driver), exits_(exits), foreign_(std::move(foreign)) {}
  void start(const compute::InstanceSpec& spec, compute::Done done) override { driver_.start(spec, std::move(done)); }
  void stop(const std::string& id, env::Duration grace, compute::Done done) override {
    driver_.stop(id, grace, std::move(done));
  }
  void destroy(const std::string& id, compute::Done done) override { driver_.destroy(id, std::move(done)); }
  Result<std::vector<compute::Observed>> list() override {
    BRUME_TRY(all, driver_.list());
    std::erase_if(all, [this](const compute::Observed& o) { return foreign_(o.id); });
    return all;
  }
  Result<std::string> console(const std::string& id) override { return driver_.console(id); }
  void on_exit(std::function<void(const std::string&, int)> listener) override { exits_.add(std::move(listener)); }

 private:
  compute::Driver& driver_;
  ExitHub& exits_;
  IsForeign foreign_;
};

class RegionFabric : public net::Fabric {
 public:
  RegionFabric(net::Fabric& fabric, IsForeign foreign) : fabric_(fabric), foreign_(std::move(foreign)) {}
  Result<void> ensure_vpc(const net::VpcSpec& spec) override { return fabric_.ensure_vpc(spec); }
  Result<void> remove_vpc(const std::string& vpc_id) override { return fabric_.remove_vpc(vpc_id); }
  Result<void> ensure_interface(const net::InterfaceSpec& spec) override { return fabric_.ensure_interface(spec); }
  Result<void> remove_interface(const std::string& interface_id, const std::string& vpc_id) override {
    return fabric_.remove_interface(interface_id, vpc_id);
  }
  Result<void> remove_instance(const std::string& instance_id) override { return fabric_.remove_instance(instance_id); }
  Result<void> ensure_node(const net::NodeSpec& spec) override { return fabric_.ensure_node(spec); }
  Result<void> remove_node(const net::NodeSpec& spec) override { return fabric_.remove_node(spec); }
  Result<net::Inventory> list() override {
    BRUME_TRY(all, fabric_.list());
    for (auto* ids : {&all.vpcs, &all.instances, &all.interfaces})
      std::erase_if(*ids, [this](const std::string& id) { return foreign_(id); });
    return all;
  }
  [[nodiscard]] std::string vpc_namespace(const std::string& vpc_id) const override { return fabric_.vpc_namespace(vpc_id); }
  [[nodiscard]] std::string instance_namespace(const std::string& instance_id) const override {
    return fabric_.instance_namespace(instance_id);
  }

 private:
  net::Fabric& fabric_;
  IsForeign foreign_;
};

}  // namespace brume::daemon
