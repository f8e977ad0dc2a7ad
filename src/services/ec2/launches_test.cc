// RunInstances, launch templates and what describes instances.
#include "base/base64.h"
#include "services/ec2/instance_types.h"
#include "services/ec2/instances_testing.h"

namespace brume::ec2 {
namespace {

using namespace std::chrono_literals;

class Launches : public testing::Region {
 protected:
  std::string make_template(const RequestLaunchTemplateData& data, const std::string& name = "web") {
    CreateLaunchTemplateRequest request;
    request.LaunchTemplateName = name;
    request.LaunchTemplateData = data;
    auto made = call(&Api::CreateLaunchTemplate, request);
    EXPECT_TRUE(made) << made.error().message;
    return made ? *made->LaunchTemplate->LaunchTemplateId : "";
  }
  std::vector<std::string> ids_with(const std::string& filter, const std::string& wanted) {
    DescribeInstancesRequest request;
    request.Filters.push_back({.Name = filter, .Values = {wanted}});
    auto found = call(&Api::DescribeInstances, request);
    EXPECT_TRUE(found) << filter << ": " << found.error().message;
    std::vector<std::string> ids;
    if (found)
      for (const Reservation& reservation : found->Reservations)
        for (const Instance& instance : reservation.Instances) ids.push_back(*instance.InstanceId);
    return ids;
  }
};

TEST_F(Launches, ErrorsByTable) {
  const std::string image = make_image();
  const struct {
    const char* error;
    std::function<void(RunInstancesRequest&)> change;
  } cases[] = {
      {"InvalidAMIID.NotFound", [](auto& r) { r.ImageId = "ami-0123456789abcdef0"; }},
      {"InvalidAMIID.Malformed", [](auto& r) { r.ImageId = "image"; }},
      {"UnsupportedOperation", [](auto& r) { r.ImageId = "resolve:ssm:/my/image"; }},
      {"MissingParameter", [](auto& r) { r.ImageId.reset(); }},
      {"InvalidParameterValue", [](auto& r) { r.InstanceType = "x1.huge"; }},
      {"InvalidKeyPair.NotFound", [](auto& r) { r.KeyName = "nobody"; }},
      {"InvalidSubnetID.NotFound", [](auto& r) { r.SubnetId = "subnet-0123456789abcdef0"; }},
      {"InvalidSubnetID.Malformed", [](auto& r) { r.SubnetId = "net"; }},
      {"InvalidGroup.NotFound", [](auto& r) { r.SecurityGroupIds = {"sg-0123456789abcdef0"}; }},
      {"InvalidGroup.NotFound", [](auto& r) { r.SecurityGroups = {"nobody"}; }},
      {"InvalidParameterValue", [](auto& r) { r.IamInstanceProfile.emplace().Name = "nobody"; }},
      {"InvalidParameterValue", [](auto& r) { r.UserData = base64_encode(std::string(16385, 'x')); }},
      {"InvalidUserData.Malformed", [](auto& r) { r.UserData = "#!/bin/sh"; }},
      {"InvalidParameterCombination",
       [](auto& r) {
         r.MinCount = 3;
         r.MaxCount = 2;
       }},
      {"InvalidParameterValue", [](auto& r) { r.MinCount = 0; }},
      {"InstanceLimitExceeded", [](auto& r) { r.MaxCount = 100000; }},
      {"InvalidParameterValue", [](auto& r) { r.Placement.emplace().AvailabilityZone = "eu-west-1a"; }},
      {"UnsupportedOperation", [](auto& r) { r.Placement.emplace().Tenancy = "dedicated"; }},
      {"UnsupportedOperation", [](auto& r) { r.HibernationOptions.emplace().Configured = true; }},
      {"UnsupportedOperation",
       [](auto& r) {
         r.BlockDeviceMappings.push_back({.Ebs = EbsBlockDevice{.VolumeSize = 5}, .DeviceName = "/dev/sdb"});
       }},
      {"UnsupportedOperation",
       [](auto& r) {
         r.BlockDeviceMappings.push_back({.Ebs = EbsBlockDevice{.Encrypted = true}, .DeviceName = "/dev/xvda"});
       }},
      {"InvalidBlockDeviceMapping",
       [](auto& r) {
         r.BlockDeviceMappings.push_back({.Ebs = EbsBlockDevice{.VolumeSize = 1}, .DeviceName = "/dev/xvda"});
       }},
      {"InvalidLaunchTemplateName.NotFoundException",
       [](auto& r) { r.LaunchTemplate.emplace().LaunchTemplateName = "nobody"; }},
      {"InvalidLaunchTemplateId.NotFound",
       [](auto& r) { r.LaunchTemplate.emplace().LaunchTemplateId = "lt-0123456789abcdef0"; }},
      {"InvalidLaunchTemplateId.Malformed", [](auto& r) { r.LaunchTemplate.emplace().LaunchTemplateId = "web"; }},
      {"InvalidParameterValue",
       [](auto& r) {
         r.TagSpecifications.push_back({.ResourceType = "instance", .Tags = {{.Key = "aws:x", .Value = "y"}}});
       }},
  };
  int index = 0;
  for (const auto& c : cases) {
    RunInstancesRequest request = launch_of(image);
    c.change(request);
    EXPECT_EQ(code(call(&Api::RunInstances, request)), c.error) << "case " << index;
    ++index;
  }
  EXPECT_EQ(plane->network.network_interfaces.size(), 0u);
}

TEST_F(Launches, MalformedAndUnknownIds) {
  EXPECT_EQ(code(call(&Api::DescribeInstances, DescribeInstancesRequest{.InstanceIds = {"x"}})),
            "InvalidInstanceID.Malformed");
  auto one = call(&Api::DescribeInstances, DescribeInstancesRequest{.InstanceIds = {"i-0123456789abcdef0"}});
  EXPECT_EQ(one.error().message, "The instance ID 'i-0123456789abcdef0' does not exist");
  auto two = call(&Api::DescribeInstances,
                  DescribeInstancesRequest{.InstanceIds = {"i-0123456789abcdef0", "i-1123456789abcdef0"}});
  EXPECT_EQ(two.error().message, "The instance IDs 'i-0123456789abcdef0, i-1123456789abcdef0' do not exist");
}

TEST_F(Launches, FromATemplateWithOverrides) {
  const std::string image = make_image();
  RequestLaunchTemplateData data;
  data.ImageId = image;
  data.InstanceType = "t2.micro";
  data.UserData = base64_encode("#!/bin/sh\n");
  data.IamInstanceProfile.emplace().Name = "web";
  data.MetadataOptions.emplace().HttpTokens = "required";
  data.Monitoring.emplace().Enabled = true;
  data.TagSpecifications.push_back(
      {.ResourceType = "instance", .Tags = {{.Key = "Name", .Value = "web"}, {.Key = "a", .Value = "1"}}});
  data.TagSpecifications.push_back({.ResourceType = "volume", .Tags = {{.Key = "Name", .Value = "disk"}}});
  data.BlockDeviceMappings.push_back(
      {.DeviceName = "/dev/xvda", .Ebs = LaunchTemplateEbsBlockDeviceRequest{.VolumeSize = 20, .VolumeType = "gp3"}});
  data.NetworkInterfaces.push_back({.AssociatePublicIpAddress = true, .DeleteOnTermination = true, .DeviceIndex = 0});
  const std::string lt = make_template(data);

  RunInstancesRequest request;
  request.LaunchTemplate.emplace().LaunchTemplateId = lt;
  request.LaunchTemplate->Version = "$Latest";
  request.MinCount = request.MaxCount = 1;
  request.InstanceType = "t3.small";
  const Subnet* subnet = plane->network.subnets_of(*plane->network.default_vpc()->vpc.VpcId).at(1);
  request.SubnetId = subnet->SubnetId;
  request.TagSpecifications.push_back({.ResourceType = "instance", .Tags = {{.Key = "a", .Value = "2"}}});
  const std::string id = launch(request);
  run_for(1s);
  const Instance instance = shown(id);
  EXPECT_EQ(instance.InstanceType, "t3.small");
  EXPECT_EQ(instance.SubnetId, subnet->SubnetId);
  EXPECT_EQ(instance.MetadataOptions->HttpTokens, "required");
  EXPECT_EQ(instance.Monitoring->State, "enabled");
  EXPECT_EQ(instance.IamInstanceProfile->Arn, "arn:aws:iam::000000000000:instance-profile/web");
  std::map<std::string, std::string> tags;
  for (const Tag& tag : instance.Tags) tags[*tag.Key] = *tag.Value;
  EXPECT_EQ(
      tags,
      (std::map<std::string, std::string>{
          {"Name", "web"}, {"a", "2"}, {"aws:ec2launchtemplate:id", lt}, {"aws:ec2launchtemplate:version", "1"}}));
  auto volumes = call(&Api::DescribeVolumes, DescribeVolumesRequest());
  ASSERT_EQ(volumes->Volumes.size(), 1u);
  EXPECT_EQ(volumes->Volumes[0].Size, 20);
  EXPECT_EQ(volumes->Volumes[0].VolumeType, "gp3");
  EXPECT_EQ(volumes->Volumes[0].Tags.at(0).Value, "disk");
  EXPECT_EQ(instance.BlockDeviceMappings.at(0).Ebs->VolumeId, volumes->Volumes[0].VolumeId);
  auto associations =
      call(&Api::DescribeIamInstanceProfileAssociations, DescribeIamInstanceProfileAssociationsRequest());
  EXPECT_EQ(associations->IamInstanceProfileAssociations.at(0).InstanceId, id);

  const auto view = plane->api.find_by_address(*instance.VpcId, *instance.PrivateIpAddress);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->user_data, "#!/bin/sh\n");
  EXPECT_EQ(view->profile_name, "web");
  EXPECT_EQ(view->subnets.at(*subnet->SubnetId).cidr, subnet->CidrBlock);
  EXPECT_FALSE(plane->api.find_by_address("vpc-0", *instance.PrivateIpAddress));

