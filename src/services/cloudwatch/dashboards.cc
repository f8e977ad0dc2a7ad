// Dashboards are kept and given back; whoever draws them reads the metrics.
#include <algorithm>

#include "services/cloudwatch/alarm_checks.h"
#include "services/cloudwatch/alarm_operations.h"
#include "services/cloudwatch/dashboard_body.h"
#include "services/common/ids.h"
#include "services/common/page.h"

namespace brume::cloudwatch {
namespace {

constexpr std::size_t kMostDashboards = 500;

Result<void> check_dashboard_name(const std::string& name) {
  const bool fits = !name.empty() && name.size() <= 255 && std::ranges::all_of(name, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_';
  });
  if (!fits)
    return fail("InvalidParameterValue",
                "The value {} for field DashboardName contains invalid characters. It can only contain alphanumerics, "
                "dash (-) and underscore (_), at most 255.",
                name);
  return {};
}

std::string arn_of(const std::string& dashboard) {
  return services::arn("cloudwatch", "", "dashboard/" + dashboard);
}

}  // namespace

Result<PutDashboardOutput> AlarmOperations::PutDashboard(const Call&, const PutDashboardInput& request) {
  const std::string& name = *request.DashboardName;
  BRUME_CHECK(check_dashboard_name(name));
  BRUME_CHECK(check_tags(request.Tags));
  BRUME_TRY(warnings, check_dashboard_body(*request.DashboardBody));
  const DashboardRecord* known = dashboards_.find(name);
  if (!known && dashboards_.size() >= kMostDashboards)
    return fail("InvalidParameterInput", "There are already {} dashboards", kMostDashboards);
  DashboardRecord record{.name = name,
                         .body = *request.DashboardBody,
                         .modified = context_.env.clock.wall(),
                         .tags = known ? known->tags : request.Tags};
  dashboards_.put(name, std::move(record));
  PutDashboardOutput out;
  out.DashboardValidationMessages = std::move(warnings);
  out.DashboardValidationMessages.set_present();
  return out;
}

Result<GetDashboardOutput> AlarmOperations::GetDashboard(const Call&, const GetDashboardInput& request) {
  const std::string& name = *request.DashboardName;
  BRUME_CHECK(check_dashboard_name(name));
  const DashboardRecord* record = dashboards_.find(name);
  if (!record) return fail("ResourceNotFound", "Dashboard {} does not exist", name);
  return GetDashboardOutput{.DashboardArn = arn_of(name), .DashboardBody = record->body, .DashboardName = name};
}

Result<ListDashboardsOutput> AlarmOperations::ListDashboards(const Call&, const ListDashboardsInput& request) {
  std::vector<DashboardEntry> entries;
  for (const auto& [name, record] : dashboards_.rows())
    if (name.starts_with(request.DashboardNamePrefix.value_or("")))
      entries.push_back({name, arn_of(name), record.modified, std::int64_t(record.body.size())});
  BRUME_TRY(page, services::paginate(
                      std::move(entries), 100, request.NextToken,
                      [](const DashboardEntry& entry) { return *entry.DashboardName; }, "InvalidParameterValue"));
  ListDashboardsOutput out;
  out.DashboardEntries = std::move(page.items);
  out.NextToken = std::move(page.next_token);
  return out;
}

Result<DeleteDashboardsOutput> AlarmOperations::DeleteDashboards(const Call&, const DeleteDashboardsInput& request) {
  for (const std::string& name : request.DashboardNames) {
    BRUME_CHECK(check_dashboard_name(name));
    if (!dashboards_.contains(name)) return fail("ResourceNotFound", "Dashboard {} does not exist", name);
  }
  for (const std::string& name : request.DashboardNames) dashboards_.erase(name);
  return DeleteDashboardsOutput{};
}

}  // namespace brume::cloudwatch
