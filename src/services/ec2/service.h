// EC2 of one region: the two halves of its API, and the controllers that make it so.
#pragma once

#include "compute/driver.h"
#include "compute/images.h"
#include "net/fabric.h"
#include "services/common/context.h"
#include "services/ec2/fabric_controller.h"
#include "services/ec2/flow_log_controller.h"
#include "services/ec2/instance_operations.h"
#include "services/ec2/network_insights.h"
#include "services/ec2/network_operations.h"

namespace brume::ec2 {

// The fabric controller as instances use it.
class InstanceFabric : public InstanceNetwork {
 public:
  InstanceFabric(FabricController& controller, net::Fabric& fabric) : controller_(controller), fabric_(fabric) {}
  void ensure(const std::string& instance_id, std::function<void(Result<void>)> done) override {
    controller_.ensure_instance(instance_id, std::move(done));
  }
  void remove(const std::string& instance_id, std::function<void(Result<void>)> done) override {
    controller_.remove_instance(instance_id, std::move(done));
  }
  [[nodiscard]] std::string network_namespace(const std::string& instance_id) const override {
    return fabric_.instance_namespace(instance_id);
  }

 private:
  FabricController& controller_;
  net::Fabric& fabric_;
};

// What both halves stand on; a base of Service so that it is there before them.
struct ServiceGround {
  ServiceGround(const services::Context& service_context, net::Fabric& fabric, services::LogSink& logs)
      : context(service_context),
        network(service_context),
        fabric_controller(network, fabric),
        flow_log_controller(network, fabric, logs),
        instance_fabric(fabric_controller, fabric) {}
  services::Context context;
  NetworkState network;
  FabricController fabric_controller;
  FlowLogController flow_log_controller;
  InstanceFabric instance_fabric;
};

class Service : private ServiceGround, public NetworkOperations, public InstanceOperations, public NetworkInsights {
 public:
  Service(const services::Context& service_context, net::Fabric& fabric, compute::Driver& driver,
          compute::Images& images, services::LogSink& logs, services::MetricSink& metrics, InstanceProfiles profiles)
      : ServiceGround(service_context, fabric, logs),
        NetworkOperations(context, network),
        InstanceOperations(context, network, instance_fabric, driver, images, std::move(profiles), metrics),
        NetworkInsights(context, network) {}

  // Reads the tables; makes the region's default VPC the first time.
  Result<void> load();
  // Looks at what is on the machine and begins to follow the tables. Errors: the driver's, if it cannot tell.
  Result<void> start();

  // For those who need more of the network than the API answers (the load balancers' nodes, the metadata service).
  [[nodiscard]] NetworkState& network_state() { return network; }
};

}  // namespace brume::ec2
