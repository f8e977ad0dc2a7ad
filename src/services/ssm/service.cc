#include "services/ssm/service.h"

#include <algorithm>
#include <charconv>

#include <re2/re2.h>

#include "services/common/ids.h"
#include "services/common/page.h"
#include "services/ssm/names.h"

namespace brume::ssm {
namespace {

constexpr std::size_t kMaxVersions = 100;        // "Parameter Store maintains the 100 most recent versions"
constexpr std::size_t kStandardBytes = 4 << 10;  // standard tier
constexpr std::size_t kAdvancedBytes = 8 << 10;
constexpr std::size_t kMaxTags = 50;

Parameter as_parameter(const ParameterHistory& version, const std::string& arn) {
  Parameter parameter;
  parameter.Name = version.Name;
  parameter.Type = version.Type;
  parameter.Value = version.Value;
  parameter.Version = version.Version;
  parameter.LastModifiedDate = version.LastModifiedDate;
  parameter.ARN = arn;
  parameter.DataType = version.DataType;
  return parameter;
}

ParameterMetadata as_metadata(const ParameterHistory& version, const std::string& arn) {
  ParameterMetadata metadata;
  metadata.Name = version.Name;
  metadata.ARN = arn;
  metadata.Type = version.Type;
  metadata.LastModifiedDate = version.LastModifiedDate;
  metadata.LastModifiedUser = version.LastModifiedUser;
  metadata.Description = version.Description;
  metadata.AllowedPattern = version.AllowedPattern;
  metadata.Version = version.Version;
  metadata.Tier = version.Tier;
  metadata.DataType = version.DataType;
  return metadata;
}

// One ParameterFilters entry against a parameter.
Result<bool> matches(const ParameterStringFilter& filter, const ParameterHistory& version, const List<Tag>& tags) {
  const std::string& key = *filter.Key;
  const std::string option = filter.Option.value_or(key == "Path" ? "OneLevel" : "Equals");
  const auto any = [&](auto&& test) { return std::ranges::any_of(filter.Values, test); };
  const auto text_match = [&](const std::string& text) -> Result<bool> {
    if (option == "Equals") return any([&](const std::string& v) { return v == text; });
    if (option == "BeginsWith") return any([&](const std::string& v) { return text.starts_with(v); });
    if (option == "Contains") return any([&](const std::string& v) { return text.find(v) != std::string::npos; });
    return fail("InvalidFilterOption", "The filter option {} is not valid for the key {}.", option, key);
  };
  if (key == "Name") return text_match(*version.Name);
  if (key == "Type") return text_match(*version.Type);
  if (key == "Tier") return text_match(*version.Tier);
  if (key == "DataType") return text_match(*version.DataType);
  if (key == "Path") {
    if (option != "OneLevel" && option != "Recursive")
      return fail("InvalidFilterOption", "The filter option {} is not valid for the key Path.", option);
    return any([&](const std::string& v) { return is_below(*version.Name, v, option == "Recursive"); });
  }
  if (key.starts_with("tag:")) {
    const auto tag = std::ranges::find(tags, key.substr(4), &Tag::Key);
    if (tag == tags.end()) return false;
    return filter.Values.empty() || any([&](const std::string& v) { return v == *tag->Value; });
  }
  return fail("InvalidFilterKey", "The filter key {} is not supported.", key);
}

}  // namespace

Service::Service(services::Context context, ImageExists image_exists, SessionTargets targets)
    : context_(std::move(context)),
      targets_(std::move(targets)),
      sessions_(context_.env.clock, context_.env.random),
      image_exists_(std::move(image_exists)),
      parameters_(context_.store, "ssm.parameters", context_.region) {}

Result<void> Service::load() {
  return parameters_.load();
}

std::string Service::arn_of(const std::string& name) const {
  return services::arn("ssm", context_.region, "parameter" + std::string(name.starts_with('/') ? "" : "/") + name);
}

Result<const ParameterRecord*> Service::find_record(const std::string& name) const {
  const ParameterRecord* record = parameters_.find(name);
  if (!record) return fail("ParameterNotFound", "Parameter {} not found.", name);
  return record;
}

Result<Parameter> Service::find(const std::string& reference) const {
  std::string name = reference;
  const std::string prefix = services::arn("ssm", context_.region, "parameter");
  if (name.starts_with(prefix)) {
    name = name.substr(prefix.size());
    if (!parameters_.contains(name.substr(0, name.find(':')))) name = name.substr(1);
  }
  std::string selector;
  if (const auto colon = name.find(':'); colon != std::string::npos) {
    selector = name.substr(colon);
    name = name.substr(0, colon);
  }
  BRUME_TRY(record, find_record(name));
  const ParameterHistory* version = &record->versions.back();
  if (!selector.empty()) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(selector.data() + 1, selector.data() + selector.size(), number);
    const auto found =
        std::ranges::find(record->versions, number, [](const ParameterHistory& v) { return *v.Version; });
    if (error != std::errc() || end != selector.data() + selector.size() || found == record->versions.end())
      return fail("ParameterVersionNotFound", "Systems Manager could not find version {} of {}.", selector.substr(1),
                  name);
    version = &*found;
  }
  Parameter parameter = as_parameter(*version, arn_of(name));
  if (!selector.empty()) parameter.Selector = selector;
  return parameter;
}

