// The instance half of EC2: instances, launch templates, images, key pairs, instance types.
//
// Handlers validate and write desired state; the controllers make it so. What they need of the network they call on
// themselves (the API's own operations, overridden by NetworkOperations in Service) or on NetworkState.
// One topic a .cc file: run_instances, instance_states, describe_instances, instance_attributes, interface_attachment,
// private_address_operations, launch_templates, image_operations, key_pairs, volumes, spot_operations,
// describe_instance_types.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compute/driver.h"
#include "compute/images.h"
#include "ec2/api.h"
#include "services/common/context.h"
#include "services/ec2/image_controller.h"
#include "services/ec2/instance_controller.h"
#include "services/ec2/instance_metrics.h"
#include "services/ec2/instance_network.h"
#include "services/ec2/instance_record.h"
#include "services/ec2/launch_template_record.h"
#include "services/ec2/machine_room.h"
#include "services/ec2/network_state.h"
#include "services/ec2/spot_controller.h"
#include "store/table.h"

namespace brume::ec2 {

// What a launch needs to know of an IAM instance profile.
struct InstanceProfile {
  std::string name;
  std::string id;  // AIPA…
  std::string arn;
};
// By name or by ARN; none: there is no such profile.
using InstanceProfiles = std::function<std::optional<InstanceProfile>(std::string_view)>;

struct SubnetBlocks {
  std::string cidr;
  std::vector<std::string> ipv6_cidrs;
};

// What the metadata service tells an instance about itself.
struct InstanceView {
  Instance instance;  // as DescribeInstances answers it, with its tags
  std::string reservation_id;
  std::string user_data;     // decoded
  std::string key_material;  // public key, OpenSSH form; may be empty
  std::string profile_name;  // of the instance profile; may be empty
  std::string vpc_cidr;
  std::vector<std::string> vpc_ipv6_cidrs;
  std::map<std::string, SubnetBlocks> subnets;  // of its interfaces, by id
  // Of a Spot Instance that was given notice: when, and when it ends.
  std::optional<Timestamp> noticed_at, interrupt_at;
};

class InstanceOperations : public virtual Api {
 public:
  InstanceOperations(services::Context context, NetworkState& network, InstanceNetwork& fabric, compute::Driver& driver,
                     compute::Images& images, InstanceProfiles profiles, services::MetricSink& metrics);

  Result<void> load_instances();
  Result<void> start_instances();
  // The instance that has this address in this VPC, unless it is terminated.
  [[nodiscard]] std::optional<InstanceView> find_by_address(std::string_view vpc_id, std::string_view address) const;
  [[nodiscard]] InstanceMetrics& instance_metrics() { return instance_metrics_; }
  void limit_memory(MachineRoom room) { room_ = std::move(room); }
  [[nodiscard]] std::int64_t memory_taken_mib() const { return ec2::memory_taken_mib(instances_); }

  Result<Reservation> RunInstances(const aws::Call& call, const RunInstancesRequest& request) override;
  Result<DescribeInstancesResult> DescribeInstances(const aws::Call& call,
                                                    const DescribeInstancesRequest& request) override;
  Result<DescribeInstanceStatusResult> DescribeInstanceStatus(const aws::Call& call,
                                                              const DescribeInstanceStatusRequest& request) override;
  Result<StartInstancesResult> StartInstances(const aws::Call& call, const StartInstancesRequest& request) override;
  Result<StopInstancesResult> StopInstances(const aws::Call& call, const StopInstancesRequest& request) override;
  Result<void> RebootInstances(const aws::Call& call, const RebootInstancesRequest& request) override;
  Result<TerminateInstancesResult> TerminateInstances(const aws::Call& call,
                                                      const TerminateInstancesRequest& request) override;
  Result<GetConsoleOutputResult> GetConsoleOutput(const aws::Call& call,
                                                  const GetConsoleOutputRequest& request) override;

  Result<AttachNetworkInterfaceResult> AttachNetworkInterface(const aws::Call& call,
                                                              const AttachNetworkInterfaceRequest& request) override;
  Result<void> DetachNetworkInterface(const aws::Call& call, const DetachNetworkInterfaceRequest& request) override;

