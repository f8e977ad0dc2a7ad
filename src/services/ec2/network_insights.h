// Reachability Analyzer: paths that are asked about, and analyses of them.
//
// An analysis is made when it is started, from the tables as they are then (reachability_question.h,
// net/reachability.h, path_components.h), and kept as AWS shows it. Quotas are AWS's defaults: 100 paths, 1,000
// analyses a region. Leaves to the fabric what really happens to packets; tests/ compare.
#pragma once

#include <optional>
#include <string>

#include "ec2/api.h"
#include "services/common/context.h"
#include "services/ec2/network_state.h"

namespace brume::ec2 {

inline constexpr ResourceKind kNetworkInsightsPath{"nip", "network-insights-path",
                                                   "InvalidNetworkInsightsPathId.Malformed",
                                                   "InvalidNetworkInsightsPathId.NotFound", "networkInsightsPath ID"};
inline constexpr ResourceKind kNetworkInsightsAnalysis{
    "nia", "network-insights-analysis", "InvalidNetworkInsightsAnalysisId.Malformed",
    "InvalidNetworkInsightsAnalysisId.NotFound", "networkInsightsAnalysis ID"};

class NetworkInsights : public virtual Api {
 public:
  NetworkInsights(services::Context& context, NetworkState& state);

  Result<void> load_insights();

  // network_insights_paths.cc
  Result<CreateNetworkInsightsPathResult> CreateNetworkInsightsPath(
      const aws::Call& call, const CreateNetworkInsightsPathRequest& request) override;
  Result<DescribeNetworkInsightsPathsResult> DescribeNetworkInsightsPaths(
      const aws::Call& call, const DescribeNetworkInsightsPathsRequest& request) override;
  Result<DeleteNetworkInsightsPathResult> DeleteNetworkInsightsPath(
      const aws::Call& call, const DeleteNetworkInsightsPathRequest& request) override;

  // network_insights_analyses.cc
  Result<StartNetworkInsightsAnalysisResult> StartNetworkInsightsAnalysis(
      const aws::Call& call, const StartNetworkInsightsAnalysisRequest& request) override;
  Result<DescribeNetworkInsightsAnalysesResult> DescribeNetworkInsightsAnalyses(
      const aws::Call& call, const DescribeNetworkInsightsAnalysesRequest& request) override;
  Result<DeleteNetworkInsightsAnalysisResult> DeleteNetworkInsightsAnalysis(
      const aws::Call& call, const DeleteNetworkInsightsAnalysisRequest& request) override;

 private:
  // The state's name; empty if there is no such instance.
  std::string instance_state(const aws::Call& call, const std::string& id);

  services::Context& context_;
  NetworkState& state_;
  store::Table<NetworkInsightsPath> paths_;
  store::Table<NetworkInsightsAnalysis> analyses_;
};

}  // namespace brume::ec2
