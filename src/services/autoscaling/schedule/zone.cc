#include "services/autoscaling/schedule/zone.h"

#include <algorithm>

namespace brume::autoscaling {
namespace {

Timestamp timestamp(cctz::time_point<cctz::seconds> time) {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(time);
}

// CCTZ opens a file of that name: only letters, digits and what else is in IANA's names, and no steps upward.
bool well_formed(const std::string& name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '_' ||
           c == '+' || c == '-';
  };
  return !name.empty() && name.size() <= 64 && name.front() != '/' && std::ranges::all_of(name, allowed);
}

}  // namespace

Result<Zone> Zone::find(const std::string& name) {
  Zone zone;
  // "localtime" is the machine's, not a place; "posix/" and "right/" are tzdata's own variants.
  const bool place =
      well_formed(name) && name != "localtime" && !name.starts_with("posix") && !name.starts_with("right/");
  if (!place || !cctz::load_time_zone(name, &zone.zone_))
    return fail("ValidationError", "The time zone {} is not valid. Use the canonical name of an IANA time zone.", name);
  return zone;
}

CivilTime Zone::civil(Timestamp time) const {
  return zone_.lookup(std::chrono::floor<std::chrono::seconds>(time)).cs;
}

Zone::Moments Zone::moments(CivilTime civil) const {
  const cctz::time_zone::civil_lookup found = zone_.lookup(civil);
  switch (found.kind) {
    case cctz::time_zone::civil_lookup::REPEATED:
      return {{timestamp(found.pre), timestamp(found.post)}};
    case cctz::time_zone::civil_lookup::SKIPPED:
      return {{timestamp(found.trans)}, true};
    default:
      return {{timestamp(found.pre)}};
  }
}

}  // namespace brume::autoscaling