Result<PutParameterResult> Service::PutParameter(const Call& call, const PutParameterRequest& request) {
  const std::string& name = *request.Name;
  BRUME_CHECK(check_name(name));
  const ParameterRecord* existing = parameters_.find(name);
  if (existing && !request.Overwrite.value_or(false))
    return fail(
        "ParameterAlreadyExists",
        "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.");
  if (existing && !request.Tags.empty())
    return fail("ValidationException", "Invalid request: tags and overwrite can't be used together.");
  const ParameterHistory* last = existing ? &existing->versions.back() : nullptr;
  const std::optional<std::string> type = request.Type ? request.Type : last ? last->Type : std::nullopt;
  if (!type) return fail("ValidationException", "A parameter type is required when you create a parameter.");
  if (*type == "SecureString")
    return fail("UnsupportedParameterType", "Brume has no key management yet: a SecureString cannot be kept secret.");
  if (request.KeyId) return fail("ValidationException", "KeyId is only valid for a SecureString.");
  if (request.Policies) return fail("InvalidPolicyTypeException", "Parameter policies are not supported by Brume.");
  const std::string tier = request.Tier.value_or("Standard");
  const std::size_t limit = tier == "Standard" ? kStandardBytes : kAdvancedBytes;
  if (request.Value->empty() || request.Value->size() > limit)
    return fail("ValidationException", "The value of a parameter of the {} tier has 1 to {} bytes.", tier, limit);
  if (request.AllowedPattern) {
    const re2::RE2 pattern(*request.AllowedPattern, re2::RE2::Quiet);
    if (!pattern.ok())
      return fail("InvalidAllowedPatternException", "The allowed pattern {} is not a regular expression.",
                  *request.AllowedPattern);
    if (!re2::RE2::FullMatch(*request.Value, pattern))
      return fail("ParameterPatternMismatchException",
                  "Parameter value, cannot be validated against allowedPattern: {}", *request.AllowedPattern);
  }
  const std::string data_type = request.DataType.value_or(last ? *last->DataType : "text");
  if (data_type != "text" && data_type != "aws:ec2:image")
    return fail("ValidationException", "The following data type is not supported: {}", data_type);
  if (data_type == "aws:ec2:image" && !image_exists_(*request.Value))
    return fail("ValidationException", "The image {} of parameter {} does not exist.", *request.Value, name);

  ParameterRecord record = existing ? *existing : ParameterRecord{};
  ParameterHistory& version = record.versions.emplace_back();
  version.Name = name;
  version.Type = type;
  version.LastModifiedDate = context_.env.clock.wall();
  version.LastModifiedUser = call.principal_arn;
  version.Description = request.Description ? request.Description : last ? last->Description : std::nullopt;
  version.Value = request.Value;
  version.AllowedPattern = request.AllowedPattern;
  version.Version = last ? *last->Version + 1 : 1;
  version.Tier = tier;
  version.DataType = data_type;
  if (record.versions.size() > kMaxVersions) record.versions.erase(record.versions.begin());
  if (!existing) record.tags = request.Tags;
  const PutParameterResult result{version.Version, tier};
  parameters_.put(name, std::move(record));
  return result;
}

Result<GetParameterResult> Service::GetParameter(const Call&, const GetParameterRequest& request) {
  BRUME_TRY(parameter, find(*request.Name));
  return GetParameterResult{parameter};
}

Result<GetParametersResult> Service::GetParameters(const Call&, const GetParametersRequest& request) {
  GetParametersResult result;
  for (const std::string& name : request.Names) {
    if (auto parameter = find(name))
      result.Parameters.push_back(*std::move(parameter));
    else
      result.InvalidParameters.push_back(name);
  }
  result.InvalidParameters.set_present();
  return result;
}

Result<GetParametersByPathResult> Service::GetParametersByPath(const Call&, const GetParametersByPathRequest& request) {
  if (!request.Path->starts_with('/'))
    return fail("ValidationException", "The parameter path must begin with a slash, was \"{}\"", *request.Path);
  std::vector<Parameter> found;
  for (const auto& [name, record] : parameters_.rows()) {
    if (!is_below(name, *request.Path, request.Recursive.value_or(false))) continue;
    bool wanted = true;
    for (const ParameterStringFilter& filter : request.ParameterFilters) {
      BRUME_TRY(match, matches(filter, record.versions.back(), record.tags));
      wanted = wanted && match;
    }
    if (wanted) found.push_back(as_parameter(record.versions.back(), arn_of(name)));
  }
  BRUME_TRY(page, services::paginate(std::move(found), std::size_t(request.MaxResults.value_or(10)), request.NextToken,
                                     [](const Parameter& p) { return *p.Name; }));
  return GetParametersByPathResult{std::move(page.items), std::move(page.next_token)};
}