  const std::pair<const char*, std::string> filters[] = {
      {"instance-id", id},
      {"instance-id", id.substr(0, 10) + "*"},
      {"instance-state-name", "running"},
      {"tag:Name", "w*"},
      {"tag-key", "a"},
      {"vpc-id", *instance.VpcId},
      {"subnet-id", *instance.SubnetId},
      {"private-ip-address", *instance.PrivateIpAddress},
      {"image-id", image},
      {"instance-type", "t3.*"},
      {"availability-zone", *subnet->AvailabilityZone},
      {"instance.group-id", *instance.SecurityGroups.at(0).GroupId},
      {"instance.group-name", "default"},
      {"tag:aws:ec2launchtemplate:id", lt},
      {"iam-instance-profile.arn", *instance.IamInstanceProfile->Arn},
      {"network-interface.network-interface-id", *instance.NetworkInterfaces.at(0).NetworkInterfaceId},
      {"network-interface.attachment.device-index", "0"},
      {"owner-id", "000000000000"},
      {"instance-state-code", "16"},
  };
  for (const auto& [filter, wanted] : filters) {
    EXPECT_EQ(ids_with(filter, wanted), std::vector<std::string>{id}) << filter;
    EXPECT_TRUE(ids_with(filter, "nothing-like-it").empty()) << filter;
  }
  DescribeInstancesRequest misspelt;
  misspelt.Filters.push_back({.Name = "instance-sate-name", .Values = {"running"}});
  EXPECT_EQ(code(call(&Api::DescribeInstances, misspelt)), "InvalidParameterValue");

