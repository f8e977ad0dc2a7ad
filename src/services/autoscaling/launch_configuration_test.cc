#include "services/autoscaling/launch_configuration.h"

#include <gtest/gtest.h>

#include <functional>

namespace brume::autoscaling {
namespace {

CreateLaunchConfigurationType least() {
  CreateLaunchConfigurationType request;
  request.LaunchConfigurationName = "web";
  request.ImageId = "ami-1";
  request.InstanceType = "t2.micro";
  return request;
}

TEST(LaunchConfiguration, WhatIsRefused) {
  using Request = CreateLaunchConfigurationType;
  const struct {
    const char* code;
    const char* text;
    std::function<void(Request&)> change;
  } cases[] = {
      {"ValidationError", "both the ImageId and InstanceType", [](Request& r) { r.ImageId.reset(); }},
      {"ValidationError", "both the ImageId and InstanceType", [](Request& r) { r.InstanceType = ""; }},
      {"ValidationError", "BASE64", [](Request& r) { r.UserData = "#!"; }},
      {"ValidationError", "16384", [](Request& r) { r.UserData = std::string(4 * 5462, 'A'); }},
      {"ValidationError", "/dev/xvda",
       [](Request& r) {
         BlockDeviceMapping& mapping = r.BlockDeviceMappings.emplace_back();
         mapping.DeviceName = "/dev/xvda";
         mapping.Ebs.emplace();
         mapping.NoDevice = true;
       }},
      {"UnsupportedOperation", "ClassicLinkVPCId", [](Request& r) { r.ClassicLinkVPCId = "vpc-1"; }},
      {"UnsupportedOperation", "PlacementTenancy", [](Request& r) { r.PlacementTenancy = "dedicated"; }},
      {"UnsupportedOperation", "KernelId", [](Request& r) { r.KernelId = "aki-1"; }},
  };
  for (const auto& c : cases) {
    Request request = least();
    c.change(request);
    const auto made = checked_configuration(request);
    ASSERT_FALSE(made) << c.text;
    EXPECT_EQ(made.error().code, c.code) << c.text;
    EXPECT_NE(made.error().message.find(c.text), std::string::npos) << made.error().message;
  }
}

TEST(LaunchConfiguration, AnInstanceSaysWhatTheRequestLeavesOut) {
  ec2::Instance instance;
  instance.ImageId = "ami-2";
  instance.InstanceType = "t3.small";
  instance.KeyName = "mine";
  instance.EbsOptimized = true;
  instance.IamInstanceProfile.emplace().Arn = "arn:aws:iam::000000000000:instance-profile/web";
  instance.SecurityGroups = {{"sg-1", "web"}, {"sg-2", "all"}};
  instance.Monitoring.emplace().State = "disabled";
  instance.MetadataOptions.emplace().HttpTokens = "required";
  instance.BlockDeviceMappings.emplace_back().DeviceName = "/dev/xvdz";
  instance.NetworkInterfaces.emplace_back().Association.emplace().IpOwnerId = "amazon";
  CreateLaunchConfigurationType request;
  request.LaunchConfigurationName = "web";
  request.InstanceId = "i-1";
  const auto made = checked_configuration(completed_by(request, instance, "IyEK"));
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->ImageId, "ami-2");
  EXPECT_EQ(made->InstanceType, "t3.small");
  EXPECT_EQ(made->KeyName, "mine");
  EXPECT_EQ(made->UserData, "IyEK");
  EXPECT_EQ(made->IamInstanceProfile, instance.IamInstanceProfile->Arn);
  EXPECT_EQ(made->SecurityGroups, (List<std::string>{"sg-1", "sg-2"}));
  EXPECT_EQ(made->EbsOptimized, true);
  EXPECT_EQ(made->InstanceMonitoring->Enabled, false);
  EXPECT_EQ(made->MetadataOptions->HttpTokens, "required");
  EXPECT_EQ(made->AssociatePublicIpAddress, true);
  EXPECT_TRUE(made->BlockDeviceMappings.empty()) << "those are the image's";

