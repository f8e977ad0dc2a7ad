// Flow logs: which traffic of what is recorded, and where. Recording it is flow_log_controller.h's.
#include <algorithm>
#include <utility>

#include "aws/call.h"
#include "base/json.h"
#include "services/ec2/filters.h"
#include "services/ec2/flow_log_records.h"
#include "services/ec2/network_operations.h"
#include "services/ec2/refusals.h"

namespace brume::ec2 {
namespace {

constexpr std::size_t kMostResources = 1000;

constexpr FilterField<FlowLog> kFilters[] = {
    {"deliver-log-status", [](const FlowLog& log) { return value(log.DeliverLogsStatus); }},
    {"log-destination-type", [](const FlowLog& log) { return value(log.LogDestinationType); }},
    {"flow-log-id", [](const FlowLog& log) { return value(log.FlowLogId); }},
    {"log-group-name", [](const FlowLog& log) { return value(log.LogGroupName); }},
    {"resource-id", [](const FlowLog& log) { return value(log.ResourceId); }},
    {"traffic-type", [](const FlowLog& log) { return value(log.TrafficType); }},
};

// DescribeFlowLogs calls its filters by another name than the rest.
struct Paged {
  const List<Filter>& Filters;
  const std::optional<std::int32_t>& MaxResults;
  const std::optional<std::string>& NextToken;
};

FlowLog describe(const NetworkState& state, const FlowLogRecord& record) {
  FlowLog shape = record.log;
  shape.Tags = state.tags.of(*shape.FlowLogId);
  shape.Tags.set_present();
  return shape;
}

Result<void> refuse_unsupported(const CreateFlowLogsRequest& request) {
  const std::string type = request.ResourceType.value_or(""), destination = request.LogDestinationType.value_or("");
  BRUME_CHECK(refuse("ResourceType " + type, type != "VPC" && type != "Subnet" && type != "NetworkInterface"));
  BRUME_CHECK(
      refuse("LogDestinationType " + destination, request.LogDestinationType && destination != "cloud-watch-logs"));
  BRUME_CHECK(refuse("DeliverCrossAccountRole", request.DeliverCrossAccountRole.has_value()));
  return refuse("DestinationOptions", request.DestinationOptions.has_value());
}

// A log group, by its name or as the destination's ARN, with or without ":*" at its end.
Result<std::string> group_of(const CreateFlowLogsRequest& request) {
  if (request.LogGroupName && request.LogDestination)
    return fail("InvalidParameter", "Please only provide LogGroupName or only provide LogDestination.");
  std::string name = request.LogGroupName.value_or("");
  if (request.LogDestination) {
    constexpr std::string_view kMark = ":log-group:";
    const std::string& arn = *request.LogDestination;
    const std::size_t mark = arn.find(kMark);
    if (!arn.starts_with("arn:aws:logs:") || mark == std::string::npos)
      return fail("InvalidParameter", "LogDestination: {} is not the ARN of a log group.", arn);
    name = arn.substr(mark + kMark.size());
    if (name.ends_with(":*")) name.resize(name.size() - 2);
  }
  if (name.empty())
    return fail("InvalidParameter", "LogGroupName can't be empty if LogDestinationType is cloud-watch-logs.");
  const bool allowed = std::ranges::all_of(name, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view(".-_/#").find(c) != std::string_view::npos;
  });
  if (!allowed || name.size() > 512)
    return fail("InvalidParameter",
                "LogGroupName must have 1 to 512 of the characters a-z, A-Z, 0-9, '.', '-', '_', "
                "'/' and '#'.");
  return name;
}

Result<void> check_role(const CreateFlowLogsRequest& request) {
  if (!request.DeliverLogsPermissionArn)
    return fail("InvalidParameter",
                "DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs.");
  const std::string& arn = *request.DeliverLogsPermissionArn;
  if (arn.starts_with("arn:aws:iam::") && arn.find(":role/") != std::string::npos && arn.size() <= 2048) return {};
  return fail("InvalidParameter", "DeliverLogsPermissionArn: {} is not the ARN of a role.", arn);
}

// The VPC of a resource of the type. Errors: its kind's.
Result<std::string> vpc_of(const NetworkState& state, const std::string& type, const std::string& id) {
  if (type == "VPC") {
    BRUME_CHECK(find(state.vpcs, kVpc, id));
    return id;
  }
  if (type == "Subnet") {
    BRUME_TRY(subnet, find(state.subnets, kSubnet, id));
    return *subnet->VpcId;
  }
  BRUME_TRY(interface, find(state.network_interfaces, kNetworkInterface, id));
  return *interface->VpcId;
}

bool is_the_same(const FlowLog& a, const FlowLog& b) {
  return a.ResourceId == b.ResourceId && a.TrafficType == b.TrafficType && a.LogGroupName == b.LogGroupName;
}

}  // namespace

