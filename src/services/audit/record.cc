#include "services/audit/record.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

namespace brume::audit {
namespace {

namespace json = boost::json;

constexpr std::string_view kHidden = "HIDDEN_DUE_TO_SECURITY_REASONS";
constexpr std::size_t kMaxElement = 100'000;  // CloudTrail user guide, "size limits" of record fields
constexpr std::size_t kMaxText = 16'384;

// Reads by name, as most of AWS's are.
constexpr std::string_view kReads[] = {"Describe", "Get",      "List",     "Lookup",   "Filter",
                                       "Search",   "Simulate", "Estimate", "Validate", "Detect"};
// And those that are called otherwise.
constexpr std::string_view kOtherReads[] = {"AssumeRole", "TestMetricFilter", "StartQuery", "StopQuery",
                                            "StartLiveTail"};

struct DataEvents {
  std::string_view service;
  std::array<std::string_view, 5> operations;
};
constexpr DataEvents kDataEvents[] = {
    {"logs", {"PutLogEvents", "GetLogEvents", "FilterLogEvents", "GetLogRecord", "GetLogObject"}},
    {"cloudwatch", {"PutMetricData", "GetMetricData", "GetMetricStatistics", "GetMetricWidgetImage"}},
};

// What names of secrets have in them, beside what the models say. Parameters of a stack may be NoEcho, and its template
// may say anything.
constexpr std::string_view kSecrets[] = {"secret",   "password",     "token",          "keymaterial",    "privatekey",
                                         "userdata", "templatebody", "parametervalue", "stackpolicybody"};
constexpr std::string_view kNoSecrets[] = {"nexttoken",     "clienttoken",       "clientrequesttoken",
                                           "sequencetoken", "nextsequencetoken", "httptokens"};

std::string lower(std::string_view text) {
  return aws::to_lower(text);
}

bool is_secret(const Member& member) {
  if (member.shape()->sensitive) return true;
  if (member.idempotency_token) return false;
  const std::string name = lower(member.name);
  if (std::ranges::find(kNoSecrets, name) != std::end(kNoSecrets)) return false;
  return std::ranges::any_of(kSecrets, [&](std::string_view word) { return name.find(word) != std::string::npos; });
}

std::string small_first(std::string_view name) {
  std::string out(name);
  // "DBName" would be "dBName" in CloudTrail too.
  if (!out.empty() && out[0] >= 'A' && out[0] <= 'Z') out[0] = char(out[0] - 'A' + 'a');
  return out;
}

json::string text(std::string_view value) {
  if (!aws::is_text(value)) return json::string(fmt::format("({} bytes that are no text)", value.size()));
  if (value.size() <= kMaxText) return json::string(value);
  std::size_t end = kMaxText;
  while (end > 0 && (static_cast<unsigned char>(value[end]) & 0xC0) == 0x80) --end;
  return json::string(fmt::format("{}… ({} bytes)", value.substr(0, end), value.size()));
}

json::value value_of(const Shape& shape, const void* value);

json::object members_of(const Shape& shape, const void* value) {
  json::object out;
  for (const Member& member : shape.members) {
    const void* held = member.get(value);
    if (!held) continue;
    const Shape& inner = *member.shape();
    if ((inner.kind == Kind::list && !inner.list->present(held)) ||
        (inner.kind == Kind::map && !inner.map->present(held)))
      continue;
    if (is_secret(member))
      out[small_first(member.name)] = kHidden;
    else
      out[small_first(member.name)] = value_of(inner, held);
  }
  return out;
}

json::value value_of(const Shape& shape, const void* value) {
  if (shape.sensitive) return json::string(kHidden);
  switch (shape.kind) {
    case Kind::boolean:
      return *static_cast<const bool*>(value);
    case Kind::integer:
      return *static_cast<const std::int32_t*>(value);
    case Kind::long_integer:
      return *static_cast<const std::int64_t*>(value);
    case Kind::real:
      return *static_cast<const double*>(value);
    case Kind::string:
      return text(*static_cast<const std::string*>(value));
    case Kind::blob:
      return json::string(fmt::format("({} bytes)", static_cast<const Blob*>(value)->bytes.size()));
    case Kind::timestamp:
      return json::string(to_iso8601(*static_cast<const Timestamp*>(value)));
    case Kind::structure:
      return members_of(shape, value);
    case Kind::list: {
      json::array items;
      for (std::size_t i = 0; i < shape.list->size(value); ++i)
        items.push_back(value_of(*shape.element(), shape.list->at(value, i)));
      return items;
    }
    case Kind::map: {
      json::object entries;
      shape.map->each(value, [&](const std::string& key, const void* entry) {
        entries[std::string_view(text(key))] = value_of(*shape.element(), entry);
      });
      return entries;
    }
  }
  return nullptr;
}

json::value element_of(const Shape* (*shape)(), const void* value) {
  if (!shape || !value) return nullptr;
  json::object members = members_of(*shape(), value);
  if (members.empty()) return nullptr;
  const std::size_t size = json::serialize(members).size();
  if (size <= kMaxElement) return members;
  return json::object{{"omitted", true},
                      {"originalSize", size},
                      {"reason", fmt::format("The element has more than {} bytes", kMaxElement)}};
}

json::object identity_of(const aws::Dispatcher::Answered& answered) {
  const aws::Call& call = answered.call;
  json::object identity;
  const bool root = call.principal_arn.ends_with(":root");
  identity["type"] = root ? "Root" : "AssumedRole";
  identity["principalId"] = call.user_id;
  identity["arn"] = call.principal_arn;
  identity["accountId"] = call.account;
  identity["accessKeyId"] = answered.access_key;
  // "arn:aws:sts::000000000000:assumed-role/<role>/<session>"
  const auto begin = call.principal_arn.find(":assumed-role/");
  if (begin == std::string::npos) return identity;
  const std::string names = call.principal_arn.substr(begin + 14);
  identity["sessionContext"] = {{"sessionIssuer",
                                 {{"type", "Role"},
                                  {"principalId", call.user_id.substr(0, call.user_id.find(':'))},
                                  {"accountId", call.account},
                                  {"userName", names.substr(0, names.find('/'))}}},
                                {"attributes", {{"mfaAuthenticated", "false"}}}};
  return identity;
}

}  // namespace

bool is_read(const aws::ServiceModel&, std::string_view operation) {
  return std::ranges::any_of(kReads, [&](std::string_view prefix) { return operation.starts_with(prefix); }) ||
         std::ranges::find(kOtherReads, operation) != std::end(kOtherReads);
}

bool is_data_event(const aws::ServiceModel& service, std::string_view operation) {
  return std::ranges::any_of(kDataEvents, [&](const DataEvents& events) {
    return service.id == events.service && std::ranges::find(events.operations, operation) != events.operations.end();
  });
}

bool is_recorded(const aws::Dispatcher::Answered& answered, bool reads) {
  const std::string_view operation = answered.operation.name;
  if (is_data_event(answered.service, operation)) return false;
  // That somebody takes on a role is read-only to CloudTrail, and worth knowing.
  return reads || answered.error || !is_read(answered.service, operation) || operation == "AssumeRole" ||
         operation == "GetSessionToken";
}

std::string record_of(const aws::Dispatcher::Answered& answered, Timestamp time, std::string_view event_id) {
  const aws::Call& call = answered.call;
  const bool read = is_read(answered.service, answered.operation.name);
  json::object record;
  record["eventVersion"] = "1.11";
  record["userIdentity"] = identity_of(answered);
  record["eventTime"] = to_iso8601(std::chrono::floor<std::chrono::seconds>(time));
  record["eventSource"] = fmt::format("{}.amazonaws.com", answered.service.signing_name);
  record["eventName"] = answered.operation.name;
  record["awsRegion"] = call.region;
  record["sourceIPAddress"] = call.source_address;
  record["userAgent"] = text(answered.user_agent);
  if (answered.error) {
    // EC2's errors say whose fault they are.
    const bool ec2 = std::string_view(answered.service.id) == "ec2";
    const std::string_view side = !ec2 ? "" : answered.error->status >= 500 ? "Server." : "Client.";
    record["errorCode"] = fmt::format("{}{}", side, answered.error->code);
    record["errorMessage"] = text(answered.error->message);
  }
  record["requestParameters"] = element_of(answered.operation.input, answered.input);
  record["responseElements"] = read ? json::value(nullptr) : element_of(answered.operation.output, answered.output);
  record["requestID"] = call.request_id;
  record["eventID"] = event_id;
  record["readOnly"] = read;
  record["eventType"] = "AwsApiCall";
  record["managementEvent"] = true;
  record["recipientAccountId"] = call.account;
  record["eventCategory"] = "Management";
  return json::serialize(record);
}

}  // namespace brume::audit