  instance.NetworkInterfaces.front().Association->IpOwnerId = "000000000000";
  EXPECT_EQ(completed_by(request, instance, "").AssociatePublicIpAddress, false) << "an Elastic IP is not copied";
  request.InstanceType = "t2.micro";
  request.UserData = "Iw==";
  request.SecurityGroups = {std::string("sg-9")};
  request.InstanceMonitoring.emplace().Enabled = true;
  const auto overridden = completed_by(request, instance, "IyEK");
  EXPECT_EQ(overridden.InstanceType, "t2.micro");
  EXPECT_EQ(overridden.UserData, "Iw==");
  EXPECT_EQ(overridden.SecurityGroups, (List<std::string>{"sg-9"}));
  EXPECT_EQ(overridden.InstanceMonitoring->Enabled, true);
}

TEST(LaunchConfiguration, DefaultsAreAwss) {
  const auto made = checked_configuration(least());
  ASSERT_TRUE(made);
  EXPECT_EQ(made->InstanceMonitoring->Enabled, true);
  EXPECT_EQ(made->EbsOptimized, false);
  EXPECT_EQ(made->KeyName, "");
  EXPECT_EQ(made->AssociatePublicIpAddress, std::nullopt);
}

TEST(LaunchConfiguration, TheLeastIsAskedForAsIs) {
  const ec2::RunInstancesRequest request = launch_of(*checked_configuration(least()));
  EXPECT_EQ(request.ImageId, "ami-1");
  EXPECT_EQ(request.InstanceType, "t2.micro");
  EXPECT_EQ(request.Monitoring->Enabled, true);
  EXPECT_EQ(request.KeyName, std::nullopt);
  EXPECT_EQ(request.UserData, std::nullopt);
  EXPECT_FALSE(request.LaunchTemplate);
  EXPECT_FALSE(request.InstanceMarketOptions);
  EXPECT_TRUE(request.NetworkInterfaces.empty());
}

TEST(LaunchConfiguration, AllOfItIsAskedFor) {
  CreateLaunchConfigurationType wanted = least();
  wanted.KeyName = "key";
  wanted.SpotPrice = "0.1";
  wanted.UserData = "aGk=";
  wanted.SecurityGroups = {std::string("sg-1"), std::string("sg-2")};
  wanted.IamInstanceProfile = "reader";
  wanted.InstanceMonitoring.emplace().Enabled = false;
  wanted.EbsOptimized = true;
  wanted.PlacementTenancy = "default";
  wanted.MetadataOptions.emplace().HttpTokens = "required";
  BlockDeviceMapping& mapping = wanted.BlockDeviceMappings.emplace_back();
  mapping.DeviceName = "/dev/xvda";
  mapping.Ebs.emplace().VolumeSize = 20;
  ec2::RunInstancesRequest request = launch_of(*checked_configuration(wanted));
  EXPECT_EQ(request.KeyName, "key");
  EXPECT_EQ(request.InstanceMarketOptions->MarketType, "spot");
  EXPECT_EQ(request.InstanceMarketOptions->SpotOptions->MaxPrice, "0.1");
  EXPECT_EQ(request.UserData, "aGk=");
  EXPECT_EQ(request.SecurityGroupIds.size(), 2U);
  EXPECT_EQ(request.IamInstanceProfile->Name, "reader");
  EXPECT_EQ(request.Monitoring->Enabled, false);
  EXPECT_EQ(request.EbsOptimized, true);
  EXPECT_EQ(request.MetadataOptions->HttpTokens, "required");
  EXPECT_EQ(request.BlockDeviceMappings.front().Ebs->VolumeSize, 20);

  wanted.AssociatePublicIpAddress = false;
  wanted.IamInstanceProfile = "arn:aws:iam::000000000000:instance-profile/reader";
  request = launch_of(*checked_configuration(wanted));
  EXPECT_TRUE(request.SecurityGroupIds.empty());
  ASSERT_EQ(request.NetworkInterfaces.size(), 1U);
  EXPECT_EQ(request.NetworkInterfaces.front().AssociatePublicIpAddress, false);
  EXPECT_EQ(request.NetworkInterfaces.front().Groups.size(), 2U);
  EXPECT_EQ(request.IamInstanceProfile->Arn, wanted.IamInstanceProfile);
}

TEST(LaunchConfiguration, GroupsByNameAreNotIds) {
  CreateLaunchConfigurationType wanted = least();
  wanted.SecurityGroups = {std::string("default"), std::string("sg-1")};
  const ec2::RunInstancesRequest request = launch_of(*checked_configuration(wanted));
  EXPECT_EQ(request.SecurityGroups.front(), "default");
  EXPECT_EQ(request.SecurityGroupIds.front(), "sg-1");
}

}  // namespace
}  // namespace brume::autoscaling