  Result<AssignPrivateIpAddressesResult> AssignPrivateIpAddresses(
      const aws::Call& call, const AssignPrivateIpAddressesRequest& request) override;
  Result<void> UnassignPrivateIpAddresses(const aws::Call& call,
                                          const UnassignPrivateIpAddressesRequest& request) override;

  Result<InstanceAttribute> DescribeInstanceAttribute(const aws::Call& call,
                                                      const DescribeInstanceAttributeRequest& request) override;
  Result<void> ModifyInstanceAttribute(const aws::Call& call, const ModifyInstanceAttributeRequest& request) override;
  Result<ModifyInstanceMetadataOptionsResult> ModifyInstanceMetadataOptions(
      const aws::Call& call, const ModifyInstanceMetadataOptionsRequest& request) override;
  Result<MonitorInstancesResult> MonitorInstances(const aws::Call& call,
                                                  const MonitorInstancesRequest& request) override;
  Result<UnmonitorInstancesResult> UnmonitorInstances(const aws::Call& call,
                                                      const UnmonitorInstancesRequest& request) override;
  Result<DescribeInstanceCreditSpecificationsResult> DescribeInstanceCreditSpecifications(
      const aws::Call& call, const DescribeInstanceCreditSpecificationsRequest& request) override;
  Result<DescribeIamInstanceProfileAssociationsResult> DescribeIamInstanceProfileAssociations(
      const aws::Call& call, const DescribeIamInstanceProfileAssociationsRequest& request) override;
  Result<DescribeVolumesResult> DescribeVolumes(const aws::Call& call, const DescribeVolumesRequest& request) override;
  Result<DescribeSpotInstanceRequestsResult> DescribeSpotInstanceRequests(
      const aws::Call& call, const DescribeSpotInstanceRequestsRequest& request) override;
  Result<CancelSpotInstanceRequestsResult> CancelSpotInstanceRequests(
      const aws::Call& call, const CancelSpotInstanceRequestsRequest& request) override;
  Result<DescribeInstanceTypesResult> DescribeInstanceTypes(const aws::Call& call,
                                                            const DescribeInstanceTypesRequest& request) override;
  Result<GetInstanceTypesFromInstanceRequirementsResult> GetInstanceTypesFromInstanceRequirements(
      const aws::Call& call, const GetInstanceTypesFromInstanceRequirementsRequest& request) override;
  Result<DescribeInstanceTypeOfferingsResult> DescribeInstanceTypeOfferings(
      const aws::Call& call, const DescribeInstanceTypeOfferingsRequest& request) override;

  Result<CreateLaunchTemplateResult> CreateLaunchTemplate(const aws::Call& call,
                                                          const CreateLaunchTemplateRequest& request) override;
  Result<CreateLaunchTemplateVersionResult> CreateLaunchTemplateVersion(
      const aws::Call& call, const CreateLaunchTemplateVersionRequest& request) override;
  Result<DescribeLaunchTemplatesResult> DescribeLaunchTemplates(const aws::Call& call,
                                                                const DescribeLaunchTemplatesRequest& request) override;
  Result<DescribeLaunchTemplateVersionsResult> DescribeLaunchTemplateVersions(
      const aws::Call& call, const DescribeLaunchTemplateVersionsRequest& request) override;
  Result<ModifyLaunchTemplateResult> ModifyLaunchTemplate(const aws::Call& call,
                                                          const ModifyLaunchTemplateRequest& request) override;
  Result<DeleteLaunchTemplateResult> DeleteLaunchTemplate(const aws::Call& call,
                                                          const DeleteLaunchTemplateRequest& request) override;
  Result<DeleteLaunchTemplateVersionsResult> DeleteLaunchTemplateVersions(
      const aws::Call& call, const DeleteLaunchTemplateVersionsRequest& request) override;
  Result<GetLaunchTemplateDataResult> GetLaunchTemplateData(const aws::Call& call,
                                                            const GetLaunchTemplateDataRequest& request) override;