Result<DescribeParametersResult> Service::DescribeParameters(const Call&, const DescribeParametersRequest& request) {
  std::vector<ParameterStringFilter> filters(request.ParameterFilters);
  // The older form knows Name (a prefix), Type and KeyId only.
  for (const ParametersFilter& filter : request.Filters)
    filters.push_back({filter.Key, *filter.Key == "Name" ? "BeginsWith" : "Equals", filter.Values});
  std::vector<ParameterMetadata> found;
  for (const auto& [name, record] : parameters_.rows()) {
    bool wanted = true;
    for (const ParameterStringFilter& filter : filters) {
      BRUME_TRY(match, matches(filter, record.versions.back(), record.tags));
      wanted = wanted && match;
    }
    if (wanted) found.push_back(as_metadata(record.versions.back(), arn_of(name)));
  }
  BRUME_TRY(page, services::paginate(std::move(found), std::size_t(request.MaxResults.value_or(50)), request.NextToken,
                                     [](const ParameterMetadata& p) { return *p.Name; }));
  return DescribeParametersResult{std::move(page.items), std::move(page.next_token)};
}

Result<GetParameterHistoryResult> Service::GetParameterHistory(const Call&, const GetParameterHistoryRequest& request) {
  BRUME_TRY(record, find_record(*request.Name));
  // The key sorts as the version does.
  BRUME_TRY(page, services::paginate(std::vector(record->versions), std::size_t(request.MaxResults.value_or(50)),
                                     request.NextToken,
                                     [](const ParameterHistory& v) { return fmt::format("{:012}", *v.Version); }));
  return GetParameterHistoryResult{std::move(page.items), std::move(page.next_token)};
}

Result<DeleteParameterResult> Service::DeleteParameter(const Call&, const DeleteParameterRequest& request) {
  BRUME_CHECK(find_record(*request.Name));
  parameters_.erase(*request.Name);
  return DeleteParameterResult{};
}

Result<DeleteParametersResult> Service::DeleteParameters(const Call&, const DeleteParametersRequest& request) {
  DeleteParametersResult result;
  for (const std::string& name : request.Names) {
    (parameters_.contains(name) ? result.DeletedParameters : result.InvalidParameters).push_back(name);
    parameters_.erase(name);
  }
  return result;
}

Result<AddTagsToResourceResult> Service::AddTagsToResource(const Call&, const AddTagsToResourceRequest& request) {
  if (*request.ResourceType != "Parameter" || !parameters_.contains(*request.ResourceId))
    return fail("InvalidResourceId", "The resource {} is not a parameter that exists.", *request.ResourceId);
  ParameterRecord record = *parameters_.find(*request.ResourceId);
  for (const Tag& tag : request.Tags) {
    const auto same = std::ranges::find(record.tags, tag.Key, &Tag::Key);
    if (same != record.tags.end())
      same->Value = tag.Value;
    else
      record.tags.push_back(tag);
  }
  if (record.tags.size() > kMaxTags) return fail("TooManyTagsError", "A parameter can have at most {} tags.", kMaxTags);
  parameters_.put(*request.ResourceId, std::move(record));
  return AddTagsToResourceResult{};
}

Result<RemoveTagsFromResourceResult> Service::RemoveTagsFromResource(const Call&,
                                                                     const RemoveTagsFromResourceRequest& request) {
  if (*request.ResourceType != "Parameter" || !parameters_.contains(*request.ResourceId))
    return fail("InvalidResourceId", "The resource {} is not a parameter that exists.", *request.ResourceId);
  parameters_.modify(*request.ResourceId, [&](ParameterRecord& record) {
    std::erase_if(record.tags, [&](const Tag& tag) {
      return std::ranges::find(request.TagKeys, *tag.Key) != request.TagKeys.end();
    });
  });
  return RemoveTagsFromResourceResult{};
}

Result<ListTagsForResourceResult> Service::ListTagsForResource(const Call&, const ListTagsForResourceRequest& request) {
  const ParameterRecord* record = parameters_.find(*request.ResourceId);
  if (*request.ResourceType != "Parameter" || !record)
    return fail("InvalidResourceId", "The resource {} is not a parameter that exists.", *request.ResourceId);
  return ListTagsForResourceResult{record->tags};
}

}  // namespace brume::ssm
