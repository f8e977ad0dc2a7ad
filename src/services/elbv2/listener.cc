// Listeners and their attributes.
#include <algorithm>

#include "services/common/ids.h"
#include "services/common/page.h"
#include "services/elbv2/actions.h"
#include "services/elbv2/attributes.h"
#include "services/elbv2/service.h"
#include "services/elbv2/tags.h"

namespace brume::elbv2 {
namespace {

constexpr std::size_t kMaxListeners = 50;  // a load balancer

List<ListenerAttribute> as_list(const Attributes& attributes) {
  List<ListenerAttribute> list;
  for (const auto& [key, value] : attributes) list.push_back({key, value});
  return list;
}

Result<void> check_protocol(const std::optional<std::string>& protocol, bool certificates) {
  if (protocol && *protocol != "HTTP")
    return fail("UnsupportedOperation", "Brume's load balancer has HTTP listeners only, not {}", *protocol);
  if (certificates) return fail("ValidationError", "Certificates can't be specified for an HTTP listener");
  return {};
}

}  // namespace

Result<List<Action>> Service::check_actions(const List<Action>& actions, const LoadBalancerRecord& balancer) const {
  BRUME_TRY(checked, normalise_actions(actions));
  for (const Action& action : checked) {
    if (!action.ForwardConfig) continue;
    for (const TargetGroupTuple& tuple : action.ForwardConfig->TargetGroups) {
      BRUME_TRY(group, find_target_group(*tuple.TargetGroupArn));
      if (*group->target_group.VpcId != *balancer.load_balancer.VpcId)
        return fail("InvalidConfigurationRequest", "The target group '{}' is not in the VPC of the load balancer",
                    *tuple.TargetGroupArn);
      for (const std::string& user : balancers_of(*tuple.TargetGroupArn))
        if (user != *balancer.load_balancer.LoadBalancerArn)
          return fail("TargetGroupAssociationLimit",
                      "The following target groups cannot be associated with more than one load balancer: '{}'",
                      *tuple.TargetGroupArn);
    }
  }
  return checked;
}

Result<void> Service::check_listen(const LoadBalancerRecord& balancer, int port,
                                   const std::string& but_listener) const {
  std::size_t count = 0;
  for (const auto& [arn, record] : listeners_.rows()) {
    if (*record.listener.LoadBalancerArn != *balancer.load_balancer.LoadBalancerArn || arn == but_listener) continue;
    if (*record.listener.Port == port)
      return fail("DuplicateListener", "A listener already exists on this port for this load balancer '{}'",
                  *balancer.load_balancer.LoadBalancerArn);
    ++count;
  }
  if (count >= kMaxListeners)
    return fail("TooManyListeners", "A load balancer can have at most {} listeners", kMaxListeners);
  return data_plane_.check_port(balancer.listen_address, port);
}

Result<CreateListenerOutput> Service::CreateListener(const Call&, const CreateListenerInput& request) {
  BRUME_TRY(balancer, find_load_balancer(*request.LoadBalancerArn));
  if (!request.Protocol) return fail("ValidationError", "A listener protocol must be specified");
  if (!request.Port) return fail("ValidationError", "A listener port must be specified");
  BRUME_CHECK(check_protocol(request.Protocol, !request.Certificates.empty()));
  if (request.MutualAuthentication && request.MutualAuthentication->Mode.value_or("off") != "off")
    return fail("UnsupportedOperation", "Brume's load balancer does not support mutual authentication yet");
  BRUME_CHECK(check_listen(*balancer, *request.Port, ""));
  BRUME_TRY(actions, check_actions(request.DefaultActions, *balancer));
  ListenerRecord record;
  const std::string& arn = *request.LoadBalancerArn;
  record.listener.ListenerArn = services::arn(
      "elasticloadbalancing", context_.region,
      fmt::format("listener/{}/{}", arn.substr(arn.find("loadbalancer/") + 13), context_.env.random.hex(16)));
  record.listener.LoadBalancerArn = arn;
  record.listener.Port = request.Port;
  record.listener.Protocol = request.Protocol;
  record.listener.DefaultActions = actions;
  record.attributes = initial_attributes(listener_attributes());
  BRUME_CHECK(merge_tags(record.tags, request.Tags));
  CreateListenerOutput output{{record.listener}};
  listeners_.put(*record.listener.ListenerArn, std::move(record));
  changed();
  return output;
}

Result<DescribeListenersOutput> Service::DescribeListeners(const Call&, const DescribeListenersInput& request) {
  std::vector<Listener> found;
  for (const std::string& arn : request.ListenerArns) {
    BRUME_TRY(record, find_listener(arn));
    found.push_back(record->listener);
  }
  if (request.LoadBalancerArn) {
    BRUME_CHECK(find_load_balancer(*request.LoadBalancerArn));
    for (const auto& [arn, record] : listeners_.rows())
      if (*record.listener.LoadBalancerArn == *request.LoadBalancerArn) found.push_back(record.listener);
  }
  if (request.ListenerArns.empty() && !request.LoadBalancerArn)
    return fail("ValidationError", "You must specify either listener ARNs or a load balancer ARN");
  std::ranges::sort(found, {}, &Listener::ListenerArn);
  BRUME_TRY(page, services::paginate(
                      std::move(found), std::size_t(request.PageSize.value_or(400)), request.Marker,
                      [](const Listener& l) { return *l.ListenerArn; }, "ValidationError"));
  return DescribeListenersOutput{std::move(page.items), std::move(page.next_token)};
}

Result<ModifyListenerOutput> Service::ModifyListener(const Call&, const ModifyListenerInput& request) {
  BRUME_TRY(found, find_listener(*request.ListenerArn));
  ListenerRecord record = *found;
  const LoadBalancerRecord& balancer = *load_balancers_.find(*record.listener.LoadBalancerArn);
  BRUME_CHECK(check_protocol(request.Protocol, !request.Certificates.empty()));
  if (request.Port && *request.Port != *record.listener.Port) {
    BRUME_CHECK(check_listen(balancer, *request.Port, *request.ListenerArn));
    record.listener.Port = request.Port;
  }
  if (request.DefaultActions.present()) {
    BRUME_TRY(actions, check_actions(request.DefaultActions, balancer));
    record.listener.DefaultActions = actions;
  }
  ModifyListenerOutput output{{record.listener}};
  listeners_.put(*request.ListenerArn, std::move(record));
  changed();
  return output;
}

Result<DeleteListenerOutput> Service::DeleteListener(const Call&, const DeleteListenerInput& request) {
  BRUME_CHECK(find_listener(*request.ListenerArn));
  std::vector<std::string> gone;
  for (const auto& [arn, rule] : rules_.rows())
    if (rule.listener == *request.ListenerArn) gone.push_back(arn);
  for (const std::string& arn : gone) rules_.erase(arn);
  listeners_.erase(*request.ListenerArn);
  changed();
  return DeleteListenerOutput{};
}

Result<DescribeListenerAttributesOutput> Service::DescribeListenerAttributes(
    const Call&, const DescribeListenerAttributesInput& request) {
  BRUME_TRY(record, find_listener(*request.ListenerArn));
  return DescribeListenerAttributesOutput{as_list(record->attributes)};
}

Result<ModifyListenerAttributesOutput> Service::ModifyListenerAttributes(const Call&,
                                                                         const ModifyListenerAttributesInput& request) {
  BRUME_TRY(found, find_listener(*request.ListenerArn));
  ListenerRecord record = *found;
  for (const ListenerAttribute& attribute : request.Attributes) {
    BRUME_CHECK(check_attribute(listener_attributes(), attribute.Key.value_or(""), attribute.Value.value_or("")));
    record.attributes[*attribute.Key] = attribute.Value.value_or("");
  }
  ModifyListenerAttributesOutput output{as_list(record.attributes)};
  listeners_.put(*request.ListenerArn, std::move(record));
  changed();
  return output;
}

}  // namespace brume::elbv2