  Result<RegisterImageResult> RegisterImage(const aws::Call& call, const RegisterImageRequest& request) override;
  Result<DeregisterImageResult> DeregisterImage(const aws::Call& call, const DeregisterImageRequest& request) override;
  Result<DescribeImagesResult> DescribeImages(const aws::Call& call, const DescribeImagesRequest& request) override;
  Result<ImageAttribute> DescribeImageAttribute(const aws::Call& call,
                                                const DescribeImageAttributeRequest& request) override;

  Result<KeyPair> CreateKeyPair(const aws::Call& call, const CreateKeyPairRequest& request) override;
  Result<ImportKeyPairResult> ImportKeyPair(const aws::Call& call, const ImportKeyPairRequest& request) override;
  Result<DescribeKeyPairsResult> DescribeKeyPairs(const aws::Call& call,
                                                  const DescribeKeyPairsRequest& request) override;
  Result<DeleteKeyPairResult> DeleteKeyPair(const aws::Call& call, const DeleteKeyPairRequest& request) override;

 protected:
  // Changes a row and has its controller look once that is durable.
  void put(const std::string& id, InstanceRecord record);

 private:
  // run_instances.cc
  struct Launch;
  Result<Launch> prepare(const aws::Call& call, const RunInstancesRequest& request);
  Result<std::string> launch_one(const aws::Call& call, const Launch& launch, int index,
                                 const std::string& reservation_id);
  // How many more instances of this type fit, at least `least` of `most`. Where they do not, Spot Instances are asked
  // to give way to On-Demand ones. Error: InsufficientInstanceCapacity.
  Result<int> count_that_fits(const InstanceType& type, int least, int most, bool spot);

  // describe_instances.cc
  // As an answer shows it: with its tags, groups and interfaces.
  Instance answer(const InstanceRecord& record) const;
  Reservation reservation(const InstanceRecord& record) const;
  // Those with these ids, in order (all if there are none). Errors: InvalidInstanceID.NotFound, .Malformed.
  Result<std::vector<const InstanceRecord*>> find_instances(const List<std::string>& ids) const;
  Result<const InstanceRecord*> find_instance(const std::optional<std::string>& id) const;

  // instance_attributes.cc: turns detailed monitoring on or off.
  template <typename Answer, typename Request>
  Result<Answer> set_monitoring(const Request& request, bool detailed);
  // private_address_operations.cc
  // That its instance's type allows it.
  [[nodiscard]] std::size_t most_private_addresses(const NetworkInterface& interface) const;

  // image_operations.cc
  Result<const Image*> find_image(const std::optional<std::string>& id) const;

  // launch_templates.cc
  Result<const LaunchTemplate*> find_template(const std::optional<std::string>& id,
                                              const std::optional<std::string>& name) const;
  // `version`: a number, "$Latest" or "$Default".
  Result<const LaunchTemplateVersion*> find_version(const LaunchTemplate& launch_template,
                                                    std::string_view version) const;
  LaunchTemplate answer(const LaunchTemplate& launch_template) const;

  services::Context context_;
  NetworkState& network_;
  compute::Driver& driver_;
  InstanceProfiles profiles_;
  store::Table<InstanceRecord> instances_;
  store::Table<Image> image_table_;
  store::Table<KeyPairInfo> key_pairs_;                           // by name
  store::Table<LaunchTemplate> launch_templates_;                 // by id
  store::Table<LaunchTemplateVersion> launch_template_versions_;  // by version_key()
  ImageController image_controller_;
  InstanceController instance_controller_;
  InstanceMetrics instance_metrics_;
  SpotController spot_;
  MachineRoom room_;
};

// What a dry run answers when the call would have succeeded. It is a failure, so what the handler wrote is undone.
template <typename Request, typename T>
Result<T> unless_dry_run(const Request& request, T result) {
  if (request.DryRun.value_or(false))
    return std::unexpected(Error{"DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412});
  return result;
}
template <typename Request>
Result<void> unless_dry_run(const Request& request) {
  if (request.DryRun.value_or(false))
    return std::unexpected(Error{"DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412});
  return {};
}

}  // namespace brume::ec2