  auto data_again = call(&Api::GetLaunchTemplateData, GetLaunchTemplateDataRequest{.InstanceId = id});
  ASSERT_TRUE(data_again);
  EXPECT_EQ(data_again->LaunchTemplateData->InstanceType, "t3.small");
  EXPECT_EQ(data_again->LaunchTemplateData->NetworkInterfaces.size(), 1u);
}

TEST_F(Launches, PagesAndReservations) {
  ASSERT_TRUE(call(&Api::RunInstances, launch_of(make_image(), 12)));
  std::set<std::string> seen;
  DescribeInstancesRequest request;
  request.MaxResults = 5;
  int pages = 0;
  do {
    auto page = call(&Api::DescribeInstances, request);
    ASSERT_TRUE(page);
    ASSERT_EQ(page->Reservations.size(), 1u);
    for (const Instance& instance : page->Reservations[0].Instances)
      EXPECT_TRUE(seen.insert(*instance.InstanceId).second);
    request.NextToken = page->NextToken;
    ++pages;
  } while (request.NextToken);
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(seen.size(), 12u);
}

TEST_F(Launches, ASecondInterfaceComesAndGoes) {
  const std::string id = launch(launch_of(make_image()));
  const auto make = [&](const std::optional<std::string>& zone) {
    for (const auto& [subnet_id, subnet] : plane->network.subnets.rows())
      if (zone == subnet.AvailabilityZone)
        return *call(&Api::CreateNetworkInterface, CreateNetworkInterfaceRequest{.SubnetId = subnet_id})
                    ->NetworkInterface->NetworkInterfaceId;
    return std::string();
  };
  const std::string zone = *shown(id).Placement->AvailabilityZone;
  const std::string other_zone = zone.ends_with("a") ? "ap-southeast-1b" : "ap-southeast-1a";
  const auto attach_at = [&](const std::string& interface, int index) {
    return call(&Api::AttachNetworkInterface,
                AttachNetworkInterfaceRequest{.NetworkInterfaceId = interface, .InstanceId = id, .DeviceIndex = index});
  };
  const std::string second = make(zone);
  EXPECT_EQ(code(attach_at(second, 1)), "IncorrectState") << "it is pending";
  run_for(1s);
  EXPECT_EQ(code(attach_at(second, 0)), "InvalidParameterValue") << "the index is taken";
  EXPECT_EQ(code(attach_at(make(other_zone), 1)), "InvalidParameterCombination");
  const auto attached = attach_at(second, 1);
  ASSERT_TRUE(attached);
  EXPECT_EQ(code(attach_at(make(zone), 2)), "AttachmentLimitExceeded") << "a t3.micro has two";
  run_for(1s);
  EXPECT_EQ(fabric.interfaces().at(second).device_index, 1);
  EXPECT_EQ(shown(id).NetworkInterfaces.size(), 2U);
  const auto detach = [&](const std::string& attachment) {
    return code(call(&Api::DetachNetworkInterface, DetachNetworkInterfaceRequest{.AttachmentId = attachment}));
  };
  EXPECT_EQ(detach("eni-attach-0123456789abcdef0"), "InvalidAttachmentID.NotFound");
  EXPECT_EQ(detach(*shown(id).NetworkInterfaces.at(0).Attachment->AttachmentId), "OperationNotPermitted");
  EXPECT_EQ(detach(*attached->AttachmentId), "");
  run_for(1s);
  EXPECT_EQ(fabric.interfaces().size(), 1U);
  EXPECT_EQ(shown(id).NetworkInterfaces.size(), 1U);
}

TEST_F(Launches, APublicAddressComesWithTheStartAndGoesWithTheStop) {
  const std::string id = launch(launch_of(make_image()));  // a default subnet gives one
  run_for(1s);
  const std::string first = shown(id).PublicIpAddress.value_or("");
  EXPECT_TRUE(first.starts_with("127.8.")) << first;
  restart();
  EXPECT_EQ(shown(id).PublicIpAddress, first);
  ASSERT_TRUE(call(&Api::StopInstances, StopInstancesRequest{.InstanceIds = {id}}));
  run_for(1s);
  EXPECT_EQ(shown(id).PublicIpAddress, std::nullopt);
  EXPECT_EQ(plane->network.public_addresses.size(), 0U);
  ASSERT_TRUE(call(&Api::StartInstances, StartInstancesRequest{.InstanceIds = {id}}));
  run_for(1s);
  EXPECT_TRUE(shown(id).PublicIpAddress);
  EXPECT_EQ(fabric.routings().begin()->second.public_addresses.begin()->address, *shown(id).PublicIpAddress);
  ASSERT_TRUE(call(&Api::TerminateInstances, TerminateInstancesRequest{.InstanceIds = {id}}));
  run_for(1s);
  EXPECT_EQ(plane->network.public_addresses.size(), 0U);
}

TEST_F(Launches, StatusCreditsConsoleAttributes) {
  const std::string id = launch(launch_of(make_image()));
  EXPECT_TRUE(call(&Api::DescribeInstanceStatus, DescribeInstanceStatusRequest())->InstanceStatuses.empty());
  run_for(1s);
  auto status = call(&Api::DescribeInstanceStatus, DescribeInstanceStatusRequest());
  EXPECT_EQ(status->InstanceStatuses.at(0).InstanceStatus->Status, "ok");
  EXPECT_EQ(
      call(&Api::DescribeInstanceCreditSpecifications, DescribeInstanceCreditSpecificationsRequest{.InstanceIds = {id}})
          ->InstanceCreditSpecifications.at(0)
          .CpuCredits,
      "unlimited");
  EXPECT_EQ(base64_decode(*call(&Api::GetConsoleOutput, GetConsoleOutputRequest{.InstanceId = id})->Output),
            "console of " + id);

  ModifyInstanceAttributeRequest change;
  change.InstanceId = id;
  change.InstanceType.emplace().Value = "m5.large";
  EXPECT_EQ(code(call(&Api::ModifyInstanceAttribute, change)), "IncorrectInstanceState");
  ASSERT_TRUE(call(&Api::StopInstances, StopInstancesRequest{.InstanceIds = {id}}));
  run_for(1s);
  change.UserData.emplace().Value = Blob{"hello"};
  change.InstanceInitiatedShutdownBehavior.emplace().Value = "terminate";
  change.SourceDestCheck.emplace().Value = false;
  ASSERT_TRUE(call(&Api::ModifyInstanceAttribute, change));
  const auto attribute = [&](const char* name) {
    return *call(&Api::DescribeInstanceAttribute,
                 DescribeInstanceAttributeRequest{.InstanceId = id, .Attribute = name});
  };
  EXPECT_EQ(attribute("instanceType").InstanceType->Value, "m5.large");
  EXPECT_EQ(base64_decode(*attribute("userData").UserData->Value), "hello");
  EXPECT_EQ(attribute("instanceInitiatedShutdownBehavior").InstanceInitiatedShutdownBehavior->Value, "terminate");
  EXPECT_EQ(attribute("sourceDestCheck").SourceDestCheck->Value, false);
  EXPECT_EQ(attribute("disableApiStop").DisableApiStop->Value, false);
  auto options = call(
      &Api::ModifyInstanceMetadataOptions,
      ModifyInstanceMetadataOptionsRequest{.InstanceId = id, .HttpTokens = "required", .HttpPutResponseHopLimit = 2});
  EXPECT_EQ(options->InstanceMetadataOptions->HttpTokens, "required");
  EXPECT_EQ(shown(id).MetadataOptions->HttpPutResponseHopLimit, 2);
}

TEST_F(Launches, TemplateVersions) {
  RequestLaunchTemplateData data;
  data.InstanceType = "t2.micro";
  data.SecurityGroupIds = {"sg-1"};
  CreateLaunchTemplateRequest creation;
  creation.LaunchTemplateName = "web";
  creation.VersionDescription = "first";
  creation.LaunchTemplateData = data;
  creation.TagSpecifications.push_back({.ResourceType = "launch-template", .Tags = {{.Key = "k", .Value = "v"}}});
  auto made = call(&Api::CreateLaunchTemplate, creation);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->LaunchTemplate->Tags.at(0).Key, "k");
  EXPECT_EQ(code(call(&Api::CreateLaunchTemplate, creation)), "InvalidLaunchTemplateName.AlreadyExistsException");
  CreateLaunchTemplateVersionRequest next;
  next.LaunchTemplateName = "web";
  next.SourceVersion = "1";
  next.LaunchTemplateData.emplace().ImageId = "ami-1";
  next.LaunchTemplateData->SecurityGroupIds = {"sg-2"};
  auto second = call(&Api::CreateLaunchTemplateVersion, next);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->LaunchTemplateVersion->VersionNumber, 2);
  EXPECT_EQ(second->LaunchTemplateVersion->LaunchTemplateData->InstanceType, "t2.micro");
  EXPECT_EQ(second->LaunchTemplateVersion->LaunchTemplateData->SecurityGroupIds, (List<std::string>{"sg-2"}));
  restart();

  const auto versions = [&](List<std::string> wanted) {
    DescribeLaunchTemplateVersionsRequest request;
    request.LaunchTemplateName = "web";
    request.Versions = std::move(wanted);
    auto found = call(&Api::DescribeLaunchTemplateVersions, request);
    std::vector<std::int64_t> numbers;
    if (found)
      for (const auto& version : found->LaunchTemplateVersions) {
        numbers.push_back(*version.VersionNumber);
        EXPECT_TRUE(version.LaunchTemplateData->TagSpecifications.empty());
      }
    return numbers;
  };
  EXPECT_EQ(versions({}), (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(versions({"$Latest"}), (std::vector<std::int64_t>{2}));
  EXPECT_EQ(versions({"$Default"}), (std::vector<std::int64_t>{1}));
  EXPECT_TRUE(versions({"7"}).empty());
  ModifyLaunchTemplateRequest change;
  change.LaunchTemplateName = "web";
  change.DefaultVersion = "2";
  EXPECT_EQ(call(&Api::ModifyLaunchTemplate, change)->LaunchTemplate->DefaultVersionNumber, 2);
  EXPECT_EQ(versions({"$Default"}), (std::vector<std::int64_t>{2}));
  DeleteLaunchTemplateVersionsRequest deletion;
  deletion.LaunchTemplateName = "web";
  deletion.Versions = {"1", "2", "9"};
  auto deleted = call(&Api::DeleteLaunchTemplateVersions, deletion);
  EXPECT_EQ(deleted->SuccessfullyDeletedLaunchTemplateVersions.size(), 1u);
  EXPECT_EQ(deleted->UnsuccessfullyDeletedLaunchTemplateVersions.size(), 2u);
  ASSERT_TRUE(call(&Api::DeleteLaunchTemplate, DeleteLaunchTemplateRequest{.LaunchTemplateName = "web"}));
  EXPECT_EQ(code(call(&Api::DescribeLaunchTemplates, DescribeLaunchTemplatesRequest{.LaunchTemplateNames = {"web"}})),
            "InvalidLaunchTemplateName.NotFoundException");
}

TEST_F(Launches, ImagesAreImportedKeptWhileUsedAndRemoved) {
  const std::string image = make_image();
  auto described = call(&Api::DescribeImages, DescribeImagesRequest{.Owners = {"self"}});
  ASSERT_EQ(described->Images.size(), 1u);
  EXPECT_EQ(described->Images[0].State, "available");
  EXPECT_EQ(described->Images[0].BlockDeviceMappings.at(0).Ebs->VolumeSize, 9);
  EXPECT_TRUE(call(&Api::DescribeImages, DescribeImagesRequest{.Owners = {"amazon"}})->Images.empty());

  // An import that a restart interrupts is done again.
  auto second =
      call(&Api::RegisterImage, RegisterImageRequest{.ImageLocation = "file:///images/second", .Name = "second"});
  EXPECT_EQ(code(call(&Api::RunInstances, launch_of(*second->ImageId))), "InvalidAMIID.Unavailable");
  restart();
  run_for(1s);
  EXPECT_TRUE(machine.images.contains(*second->ImageId));
  EXPECT_EQ(code(call(&Api::RegisterImage, RegisterImageRequest{.ImageLocation = "file:///x", .Name = "second"})),
            "InvalidAMIName.Duplicate");
  auto broken =
      call(&Api::RegisterImage, RegisterImageRequest{.ImageLocation = "file:///images/missing", .Name = "broken"});
  run_for(1s);
  described = call(&Api::DescribeImages, DescribeImagesRequest{.ImageIds = {*broken->ImageId}});
  EXPECT_EQ(described->Images.at(0).State, "failed");
  EXPECT_EQ(described->Images.at(0).StateReason->Message, "There is nothing at /images/missing");
  EXPECT_EQ(
      code(call(&Api::RegisterImage, RegisterImageRequest{.ImageLocation = "bucket/manifest", .Name = "s3-image"})),
      "InvalidParameterValue");

  const std::string id = launch(launch_of(image));
  run_for(1s);
  ASSERT_TRUE(call(&Api::DeregisterImage, DeregisterImageRequest{.ImageId = image}));
  run_for(1s);
  EXPECT_TRUE(machine.images.contains(image));
  EXPECT_EQ(code(call(&Api::DescribeImages, DescribeImagesRequest{.ImageIds = {image}})), "InvalidAMIID.NotFound");
  EXPECT_EQ(code(call(&Api::RunInstances, launch_of(image))), "InvalidAMIID.NotFound");
  EXPECT_EQ(code(call(&Api::DeregisterImage, DeregisterImageRequest{.ImageId = image})), "InvalidAMIID.Unavailable");
  ASSERT_TRUE(call(&Api::TerminateInstances, TerminateInstancesRequest{.InstanceIds = {id}}));
  run_for(1s);
  EXPECT_FALSE(machine.images.contains(image));
}

TEST(InstanceTypes, Table) {
  EXPECT_EQ(find_instance_type("t2.micro")->memory_mib, 1024);
  EXPECT_EQ(find_instance_type("m5.4xlarge")->vcpus, 16);
  EXPECT_EQ(find_instance_type("t4g.micro"), nullptr);
  for (const InstanceType& type : instance_types()) {
    EXPECT_EQ(find_instance_type(type.name), &type);
    EXPECT_EQ(*describe(type).InstanceType, type.name);
  }
}

}  // namespace
}  // namespace brume::ec2
