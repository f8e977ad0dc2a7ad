// What shows how packets go: flow logs, and paths with their analyses.
#include "services/cloudformation/resources/ec2_common.h"

namespace brume::cloudformation::resources {
namespace {

using Tags = List<ec2::Tag>;

// Flow logs ---------------------------------------------------------------------------------------------------------

Result<void> create_flow_log(Work& work, Instance& instance) {
  BRUME_TRY(request, read<ec2::CreateFlowLogsRequest>(instance.properties));
  request.ResourceIds = {instance.text("ResourceId")};
  request.ClientToken = work.token;
  BRUME_TRY(made, work.apis.ec2.CreateFlowLogs(work.call, request));
  for (const auto& item : made.Unsuccessful)
    if (item.Error) return fail(item.Error->Code.value_or("FlowLogError"), "{}", item.Error->Message.value_or(""));
  if (made.FlowLogIds.empty()) return fail_internal("EC2 did not say which flow log it made");
  instance.physical_id = made.FlowLogIds[0];
  set_attribute(instance, "Id", instance.physical_id);
  return tag_ec2(work, instance);
}

Result<void> remove_flow_log(Work& work, const Instance& instance) {
  ec2::DeleteFlowLogsRequest request;
  request.FlowLogIds = {instance.physical_id};
  BRUME_CHECK(work.apis.ec2.DeleteFlowLogs(work.call, request));
  return {};
}

// Reachability Analyzer ---------------------------------------------------------------------------------------------

Result<void> create_path(Work& work, Instance& instance) {
  BRUME_TRY(request, read<ec2::CreateNetworkInsightsPathRequest>(instance.properties));
  request.ClientToken = work.token;
  BRUME_TRY(made, work.apis.ec2.CreateNetworkInsightsPath(work.call, request));
  const ec2::NetworkInsightsPath& path = *made.NetworkInsightsPath;
  instance.physical_id = path.NetworkInsightsPathId.value_or("");
  set_attribute(instance, "NetworkInsightsPathId", instance.physical_id);
  set_attribute(instance, "NetworkInsightsPathArn", path.NetworkInsightsPathArn);
  set_attribute(instance, "CreatedDate", to_iso8601(path.CreatedDate.value_or(Timestamp()), true));
  set_attribute(instance, "SourceArn", path.SourceArn);
  set_attribute(instance, "DestinationArn", path.DestinationArn);
  return tag_ec2(work, instance);
}

Result<void> remove_path(Work& work, const Instance& instance) {
  ec2::DeleteNetworkInsightsPathRequest request;
  request.NetworkInsightsPathId = instance.physical_id;
  BRUME_CHECK(work.apis.ec2.DeleteNetworkInsightsPath(work.call, request));
  return {};
}

Result<void> create_analysis(Work& work, Instance& instance) {
  BRUME_TRY(request, read<ec2::StartNetworkInsightsAnalysisRequest>(instance.properties));
  request.ClientToken = work.token;
  BRUME_TRY(made, work.apis.ec2.StartNetworkInsightsAnalysis(work.call, request));
  const ec2::NetworkInsightsAnalysis& analysis = *made.NetworkInsightsAnalysis;
  instance.physical_id = analysis.NetworkInsightsAnalysisId.value_or("");
  set_attribute(instance, "NetworkInsightsAnalysisId", instance.physical_id);
  set_attribute(instance, "NetworkInsightsAnalysisArn", analysis.NetworkInsightsAnalysisArn);
  set_attribute(instance, "StartDate", to_iso8601(analysis.StartDate.value_or(Timestamp()), true));
  return tag_ec2(work, instance);
}

// Whether a path was found is its result, not its success.
Result<bool> analysis_settled(Work& work, Instance& instance) {
  ec2::DescribeNetworkInsightsAnalysesRequest request;
  request.NetworkInsightsAnalysisIds = {instance.physical_id};
  BRUME_TRY(found, work.apis.ec2.DescribeNetworkInsightsAnalyses(work.call, request));
  if (found.NetworkInsightsAnalyses.empty())
    return fail("NotStabilized", "Network insights analysis {} disappeared", instance.physical_id);
  const ec2::NetworkInsightsAnalysis& analysis = found.NetworkInsightsAnalyses[0];
  if (analysis.Status == "failed")
    return fail("NotStabilized", "Network insights analysis {} failed: {}", instance.physical_id,
                analysis.StatusMessage.value_or(""));
  set_attribute(instance, "Status", analysis.Status);
  set_attribute(instance, "StatusMessage", analysis.StatusMessage);
  set_attribute(instance, "NetworkPathFound", analysis.NetworkPathFound.value_or(false) ? "true" : "false");
  return analysis.Status == "succeeded";
}

Result<void> remove_analysis(Work& work, const Instance& instance) {
  ec2::DeleteNetworkInsightsAnalysisRequest request;
  request.NetworkInsightsAnalysisId = instance.physical_id;
  BRUME_CHECK(work.apis.ec2.DeleteNetworkInsightsAnalysis(work.call, request));
  return {};
}

}  // namespace

std::span<const ResourceType> ec2_observation_types() {
  static const ResourceType types[] = {
      {.name = "AWS::EC2::FlowLog",
       .properties = {text("ResourceId", kRequired | kCreateOnly), text("ResourceType", kRequired | kCreateOnly),
                      text("TrafficType", kCreateOnly), text("LogDestinationType", kCreateOnly),
                      text("LogDestination", kCreateOnly), text("LogGroupName", kCreateOnly),
                      text("DeliverLogsPermissionArn", kCreateOnly), text("LogFormat", kCreateOnly),
                      number("MaxAggregationInterval", kCreateOnly), property<Tags>("Tags")},
       .attributes = {"Id"},
       .create = create_flow_log,
       .update = retag_ec2,
       .remove = remove_flow_log},
      {.name = "AWS::EC2::NetworkInsightsPath",
       .properties = {text("Source", kRequired | kCreateOnly), text("Destination", kCreateOnly),
                      text("SourceIp", kCreateOnly), text("DestinationIp", kCreateOnly),
                      text("Protocol", kRequired | kCreateOnly), number("DestinationPort", kCreateOnly),
                      property<ec2::PathRequestFilter>("FilterAtSource", kCreateOnly),
                      property<ec2::PathRequestFilter>("FilterAtDestination", kCreateOnly), property<Tags>("Tags")},
       .attributes = {"NetworkInsightsPathId", "NetworkInsightsPathArn", "CreatedDate", "SourceArn", "DestinationArn"},
       .create = create_path,
       .update = retag_ec2,
       .remove = remove_path},
      {.name = "AWS::EC2::NetworkInsightsAnalysis",
       .properties = {text("NetworkInsightsPathId", kRequired | kCreateOnly), property<Tags>("Tags")},
       .attributes = {"NetworkInsightsAnalysisId", "NetworkInsightsAnalysisArn", "StartDate", "Status", "StatusMessage",
                      "NetworkPathFound"},
       .create = create_analysis,
       .settled = analysis_settled,
       .update = retag_ec2,
       .remove = remove_analysis},
  };
  return types;
}

}  // namespace brume::cloudformation::resources
