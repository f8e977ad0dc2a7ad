#include "net/metadata_tree.h"

#include <gtest/gtest.h>

#include "net/identity_signer.h"

namespace brume::net {
namespace {

InstanceMetadata example() {
  InstanceMetadata instance;
  instance.instance_id = "i-0123456789abcdef0";
  instance.image_id = "ami-0123456789abcdef0";
  instance.instance_type = "t3.micro";
  instance.account_id = "000000000000";
  instance.reservation_id = "r-0123456789abcdef0";
  instance.launch_time = *parse_iso8601("2026-11-24T10:15:30.123Z");
  instance.region = "eu-central-1";
  instance.zone = "eu-central-1a";
  instance.zone_id = "euc1-az2";
  instance.hostname = "ip-10-0-101-7.eu-central-1.compute.internal";
  instance.interfaces.push_back({.id = "eni-0123456789abcdef0",
                                 .mac = "02:00:00:00:00:07",
                                 .device_number = 0,
                                 .local_hostname = "ip-10-0-101-7.eu-central-1.compute.internal",
                                 .local_ipv4 = "10.0.101.7",
                                 .public_ipv4 = "",
                                 .subnet_id = "subnet-1",
                                 .subnet_cidr = "10.0.101.0/24",
                                 .vpc_id = "vpc-1",
                                 .vpc_cidrs = {"10.0.0.0/16", "10.1.0.0/16"},
                                 .security_groups = {{"sg-1", "web"}, {"sg-2", "default"}}});
  return instance;
}

std::string at(const InstanceMetadata& instance, std::string_view path) {
  const auto document = metadata_at(instance, path);
  return document ? document->text : "(none)";
}

TEST(MetadataTreeTest, TellsWhatTheInstanceIs) {
  const InstanceMetadata instance = example();
  const std::pair<const char*, const char*> rows[] = {
      {"ami-id", "ami-0123456789abcdef0"},
      {"ami-launch-index", "0"},
      {"hostname", "ip-10-0-101-7.eu-central-1.compute.internal"},
      {"instance-id", "i-0123456789abcdef0"},
      {"instance-id/", "i-0123456789abcdef0"},
      {"/instance-id", "i-0123456789abcdef0"},
      {"instance-type", "t3.micro"},
      {"instance-life-cycle", "on-demand"},
      {"local-ipv4", "10.0.101.7"},
      {"mac", "02:00:00:00:00:07"},
      {"placement", "availability-zone\navailability-zone-id\nregion"},
      {"placement/", "availability-zone\navailability-zone-id\nregion"},
      {"placement/availability-zone", "eu-central-1a"},
      {"placement/region", "eu-central-1"},
      {"reservation-id", "r-0123456789abcdef0"},
      {"security-groups", "web\ndefault"},
      {"services/", "domain\npartition"},
      {"network/", "interfaces/"},
      {"network/interfaces/macs/", "02:00:00:00:00:07/"},
      {"network/interfaces/macs/02:00:00:00:00:07/",
       "device-number\ninterface-id\nlocal-hostname\nlocal-ipv4s\nmac\nowner-id\nsecurity-group-ids\nsecurity-groups\n"
       "subnet-id\nsubnet-ipv4-cidr-block\nvpc-id\nvpc-ipv4-cidr-block\nvpc-ipv4-cidr-blocks"},
      {"network/interfaces/macs/02:00:00:00:00:07/security-group-ids", "sg-1\nsg-2"},
      {"network/interfaces/macs/02:00:00:00:00:07/vpc-ipv4-cidr-block", "10.0.0.0/16"},
      {"network/interfaces/macs/02:00:00:00:00:07/vpc-ipv4-cidr-blocks", "10.0.0.0/16\n10.1.0.0/16"},
      {"network/interfaces/macs/02:00:00:00:00:08/mac", "(none)"},
      {"instance-id/x", "(none)"},
      {"../user-data", "(none)"},
      {"iam/", "(none)"},
      {"public-keys/", "(none)"},
      {"public-ipv4", "(none)"},
      {"tags/", "(none)"},
      {"autoscaling/", "(none)"},
      {"block-device-mapping/", "(none)"},
      {"events/maintenance/", "history\nscheduled"},
      {"events/maintenance/scheduled", "[]"},
      {"events/recommendations/rebalance", "(none)"},
      {"spot/", "(none)"},
      {"spot/termination-time", "(none)"},
      {"spot/instance-action", "(none)"},
  };
  for (const auto& [path, text] : rows) EXPECT_EQ(at(instance, std::string("/latest/meta-data/") + path), text) << path;
}

TEST(MetadataTreeTest, ListsTheTop) {
  InstanceMetadata instance = example();
  EXPECT_EQ(at(instance, "/latest"), "dynamic\nmeta-data");
  instance.user_data = "#!/bin/sh\n";
  EXPECT_EQ(at(instance, "/latest/"), "dynamic\nmeta-data\nuser-data");
  EXPECT_EQ(at(instance, "//2021-03-23//"), "dynamic\nmeta-data\nuser-data");
  EXPECT_TRUE(at(instance, "/").starts_with("1.0\n2007-01-19\n"));
  EXPECT_TRUE(at(instance, "/").ends_with("\nlatest"));
  EXPECT_EQ(at(instance, "/latest/meta-data/"),
            "ami-id\nami-launch-index\nami-manifest-path\nevents/\nhostname\ninstance-action\ninstance-id\n"
            "instance-life-cycle\ninstance-type\nlocal-hostname\nlocal-ipv4\nmac\nmetrics/\nnetwork/\nplacement/"
            "\nprofile\nreservation-id\n"
            "security-groups\nservices/\nsystem");
}

TEST(MetadataTreeTest, KnowsTheVersionsThatCloudInitAsksFor) {
  for (const char* version : {"2021-03-23", "2018-09-24", "2016-09-02", "2009-04-04", "latest", "1.0"})
    EXPECT_EQ(at(example(), fmt::format("/{}/meta-data/instance-id", version)), "i-0123456789abcdef0") << version;
  for (const char* version : {"2021-03-24", "2.0", "LATEST", "meta-data"})
    EXPECT_EQ(at(example(), fmt::format("/{}/meta-data/instance-id", version)), "(none)") << version;
}

TEST(MetadataTreeTest, HandsUserDataOutAsItCame) {
  InstanceMetadata instance = example();
  EXPECT_FALSE(metadata_at(instance, "/latest/user-data"));
  instance.user_data = std::string("\x1f\x8b\0\xff", 4);
  const auto document = metadata_at(instance, "/latest/user-data");
  ASSERT_TRUE(document);
  EXPECT_EQ(document->text, instance.user_data);
  EXPECT_TRUE(document->binary);
}

TEST(MetadataTreeTest, ListsKeysByNumberAndName) {
  InstanceMetadata instance = example();
  instance.key_name = "ops";
  instance.openssh_key = "ssh-ed25519 AAAA ops";
  EXPECT_EQ(at(instance, "/latest/meta-data/public-keys/"), "0=ops");
  EXPECT_EQ(at(instance, "/latest/meta-data/public-keys/0/"), "openssh-key");
  EXPECT_EQ(at(instance, "/latest/meta-data/public-keys/0/openssh-key"), "ssh-ed25519 AAAA ops");
}

TEST(MetadataTreeTest, GivesCredentialsToARole) {
  InstanceMetadata instance = example();
  instance.credentials = {.role_name = "web-role",
                          .instance_profile_arn = "arn:aws:iam::000000000000:instance-profile/web",
                          .instance_profile_id = "AIPA1",
                          .access_key_id = "ASIA1",
                          .secret_access_key = "a/b\"c",
                          .token = "session",
                          .last_updated = *parse_iso8601("2026-11-24T10:00:00Z"),
                          .expiration = *parse_iso8601("2026-11-24T16:00:00Z")};
  EXPECT_EQ(at(instance, "/latest/meta-data/iam/"), "info\nsecurity-credentials/");
  EXPECT_EQ(at(instance, "/latest/meta-data/iam/security-credentials/"), "web-role");
  EXPECT_EQ(at(instance, "/latest/meta-data/iam/security-credentials/web-role"),
            "{\n  \"Code\" : \"Success\",\n  \"LastUpdated\" : \"2026-11-24T10:00:00Z\",\n  \"Type\" : \"AWS-HMAC\",\n"
            "  \"AccessKeyId\" : \"ASIA1\",\n  \"SecretAccessKey\" : \"a/b\\\"c\",\n  \"Token\" : \"session\",\n"
            "  \"Expiration\" : \"2026-11-24T16:00:00Z\"\n}");
  EXPECT_EQ(at(instance, "/latest/meta-data/iam/info"),
            "{\n  \"Code\" : \"Success\",\n  \"LastUpdated\" : \"2026-11-24T10:00:00Z\",\n"
            "  \"InstanceProfileArn\" : \"arn:aws:iam::000000000000:instance-profile/web\",\n"
            "  \"InstanceProfileId\" : \"AIPA1\"\n}");
}

TEST(MetadataTreeTest, ShowsTagsOnlyWhereTheyAreEnabled) {
  InstanceMetadata instance = example();
  instance.tags = {{"Name", "web"}, {"stage", ""}};
  EXPECT_EQ(at(instance, "/latest/meta-data/tags/instance/Name"), "(none)");
  instance.options.tags_enabled = true;
  EXPECT_EQ(at(instance, "/latest/meta-data/tags/instance/"), "Name\nstage");
  EXPECT_EQ(at(instance, "/latest/meta-data/tags/instance/Name"), "web");
  EXPECT_EQ(at(instance, "/latest/meta-data/tags/instance/stage"), "");
}

TEST(MetadataTreeTest, TellsItsLifecycleStateAndPublicAddress) {
  InstanceMetadata instance = example();
  instance.lifecycle_state = "InService";
  instance.public_ipv4 = instance.interfaces[0].public_ipv4 = "203.0.113.9";
  EXPECT_EQ(at(instance, "/latest/meta-data/autoscaling/target-lifecycle-state"), "InService");
  EXPECT_EQ(at(instance, "/latest/meta-data/public-ipv4"), "203.0.113.9");
  EXPECT_EQ(at(instance, "/latest/meta-data/network/interfaces/macs/02:00:00:00:00:07/ipv4-associations/203.0.113.9"),
            "10.0.101.7");
}

TEST(MetadataTreeTest, TellsWhyThereAreNoKeys) {
  InstanceMetadata instance = example();
  instance.credentials = {.role_name = "", .instance_profile_arn = "arn", .instance_profile_id = "AIPA1"};
  EXPECT_EQ(at(instance, "/latest/meta-data/iam/"), "info") << "a profile without a role";
  instance.credentials = {.role_name = "web",
                          .failure = "AssumeRoleUnauthorizedAccess",
                          .failure_message = "EC2 cannot assume the role web.",
                          .last_updated = *parse_iso8601("2026-11-24T10:00:00Z")};
  const char* why =
      "{\n  \"Code\" : \"AssumeRoleUnauthorizedAccess\",\n  \"Message\" : \"EC2 cannot assume the role web.\",\n"
      "  \"LastUpdated\" : \"2026-11-24T10:00:00Z\"\n}";
  EXPECT_EQ(at(instance, "/latest/meta-data/iam/info"), why);
  EXPECT_EQ(at(instance, "/latest/meta-data/iam/security-credentials/web"), why);
}

TEST(MetadataTreeTest, TellsAllOfItsAddresses) {
  InstanceMetadata instance = example();
  instance.placement_group = "rack";
  instance.root_device = "/dev/xvda";
  instance.spot = true;
  instance.detailed_monitoring = true;
  MetadataInterface& primary = instance.interfaces[0];
  primary.public_ipv4 = "203.0.113.9";
  primary.public_hostname = "ec2-203-0-113-9.eu-central-1.compute.amazonaws.com";
  primary.more_addresses = {{"10.0.101.8", ""}, {"10.0.101.9", "203.0.113.10"}};
  primary.ipv6s = {"2001:db8::7"};
  primary.subnet_ipv6_cidrs = {"2001:db8::/64"};
  primary.vpc_ipv6_cidrs = {"2001:db8::/56"};
  instance.interfaces.push_back({.id = "eni-2", .mac = "02:00:00:00:00:09", .device_number = 1});
  const std::pair<const char*, const char*> rows[] = {
      {"network/interfaces/macs/02:00:00:00:00:07/local-ipv4s", "10.0.101.7\n10.0.101.8\n10.0.101.9"},
      {"network/interfaces/macs/02:00:00:00:00:07/public-ipv4s", "203.0.113.9\n203.0.113.10"},
      {"network/interfaces/macs/02:00:00:00:00:07/ipv4-associations/", "203.0.113.10\n203.0.113.9"},
      {"network/interfaces/macs/02:00:00:00:00:07/ipv4-associations/203.0.113.10", "10.0.101.9"},
      {"network/interfaces/macs/02:00:00:00:00:07/public-hostname",
       "ec2-203-0-113-9.eu-central-1.compute.amazonaws.com"},
      {"network/interfaces/macs/02:00:00:00:00:07/ipv6s", "2001:db8::7"},
      {"network/interfaces/macs/02:00:00:00:00:07/subnet-ipv6-cidr-blocks", "2001:db8::/64"},
      {"network/interfaces/macs/02:00:00:00:00:07/vpc-ipv6-cidr-blocks", "2001:db8::/56"},
      {"network/interfaces/macs/", "02:00:00:00:00:07/\n02:00:00:00:00:09/"},
      {"network/interfaces/macs/02:00:00:00:00:09/device-number", "1"},
      {"ipv6", "2001:db8::7"},
      {"placement/group-name", "rack"},
      {"block-device-mapping/", "ami\nroot"},
      {"block-device-mapping/root", "/dev/xvda"},
      {"instance-life-cycle", "spot"},
      {"spot/termination-time", "(none)"},
  };
  for (const auto& [path, text] : rows) EXPECT_EQ(at(instance, std::string("/latest/meta-data/") + path), text) << path;
  EXPECT_EQ(at(instance, "/latest/dynamic/"), "fws/\ninstance-identity/");
  EXPECT_EQ(at(instance, "/latest/dynamic/fws/instance-monitoring"), "enabled");
}

TEST(MetadataTreeTest, TellsASpotInstanceOfItsEnd) {
  InstanceMetadata instance = example();
  instance.spot = true;
  instance.noticed_at = *parse_iso8601("2026-11-24T10:15:30Z");
  instance.interrupt_at = *parse_iso8601("2026-11-24T10:17:30Z");
  const std::pair<const char*, const char*> rows[] = {
      {"spot/", "instance-action\ntermination-time"},
      {"spot/instance-action", R"({"action": "terminate", "time": "2026-11-24T10:17:30Z"})"},
      {"spot/termination-time", "2026-11-24T10:17:30Z"},
      {"events/recommendations/rebalance", R"({"noticeTime": "2026-11-24T10:15:30Z"})"},
  };
  for (const auto& [path, text] : rows) EXPECT_EQ(at(instance, std::string("/latest/meta-data/") + path), text) << path;
}

TEST(MetadataTreeTest, SignsTheIdentityDocument) {
  const auto signer = IdentitySigner::open(*make_identity_key(*parse_iso8601("2026-11-24T10:15:30Z")));
  ASSERT_TRUE(signer);
  const InstanceMetadata instance = example();
  const auto text = [&](const std::string& path) {
    return metadata_at(instance, "/latest/dynamic/instance-identity/" + path, signer->get())->text;
  };
  EXPECT_EQ(text(""), "document\npkcs7\nrsa2048\nsignature");
  EXPECT_EQ(text("signature"), (*signer)->sign(text("document")).signature);
  EXPECT_EQ(text("pkcs7"), (*signer)->sign(text("document")).pkcs7);
  EXPECT_EQ(text("rsa2048"), text("pkcs7"));
}

TEST(MetadataTreeTest, IdentifiesTheInstance) {
  EXPECT_EQ(at(example(), "/latest/dynamic/instance-identity/"), "document");
  EXPECT_EQ(at(example(), "/latest/dynamic/instance-identity/document"),
            R"({
  "accountId" : "000000000000",
  "architecture" : "x86_64",
  "availabilityZone" : "eu-central-1a",
  "billingProducts" : null,
  "devpayProductCodes" : null,
  "marketplaceProductCodes" : null,
  "imageId" : "ami-0123456789abcdef0",
  "instanceId" : "i-0123456789abcdef0",
  "instanceType" : "t3.micro",
  "kernelId" : null,
  "pendingTime" : "2026-11-24T10:15:30Z",
  "privateIp" : "10.0.101.7",
  "ramdiskId" : null,
  "region" : "eu-central-1",
  "version" : "2017-09-30"
})");
}

}  // namespace
}  // namespace brume::net