Result<CreateFlowLogsResult> NetworkOperations::CreateFlowLogs(const aws::Call& call,
                                                               const CreateFlowLogsRequest& request) {
  CreateFlowLogsResult result{.ClientToken = request.ClientToken, .FlowLogIds = {}, .Unsuccessful = {}};
  result.FlowLogIds.set_present();
  result.Unsuccessful.set_present();
  const std::string text = to_json(request);
  if (request.ClientToken && !request.ClientToken->empty()) {
    for (const auto& [id, record] : state_.flow_logs.rows()) {
      if (record.client_token != *request.ClientToken) continue;
      if (record.request != text)
        return fail("IdempotentParameterMismatch", "The client token was used with other parameters before.");
      result.FlowLogIds.push_back(id);
    }
    if (!result.FlowLogIds.empty()) return result;
  }

  BRUME_CHECK(refuse_unsupported(request));
  if (!request.TrafficType) return fail("MissingParameter", "The request must contain the parameter TrafficType");
  if (request.ResourceIds.empty() || request.ResourceIds.size() > kMostResources)
    return fail("InvalidParameter", "ResourceIds must have 1 to {} ids.", kMostResources);
  BRUME_TRY(group, group_of(request));
  BRUME_CHECK(check_role(request));
  const std::int32_t interval = request.MaxAggregationInterval.value_or(600);
  if (interval != 60 && interval != 600) return fail("InvalidParameter", "Invalid Flow Log Max Aggregation Interval");
  const std::string format = request.LogFormat.value_or(kDefaultFlowLogFormat);
  BRUME_CHECK(FlowLogFormat::parse(format));
  BRUME_TRY(tags, tags_for(call, request.TagSpecifications, kFlowLog.type));
  std::vector<std::string> vpcs;
  for (const std::string& id : request.ResourceIds) {
    BRUME_TRY(vpc_id, vpc_of(state_, *request.ResourceType, id));
    vpcs.push_back(vpc_id);
  }

  for (std::size_t i = 0; i < vpcs.size(); ++i) {
    const std::string id = services::new_id(context_.env.random, kFlowLog.prefix);
    FlowLog log{.CreationTime = context_.env.clock.wall(),
                .DeliverLogsPermissionArn = request.DeliverLogsPermissionArn,
                .DeliverLogsStatus = "SUCCESS",
                .FlowLogId = id,
                .FlowLogStatus = "ACTIVE",
                .LogGroupName = group,
                .ResourceId = request.ResourceIds[i],
                .TrafficType = request.TrafficType,
                .LogDestinationType = "cloud-watch-logs",
                .LogDestination = request.LogDestination,
                .LogFormat = format,
                .MaxAggregationInterval = interval};
    if (std::ranges::any_of(state_.flow_logs.rows(),
                            [&](const auto& row) { return is_the_same(row.second.log, log); })) {
      result.Unsuccessful.push_back(UnsuccessfulItem{
          .Error =
              UnsuccessfulItemError{
                  .Code = "FlowLogAlreadyExists",
                  .Message = "Error. There is an existing Flow Log with the same configuration and log destination."},
          .ResourceId = request.ResourceIds[i]});
      continue;
    }
    state_.flow_logs.put(id,
                         {.log = std::move(log), .client_token = request.ClientToken.value_or(""), .request = text});
    BRUME_CHECK(state_.tags.set(id, kFlowLog.type, tags));
    state_.changed(vpcs[i]);
    result.FlowLogIds.push_back(id);
  }
  return result;
}

// One that is not there is left out, not an error. Nor is one there whose resource is gone.
Result<DescribeFlowLogsResult> NetworkOperations::DescribeFlowLogs(const aws::Call&,
                                                                   const DescribeFlowLogsRequest& request) {
  std::vector<FlowLog> logs;
  for (const auto& [id, record] : state_.flow_logs.rows()) {
    const bool wanted =
        request.FlowLogIds.empty() || std::ranges::find(request.FlowLogIds, id) != request.FlowLogIds.end();
    if (wanted && vpc_of_flow_log(state_, record.log)) logs.push_back(describe(state_, record));
  }
  BRUME_TRY(page, filtered_page<FlowLog>(std::move(logs), Paged{request.Filter, request.MaxResults, request.NextToken},
                                         kFilters, [](const FlowLog& log) { return *log.FlowLogId; }));
  return DescribeFlowLogsResult{.FlowLogs = page.items, .NextToken = page.next_token};
}

// What was counted until now is still delivered. Records stay.
Result<DeleteFlowLogsResult> NetworkOperations::DeleteFlowLogs(const aws::Call&, const DeleteFlowLogsRequest& request) {
  std::vector<std::string> missing;
  for (const std::string& id : request.FlowLogIds)
    if (!state_.flow_logs.contains(id)) missing.push_back(id);
  if (!missing.empty())
    return fail(kFlowLog.not_found, "These flow log ids in the input list are not found: [TotalCount: {}] {}",
                missing.size(), fmt::join(missing, " "));
  for (const std::string& id : request.FlowLogIds) {
    const FlowLogRecord* record = state_.flow_logs.find(id);
    if (!record) continue;  // named twice
    const auto vpc_id = vpc_of_flow_log(state_, record->log);
    state_.flow_logs.erase(id);
    state_.tags.erase_all(id);
    if (vpc_id) state_.changed(*vpc_id);
  }
  DeleteFlowLogsResult result;
  result.Unsuccessful.set_present();
  return result;
}

}  // namespace brume::ec2
