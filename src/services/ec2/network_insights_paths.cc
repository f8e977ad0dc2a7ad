#include <array>
#include <utility>

#include "aws/call.h"
#include "services/ec2/filters.h"
#include "services/ec2/instance_kinds.h"
#include "services/ec2/network_insights.h"
#include "services/ec2/refusals.h"

namespace brume::ec2 {
namespace {

constexpr std::size_t kMostPaths = 100;

template <auto filter, auto member>
Values in_filter(const NetworkInsightsPath& path) {
  return path.*filter ? value((*(path.*filter)).*member) : Values{};
}

template <auto filter, auto member>
Values port_range(const NetworkInsightsPath& path) {
  const auto& range = path.*filter ? (*(path.*filter)).*member : std::nullopt;
  return range ? Values{fmt::format("{}-{}", range->FromPort.value_or(0), range->ToPort.value_or(0))} : Values{};
}

constexpr auto kAtSource = &NetworkInsightsPath::FilterAtSource;
constexpr auto kAtDestination = &NetworkInsightsPath::FilterAtDestination;

constexpr FilterField<NetworkInsightsPath> kFilters[] = {
    {"source", [](const NetworkInsightsPath& p) { return value(p.Source); }},
    {"destination", [](const NetworkInsightsPath& p) { return value(p.Destination); }},
    {"protocol", [](const NetworkInsightsPath& p) { return value(p.Protocol); }},
    {"filter-at-source.source-address", in_filter<kAtSource, &PathFilter::SourceAddress>},
    {"filter-at-source.source-port-range", port_range<kAtSource, &PathFilter::SourcePortRange>},
    {"filter-at-source.destination-address", in_filter<kAtSource, &PathFilter::DestinationAddress>},
    {"filter-at-source.destination-port-range", port_range<kAtSource, &PathFilter::DestinationPortRange>},
    {"filter-at-destination.source-address", in_filter<kAtDestination, &PathFilter::SourceAddress>},
    {"filter-at-destination.source-port-range", port_range<kAtDestination, &PathFilter::SourcePortRange>},
    {"filter-at-destination.destination-address", in_filter<kAtDestination, &PathFilter::DestinationAddress>},
    {"filter-at-destination.destination-port-range", port_range<kAtDestination, &PathFilter::DestinationPortRange>},
};

NetworkInsightsPath describe(const NetworkState& state, const NetworkInsightsPath& record) {
  NetworkInsightsPath shape = record;
  shape.Tags = state.tags.of(*record.NetworkInsightsPathId);
  shape.Tags.set_present();
  return shape;
}

// Of an id, or of an ARN's resource.
std::string id_in(const std::string& text) {
  return text.starts_with("arn:") ? text.substr(text.rfind('/') + 1) : text;
}

// An end of the path, whose kind Brume can follow. `role` is "Source" or "Destination".
Result<const ResourceKind*> kind_of_end(const NetworkState& state, const std::string& id, const std::string& role) {
  static constexpr std::array<const ResourceKind*, 4> kinds = {&kInstance, &kNetworkInterface, &kInternetGateway,
                                                               &kVpcPeering};
  for (const ResourceKind* kind : kinds)
    if (id.starts_with(std::string(kind->prefix) + "-")) {
      if (!services::well_formed_id(id, kind->prefix))
        return fail("InvalidParameterValue", "Value ({}) for parameter {} is invalid.", id, role);
      if (!state.tags.kind_of(id))
        return fail("NetworkInsights" + role + ".NotFound", "The {} '{}' does not exist", kind->noun, id);
      return kind;
    }
  return fail("InvalidParameterValue",
              "Value ({}) for parameter {} is invalid. Brume analyzes instances (i-…), network interfaces (eni-…), "
              "internet gateways (igw-…) and VPC peering connections (pcx-…).",
              id, role);
}

Result<void> check_address(const std::optional<std::string>& address, std::string_view parameter) {
  if (address && !parse_ipv4(*address))
    return fail("InvalidParameterValue", "Value ({}) for parameter {} is invalid. This is not an IPv4 address.",
                *address, parameter);
  return {};
}

Result<std::optional<FilterPortRange>> range_of(const std::optional<RequestFilterPortRange>& asked) {
  if (!asked) return std::nullopt;
  const int from = asked->FromPort.value_or(0), to = asked->ToPort.value_or(65535);
  if (from > to) return fail("InvalidParameterValue", "Invalid port range: FromPort {} is above ToPort {}.", from, to);
  return FilterPortRange{.FromPort = from, .ToPort = to};
}

Result<std::optional<PathFilter>> filter_of(const std::optional<PathRequestFilter>& asked) {
  if (!asked) return std::nullopt;
  BRUME_CHECK(check_address(asked->SourceAddress, "SourceAddress"));
  BRUME_CHECK(check_address(asked->DestinationAddress, "DestinationAddress"));
  BRUME_TRY(sources, range_of(asked->SourcePortRange));
  BRUME_TRY(destinations, range_of(asked->DestinationPortRange));
  return PathFilter{.SourceAddress = asked->SourceAddress,
                    .SourcePortRange = sources,
                    .DestinationAddress = asked->DestinationAddress,
                    .DestinationPortRange = destinations};
}

Result<void> check_combination(const CreateNetworkInsightsPathRequest& request) {
  if (request.FilterAtSource && (request.SourceIp || request.DestinationPort))
    return fail("InvalidParameterCombination", "FilterAtSource cannot be given with SourceIp or DestinationPort.");
  if (request.FilterAtDestination && request.DestinationIp)
    return fail("InvalidParameterCombination", "FilterAtDestination cannot be given with DestinationIp.");
  if (request.FilterAtSource && request.FilterAtSource->DestinationAddress && request.DestinationIp)
    return fail("InvalidParameterCombination",
                "FilterAtSource with a DestinationAddress cannot be given with DestinationIp.");
  if (request.FilterAtDestination)
    BRUME_CHECK(refuse("FilterAtDestination.SourceAddress", request.FilterAtDestination->SourceAddress.has_value()));
  const bool has_address =
      request.DestinationIp || (request.FilterAtSource && request.FilterAtSource->DestinationAddress);
  if (!request.Destination && !has_address)
    return fail("MissingParameter", "The request must contain the parameter Destination or a destination address");
  return {};
}

}  // namespace

NetworkInsights::NetworkInsights(services::Context& context, NetworkState& state)
    : context_(context),
      state_(state),
      paths_(context.store, "ec2.network-insights-paths", context.region),
      analyses_(context.store, "ec2.network-insights-analyses", context.region) {
  state.tags.add_kind(kNetworkInsightsPath, [this](std::string_view id) { return paths_.contains(id); });
  state.tags.add_kind(kNetworkInsightsAnalysis, [this](std::string_view id) { return analyses_.contains(id); });
}

Result<void> NetworkInsights::load_insights() {
  BRUME_CHECK(paths_.load());
  return analyses_.load();
}

Result<CreateNetworkInsightsPathResult> NetworkInsights::CreateNetworkInsightsPath(
    const aws::Call& call, const CreateNetworkInsightsPathRequest& request) {
  BRUME_CHECK(check_combination(request));
  BRUME_CHECK(check_address(request.SourceIp, "SourceIp"));
  BRUME_CHECK(check_address(request.DestinationIp, "DestinationIp"));
  BRUME_TRY(tags, tags_for(call, request.TagSpecifications, kNetworkInsightsPath.type));
  const std::string source = id_in(*request.Source);
  BRUME_TRY(source_kind, kind_of_end(state_, source, "Source"));
  const std::string id = services::new_id(context_.env.random, kNetworkInsightsPath.prefix);
  NetworkInsightsPath path{
      .NetworkInsightsPathId = id,
      .NetworkInsightsPathArn =
          services::arn("ec2", context_.region, fmt::format("{}/{}", kNetworkInsightsPath.type, id)),
      .CreatedDate = context_.env.clock.wall(),
      .Source = source,
      .SourceArn = services::arn("ec2", context_.region, fmt::format("{}/{}", source_kind->type, source)),
      .SourceIp = request.SourceIp,
      .DestinationIp = request.DestinationIp,
      .Protocol = request.Protocol,
      .DestinationPort = request.DestinationPort};
  if (request.Destination) {
    path.Destination = id_in(*request.Destination);
    BRUME_TRY(kind, kind_of_end(state_, *path.Destination, "Destination"));
    path.DestinationArn = services::arn("ec2", context_.region, fmt::format("{}/{}", kind->type, *path.Destination));
    if (path.Source == path.Destination)
      return fail("InvalidParameterValue", "The source and the destination are the same: {}.", source);
  }
  BRUME_TRY(at_source, filter_of(request.FilterAtSource));
  BRUME_TRY(at_destination, filter_of(request.FilterAtDestination));
  path.FilterAtSource = at_source;
  path.FilterAtDestination = at_destination;
  if (paths_.size() >= kMostPaths)
    return fail("NetworkInsightsPath.LimitExceeded",
                "The maximum number of network insights paths ({}) has been reached.", kMostPaths);
  paths_.put(id, path);
  BRUME_CHECK(state_.tags.set(id, kNetworkInsightsPath.type, tags));
  return CreateNetworkInsightsPathResult{.NetworkInsightsPath = describe(state_, path)};
}

Result<DescribeNetworkInsightsPathsResult> NetworkInsights::DescribeNetworkInsightsPaths(
    const aws::Call&, const DescribeNetworkInsightsPathsRequest& request) {
  BRUME_TRY(paths, shapes_of(paths_, kNetworkInsightsPath, request.NetworkInsightsPathIds,
                             [&](const NetworkInsightsPath& record) { return describe(state_, record); }));
  BRUME_TRY(page, filtered_page<NetworkInsightsPath>(std::move(paths), request, kFilters,
                                                     [](const auto& path) { return *path.NetworkInsightsPathId; }));
  return DescribeNetworkInsightsPathsResult{.NetworkInsightsPaths = page.items, .NextToken = page.next_token};
}

Result<DeleteNetworkInsightsPathResult> NetworkInsights::DeleteNetworkInsightsPath(
    const aws::Call&, const DeleteNetworkInsightsPathRequest& request) {
  BRUME_TRY(path, find(paths_, kNetworkInsightsPath, request.NetworkInsightsPathId));
  const std::string id = *path->NetworkInsightsPathId;
  for (const auto& [analysis_id, analysis] : analyses_.rows())
    if (analysis.NetworkInsightsPathId == id)
      return fail("AnalysisExistsForNetworkInsightsPath",
                  "The network insights path '{}' has analyses and cannot be deleted before them.", id);
  state_.tags.erase_all(id);
  paths_.erase(id);
  return DeleteNetworkInsightsPathResult{.NetworkInsightsPathId = id};
}

}  // namespace brume::ec2
