#include "services/ec2/zones.h"

#include <algorithm>

#include <fmt/format.h>

namespace brume::ec2 {
namespace {

constexpr std::string_view kRegions[] = {
    "af-south-1",     "ap-east-1",      "ap-east-2",      "ap-northeast-1", "ap-northeast-2", "ap-northeast-3",
    "ap-south-1",     "ap-south-2",     "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4",
    "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-central-1",   "ca-west-1",      "eu-central-1",
    "eu-central-2",   "eu-north-1",     "eu-south-1",     "eu-south-2",     "eu-west-1",      "eu-west-2",
    "eu-west-3",      "il-central-1",   "me-central-1",   "me-south-1",     "mx-central-1",   "sa-east-1",
    "us-east-1",      "us-east-2",      "us-west-1",      "us-west-2"};

constexpr std::string_view kDefaultRegions[] = {
    "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
    "ca-central-1",   "eu-central-1",   "eu-north-1",     "eu-west-1",  "eu-west-2",      "eu-west-3",
    "sa-east-1",      "us-east-1",      "us-east-2",      "us-west-1",  "us-west-2"};

// "ap-southeast-1" → "apse1", "us-gov-west-1" → "usgw1".
std::string short_region(std::string_view region) {
  constexpr std::pair<std::string_view, std::string_view> directions[] = {
      {"northeast", "ne"}, {"northwest", "nw"}, {"southeast", "se"}, {"southwest", "sw"}, {"north", "n"},
      {"south", "s"},      {"east", "e"},       {"west", "w"},       {"central", "c"}};
  std::string out;
  for (bool first = true; !region.empty(); first = false) {
    const auto dash = region.find('-');
    const std::string_view part = region.substr(0, dash);
    region = dash == std::string_view::npos ? "" : region.substr(dash + 1);
    const auto direction = std::ranges::find(directions, part, &std::pair<std::string_view, std::string_view>::first);
    if (direction != std::end(directions))
      out += direction->second;
    else if (first || region.empty())
      out += part;
    else
      out += part.substr(0, 1);
  }
  return out;
}

}  // namespace

std::span<const std::string_view> region_names() {
  return kRegions;
}

bool is_default_region(std::string_view region) {
  return std::ranges::binary_search(kDefaultRegions, region);
}

std::array<Zone, 3> zones_of(std::string_view region) {
  std::array<Zone, 3> zones;
  const std::string short_name = short_region(region);
  for (std::size_t i = 0; i < zones.size(); ++i)
    zones[i] = {fmt::format("{}{}", region, char('a' + i)), fmt::format("{}-az{}", short_name, i + 1)};
  return zones;
}

std::optional<Zone> zone_by_name(std::string_view region, std::string_view name) {
  for (Zone& zone : zones_of(region))
    if (zone.name == name) return zone;
  return {};
}

std::optional<Zone> zone_by_id(std::string_view region, std::string_view id) {
  for (Zone& zone : zones_of(region))
    if (zone.id == id) return zone;
  return {};
}

std::string private_dns_name(std::string_view region, std::string_view address) {
  std::string dashed(address);
  std::ranges::replace(dashed, '.', '-');
  return region == "us-east-1" ? fmt::format("ip-{}.ec2.internal", dashed)
                               : fmt::format("ip-{}.{}.compute.internal", dashed, region);
}

std::string public_dns_name(std::string_view region, std::string_view address) {
  std::string dashed(address);
  std::ranges::replace(dashed, '.', '-');
  return region == "us-east-1" ? fmt::format("ec2-{}.compute-1.amazonaws.com", dashed)
                               : fmt::format("ec2-{}.{}.compute.amazonaws.com", dashed, region);
}

}  // namespace brume::ec2
