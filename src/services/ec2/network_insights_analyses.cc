#include <algorithm>
#include <utility>

#include "aws/call.h"
#include "net/reachability.h"
#include "services/ec2/filters.h"
#include "services/ec2/network_insights.h"
#include "services/ec2/path_components.h"
#include "services/ec2/reachability_question.h"
#include "services/ec2/refusals.h"

namespace brume::ec2 {
namespace {

constexpr std::size_t kMostAnalyses = 1000;

constexpr FilterField<NetworkInsightsAnalysis> kFilters[] = {
    {"path-found", [](const NetworkInsightsAnalysis& a) { return value(a.NetworkPathFound); }},
    {"status", [](const NetworkInsightsAnalysis& a) { return value(a.Status); }},
};

NetworkInsightsAnalysis describe(const NetworkState& state, const NetworkInsightsAnalysis& record) {
  NetworkInsightsAnalysis shape = record;
  shape.Tags = state.tags.of(*record.NetworkInsightsAnalysisId);
  shape.Tags.set_present();
  return shape;
}

// Answers of all questions: the first that is reachable, or the first.
std::pair<const net::ReachQuestion*, net::Reachability> best_answer(const ReachabilityQuestions& asked) {
  std::pair<const net::ReachQuestion*, net::Reachability> best{nullptr, {}};
  for (const net::ReachQuestion& question : asked.questions) {
    net::Reachability answer = net::judge_reachability(asked.vpcs, question);
    if (!best.first || answer.reachable) best = {&question, std::move(answer)};
    if (best.second.reachable) break;
  }
  return best;
}

void say(NetworkInsightsAnalysis& analysis, const std::string& note) {
  analysis.WarningMessage = analysis.WarningMessage ? *analysis.WarningMessage + " " + note : note;
}

}  // namespace

std::string NetworkInsights::instance_state(const aws::Call& call, const std::string& id) {
  const auto found = DescribeInstances(call, {.InstanceIds = {id}});
  if (!found || found->Reservations.empty() || found->Reservations[0].Instances.empty()) return "";
  const Instance& instance = found->Reservations[0].Instances[0];
  return instance.State ? instance.State->Name.value_or("") : "";
}

Result<StartNetworkInsightsAnalysisResult> NetworkInsights::StartNetworkInsightsAnalysis(
    const aws::Call& call, const StartNetworkInsightsAnalysisRequest& request) {
  BRUME_CHECK(refuse("AdditionalAccounts", !request.AdditionalAccounts.empty()));
  BRUME_CHECK(refuse("FilterInArns", !request.FilterInArns.empty()));
  BRUME_CHECK(refuse("FilterOutArns", !request.FilterOutArns.empty()));
  BRUME_TRY(path, find(paths_, kNetworkInsightsPath, request.NetworkInsightsPathId));
  BRUME_TRY(tags, tags_for(call, request.TagSpecifications, kNetworkInsightsAnalysis.type));
  if (analyses_.size() >= kMostAnalyses)
    return fail("NetworkInsightsAnalysis.LimitExceeded",
                "The maximum number of network insights analyses ({}) has been reached.", kMostAnalyses);
  const std::string id = services::new_id(context_.env.random, kNetworkInsightsAnalysis.prefix);
  NetworkInsightsAnalysis analysis{.NetworkInsightsAnalysisId = id,
                                   .NetworkInsightsAnalysisArn = services::arn(
                                       "ec2", context_.region, fmt::format("{}/{}", kNetworkInsightsAnalysis.type, id)),
                                   .NetworkInsightsPathId = path->NetworkInsightsPathId,
                                   .StartDate = context_.env.clock.wall(),
                                   .Status = "succeeded"};
  const ReachabilityQuestions asked = questions_of(state_, *path);
  if (asked.questions.empty()) {
    analysis.NetworkPathFound = false;
    analysis.Explanations.push_back(explanation_of(state_, asked.code, asked.component, asked.state));
  } else {
    const auto [question, answer] = best_answer(asked);
    show_reachability(state_, *question, answer, analysis);
    if (!answer.code.empty())
      analysis.Explanations.push_back(
          explanation_of(state_, answer.code, path->Destination.value_or(question->to.address), ""));
    if (!answer.complete) {
      analysis.Status = "failed";
      analysis.StatusMessage = "There are too many rules to try every address and port; name an address or a port.";
      analysis.NetworkPathFound.reset();
    }
  }
  for (const auto& end : {path->Source, path->Destination}) {
    if (!end || !end->starts_with("i-")) continue;
    const std::string state = instance_state(call, *end);
    if (state.empty() || state == "running") continue;
    analysis.NetworkPathFound = false;
    analysis.Explanations.push_back(explanation_of(state_, "BAD_STATE", *end, state));
  }
  for (const std::string& note : asked.notes) say(analysis, note);
  for (auto* list : {&analysis.ForwardPathComponents, &analysis.ReturnPathComponents}) list->set_present();
  analysis.Explanations.set_present();
  analyses_.put(id, analysis);
  BRUME_CHECK(state_.tags.set(id, kNetworkInsightsAnalysis.type, tags));
  return StartNetworkInsightsAnalysisResult{.NetworkInsightsAnalysis = NetworkInsightsAnalysis{
                                                .NetworkInsightsAnalysisId = id,
                                                .NetworkInsightsAnalysisArn = analysis.NetworkInsightsAnalysisArn,
                                                .NetworkInsightsPathId = analysis.NetworkInsightsPathId,
                                                .StartDate = analysis.StartDate,
                                                .Status = "running",
                                                .Tags = state_.tags.of(id)}};
}

Result<DescribeNetworkInsightsAnalysesResult> NetworkInsights::DescribeNetworkInsightsAnalyses(
    const aws::Call&, const DescribeNetworkInsightsAnalysesRequest& request) {
  if (request.NetworkInsightsPathId) BRUME_CHECK(find(paths_, kNetworkInsightsPath, request.NetworkInsightsPathId));
  BRUME_TRY(analyses, shapes_of(analyses_, kNetworkInsightsAnalysis, request.NetworkInsightsAnalysisIds,
                                [&](const NetworkInsightsAnalysis& record) { return describe(state_, record); }));
  std::erase_if(analyses, [&](const NetworkInsightsAnalysis& analysis) {
    return (request.NetworkInsightsPathId && analysis.NetworkInsightsPathId != request.NetworkInsightsPathId) ||
           (request.AnalysisStartTime && *analysis.StartDate < *request.AnalysisStartTime) ||
           (request.AnalysisEndTime && *analysis.StartDate > *request.AnalysisEndTime);
  });
  BRUME_TRY(page,
            filtered_page<NetworkInsightsAnalysis>(std::move(analyses), request, kFilters, [](const auto& analysis) {
              return *analysis.NetworkInsightsAnalysisId;
            }));
  return DescribeNetworkInsightsAnalysesResult{.NetworkInsightsAnalyses = page.items, .NextToken = page.next_token};
}

Result<DeleteNetworkInsightsAnalysisResult> NetworkInsights::DeleteNetworkInsightsAnalysis(
    const aws::Call&, const DeleteNetworkInsightsAnalysisRequest& request) {
  BRUME_TRY(analysis, find(analyses_, kNetworkInsightsAnalysis, request.NetworkInsightsAnalysisId));
  const std::string id = *analysis->NetworkInsightsAnalysisId;
  state_.tags.erase_all(id);
  analyses_.erase(id);
  return DeleteNetworkInsightsAnalysisResult{.NetworkInsightsAnalysisId = id};
}

}  // namespace brume::ec2
