#include <algorithm>

#include "base/time.h"
#include "services/common/page.h"
#include "services/ssm/service.h"

namespace brume::ssm {
namespace {

Result<bool> matches(const Session& session, const SessionFilter& filter) {
  const std::string& key = *filter.key;
  const std::string& value = *filter.value;
  if (key == "Target") return session.Target == value;
  if (key == "Owner") return session.Owner == value;
  if (key == "Status") return session.Status == value;
  if (key == "SessionId") return session.SessionId == value;
  if (key == "AccessType") return session.AccessType == value;
  const auto time = parse_iso8601(value);
  if (!time) return fail("ValidationException", "{} is not a time.", value);
  if (key == "InvokedAfter") return *session.StartDate >= *time;
  if (key == "InvokedBefore") return *session.StartDate < *time;
  return fail("InvalidFilterKey", "The filter key {} is not valid.", key);
}

}  // namespace

std::string Service::stream_url(const Call& call, const std::string& session_id) const {
  // Instances reach the API at an address of their own.
  const bool here = call.source_address.empty() || call.source_address.starts_with("127.");
  return fmt::format("ws://{}/v1/data-channel/{}?role=publish_subscribe",
                     here ? fmt::format("127.0.0.1:{}", targets_.api_port) : "169.254.169.254:4566", session_id);
}

Result<StartSessionResponse> Service::StartSession(const Call& call, const StartSessionRequest& request) {
  const std::string& target = *request.Target;
  BRUME_TRY(plan, plan_session(request));
  if (!targets_.runs || !targets_.runs(target)) return fail("TargetNotConnected", "{} is not connected.", target);
  BRUME_TRY(started, sessions_.start(target, std::move(plan), call.principal_arn, request.Reason));
  StartSessionResponse response;
  response.SessionId = started.id;
  response.TokenValue = started.token;
  response.StreamUrl = stream_url(call, started.id);
  return response;
}

Result<TerminateSessionResponse> Service::TerminateSession(const Call&, const TerminateSessionRequest& request) {
  if (!sessions_.terminate(*request.SessionId))
    return fail("DoesNotExistException", "The session {} does not exist.", *request.SessionId);
  TerminateSessionResponse response;
  response.SessionId = request.SessionId;
  return response;
}

Result<DescribeSessionsResponse> Service::DescribeSessions(const Call&, const DescribeSessionsRequest& request) {
  std::vector<Session> found;
  for (Session& session : sessions_.list()) {
    bool wanted = (session.Status == "Terminated") == (request.State == "History");
    for (const SessionFilter& filter : request.Filters) {
      BRUME_TRY(match, matches(session, filter));
      wanted = wanted && match;
    }
    if (wanted) found.push_back(std::move(session));
  }
  std::ranges::sort(found, {}, [](const Session& s) { return *s.SessionId; });
  BRUME_TRY(page, services::paginate(std::move(found), std::size_t(request.MaxResults.value_or(200)), request.NextToken,
                                     [](const Session& s) { return *s.SessionId; }));
  DescribeSessionsResponse response;
  response.Sessions = std::move(page.items);
  response.Sessions.set_present();
  response.NextToken = std::move(page.next_token);
  return response;
}

}  // namespace brume::ssm
