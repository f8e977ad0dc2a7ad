// Regions and zones: their names and ids.
//
// Any region that AWS could have works; each has three zones, a, b and c. A zone's id is the region's name in short and
// a number, as AWS forms it: ap-southeast-1a is apse1-az1.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace brume::ec2 {

struct Zone {
  std::string name;  // "ap-southeast-1a"
  std::string id;    // "apse1-az1"
};

// AWS's commercial regions, sorted.
std::span<const std::string_view> region_names();
// Regions that an account has without opting in (those older than March 2019).
bool is_default_region(std::string_view region);

std::array<Zone, 3> zones_of(std::string_view region);
// The region's zone of this name or id.
std::optional<Zone> zone_by_name(std::string_view region, std::string_view name);
std::optional<Zone> zone_by_id(std::string_view region, std::string_view id);

// "ip-10-0-101-7.ap-southeast-1.compute.internal"; in us-east-1 "ip-10-0-101-7.ec2.internal".
std::string private_dns_name(std::string_view region, std::string_view address);

// "ec2-127-8-0-12.ap-southeast-1.compute.amazonaws.com"; in us-east-1 "ec2-127-8-0-12.compute-1.amazonaws.com".
std::string public_dns_name(std::string_view region, std::string_view address);

}  // namespace brume::ec2
