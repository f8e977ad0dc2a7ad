// Tags, filters, pages, regions and zones.
#include "services/ec2/tags.h"

#include <set>

#include "services/ec2/network_fixture.h"
#include "services/ec2/zones.h"

namespace brume::ec2 {
namespace {

List<Tag> tags_of(std::initializer_list<std::pair<const char*, const char*>> pairs) {
  List<Tag> tags;
  for (const auto& [key, value] : pairs) tags.push_back({.Key = key, .Value = value});
  return tags;
}

TEST_F(NetworkTest, CreateDescribeDeleteTags) {
  const std::string vpc_id = make_vpc_id();
  must(&Ops::CreateTags, {.Resources = {vpc_id}, .Tags = tags_of({{"Name", "main"}, {"env", "staging"}})});
  must(&Ops::CreateTags, {.Resources = {vpc_id}, .Tags = tags_of({{"env", "production"}})});
  const auto vpc = must(&Ops::DescribeVpcs, {.VpcIds = {vpc_id}}).Vpcs[0];
  ASSERT_EQ(vpc.Tags.size(), 2U);
  EXPECT_EQ(vpc.Tags[1].Value, "production");
  const auto described = must(&Ops::DescribeTags, {.Filters = filter("resource-id", vpc_id)}).Tags;
  ASSERT_EQ(described.size(), 2U);
  EXPECT_EQ(described[0].ResourceType, "vpc");
  EXPECT_EQ(must(&Ops::DescribeTags, {.Filters = filter("tag:env", "prod*")}).Tags.size(), 1U);
  EXPECT_EQ(must(&Ops::DescribeTags, {.Filters = filter("tag:Name", "prod*")}).Tags.size(), 0U);
  must(&Ops::DeleteTags, {.Resources = {vpc_id}, .Tags = tags_of({{"env", "other"}})});
  EXPECT_EQ(state.tags.of(vpc_id).size(), 2U);
  must(&Ops::DeleteTags, {.Resources = {vpc_id}, .Tags = {Tag{.Key = "env"}}});
  EXPECT_EQ(state.tags.of(vpc_id).size(), 1U);
  must(&Ops::DeleteTags, {.Resources = {vpc_id}});
  EXPECT_EQ(state.tags.rows().size(), 0U);
}

TEST_F(NetworkTest, TagsThatAreRefused) {
  const std::string vpc_id = make_vpc_id();
  const std::string long_key(129, 'k');
  const struct {
    List<Tag> tags;
    const char* code;
  } cases[] = {
      {tags_of({{"aws:x", "y"}}), "InvalidParameterValue"},
      {tags_of({{"", "y"}}), "InvalidParameterValue"},
      {tags_of({{long_key.c_str(), "y"}}), "InvalidParameterValue"},
      {tags_of({{"k", std::string(257, 'v').c_str()}}), "InvalidParameterValue"},
      {tags_of({{"k", "1"}, {"k", "2"}}), "InvalidParameterValue"},
      {{}, "MissingParameter"},
      {tags_of({{"k", "1"}}), "ok"},
  };
  for (const auto& c : cases) EXPECT_EQ(code(&Ops::CreateTags, {.Resources = {vpc_id}, .Tags = c.tags}), c.code);
  EXPECT_EQ(code(&Ops::CreateTags, {.Resources = {"vpc-12345678"}, .Tags = tags_of({{"k", "v"}})}),
            "InvalidVpcID.NotFound");
  EXPECT_EQ(code(&Ops::CreateTags, {.Resources = {"zzz"}, .Tags = tags_of({{"k", "v"}})}), "InvalidID");
  EXPECT_TRUE(run_as(service_call, &Ops::CreateTags, {.Resources = {vpc_id}, .Tags = tags_of({{"aws:x", "y"}})}));
  List<Tag> many;
  for (int i = 0; i < 50; ++i) many.push_back({.Key = std::to_string(i), .Value = ""});
  EXPECT_EQ(code(&Ops::CreateTags, {.Resources = {vpc_id}, .Tags = many}), "TagLimitExceeded");
  EXPECT_EQ(state.tags.of(vpc_id).size(), 2U);
}

TEST_F(NetworkTest, TagSpecifications) {
  const TagSpecification good{.ResourceType = "vpc", .Tags = tags_of({{"Name", "x"}})};
  const TagSpecification bad{.ResourceType = "subnet", .Tags = tags_of({{"Name", "x"}})};
  const auto vpc = *must(&Ops::CreateVpc, {.CidrBlock = "10.0.0.0/16", .TagSpecifications = {good}}).Vpc;
  EXPECT_EQ(vpc.Tags[0].Value, "x");
  EXPECT_EQ(code(&Ops::CreateVpc, {.CidrBlock = "10.0.0.0/16", .TagSpecifications = {bad}}), "InvalidParameterValue");
}

TEST_F(NetworkTest, Filters) {
  const std::string vpc_id = make_vpc_id("10.7.0.0/16");
  must(&Ops::CreateTags, {.Resources = {vpc_id}, .Tags = tags_of({{"Name", "web-1"}})});
  const auto count = [&](const std::string& name, const List<std::string>& values) {
    return must(&Ops::DescribeVpcs, {.Filters = {Filter{.Name = name, .Values = values}}}).Vpcs.size();
  };
  const struct {
    const char* name;
    List<std::string> values;
    std::size_t count;
  } cases[] = {
      {"cidr", {"10.7.0.0/16"}, 1},
      {"cidr", {"10.7.*"}, 1},
      {"cidr", {"10.7"}, 0},
      {"tag:Name", {"web-?"}, 1},
      {"tag:Name", {"web"}, 0},
      {"tag-key", {"Name"}, 1},
      {"is-default", {"true"}, 1},
      {"is-default", {"true", "false"}, 2},
      {"state", {"available"}, 2},
      {"owner-id", {"000000000000"}, 2},
      {"vpc-id", {}, 0},
  };
  for (const auto& c : cases) EXPECT_EQ(count(c.name, c.values), c.count) << c.name;
  const auto unknown = run(&Ops::DescribeVpcs, {.Filters = filter("nope", "x")});
  EXPECT_EQ(unknown.error().code, "InvalidParameterValue");
  EXPECT_EQ(unknown.error().message, "The filter 'nope' is invalid");
  EXPECT_EQ(code(&Ops::DescribeNetworkInterfaces, {.Filters = filter("nope", "x")}),
            "InvalidParameterValue");  // none there
  EXPECT_EQ(code(&Ops::DescribeVpcs, {.Filters = {Filter{}}}), "InvalidParameterValue");
  EXPECT_EQ(must(&Ops::DescribeVpcs, {.Filters = {Filter{"cidr", {"10.7.0.0/16"}}, Filter{"is-default", {"true"}}}})
                .Vpcs.size(),
            0U);
}

TEST_F(NetworkTest, Pages) {
  const std::string vpc_id = make_vpc_id();
  for (int i = 0; i < 12; ++i) make_subnet_id(vpc_id, fmt::format("10.0.{}.0/24", i));
  std::set<std::string> seen;
  DescribeSubnetsRequest request{.Filters = filter("vpc-id", vpc_id), .MaxResults = 5};
  int pages = 0;
  do {
    const auto page = must(&Ops::DescribeSubnets, request);
    for (const Subnet& subnet : page.Subnets) seen.insert(*subnet.SubnetId);
    request.NextToken = page.NextToken;
    ++pages;
  } while (request.NextToken && pages < 10);
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(seen.size(), 12U);
  EXPECT_EQ(code(&Ops::DescribeSubnets, {.NextToken = "rubbish"}), "InvalidNextToken");
}

TEST(Zones, IdsAreAsAwsFormsThem) {
  const struct {
    const char *region, *id;
  } cases[] = {
      {"ap-southeast-1", "apse1-az1"}, {"us-east-1", "use1-az1"},      {"eu-central-1", "euc1-az1"},
      {"ap-northeast-3", "apne3-az1"}, {"us-gov-west-1", "usgw1-az1"}, {"il-central-1", "ilc1-az1"},
      {"af-south-1", "afs1-az1"},
  };
  for (const auto& c : cases) EXPECT_EQ(zones_of(c.region)[0].id, c.id) << c.region;
  EXPECT_EQ(zones_of("eu-west-1")[2].name, "eu-west-1c");
  EXPECT_EQ(private_dns_name("us-east-1", "10.0.0.4"), "ip-10-0-0-4.ec2.internal");
}

TEST_F(NetworkTest, RegionsAndZones) {
  EXPECT_GT(must(&Ops::DescribeRegions, {}).Regions.size(), 30U);
  EXPECT_EQ(must(&Ops::DescribeRegions, {.RegionNames = {"us-east-1"}}).Regions[0].Endpoint,
            "ec2.us-east-1.amazonaws.com");
  EXPECT_EQ(code(&Ops::DescribeRegions, {.RegionNames = {"mars-1"}}), "InvalidParameterValue");
  EXPECT_EQ(must(&Ops::DescribeAvailabilityZones, {}).AvailabilityZones.size(), 3U);
  EXPECT_EQ(must(&Ops::DescribeAvailabilityZones, {.ZoneNames = {"ap-southeast-1b"}}).AvailabilityZones[0].ZoneId,
            "apse1-az2");
  EXPECT_EQ(must(&Ops::DescribeAvailabilityZones, {.Filters = filter("opt-in-status", "opt-in-not-required")})
                .AvailabilityZones.size(),
            3U);
  EXPECT_EQ(must(&Ops::DescribeAccountAttributes, {.AttributeNames = {"default-vpc"}})
                .AccountAttributes[0]
                .AttributeValues[0]
                .AttributeValue,
            state.default_vpc()->vpc.VpcId);
  EXPECT_EQ(must(&Ops::DescribeAddresses, {}).Addresses.size(), 0U);
  EXPECT_EQ(code(&Ops::DescribeAddresses, {.AllocationIds = {"eipalloc-12345678"}}), "InvalidAllocationID.NotFound");
  EXPECT_EQ(must(&Ops::DescribeDhcpOptions, {.Filters = filter("value", "AmazonProvidedDNS")}).DhcpOptions.size(), 1U);
  EXPECT_EQ(must(&Ops::DescribeManagedPrefixLists, {.Filters = filter("prefix-list-name", "x")}).PrefixLists.size(),
            0U);
}

}  // namespace
}  // namespace brume::ec2
