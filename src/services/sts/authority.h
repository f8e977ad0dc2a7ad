// Whose temporary keys these are, and what their sessions may do.
//
// A role's session may do what the role's policies allow, and no more than its permissions boundary and the session's
// own policies do. A session of the owner (GetSessionToken) may do what AWS lets a root user's: everything but IAM, and
// of STS only AssumeRole and GetCallerIdentity. Some operations make the cloud act in the caller's place, and ask for
// more: launching with a role asks for iam:PassRole, CloudFormation's changes for everything, since it makes what a
// template names without asking again.
// Leaves to others: what policies mean (iam/policy_evaluator.h), what tokens look like (session.h).
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "aws/sessions.h"
#include "env/clock.h"
#include "services/iam/policy_evaluator.h"
#include "services/iam/service.h"
#include "services/sts/session.h"

namespace brume::sts {

class Authority : public aws::Sessions {
 public:
  // References must outlive it.
  Authority(const iam::Service& iam, const env::Clock& clock, std::string key)
      : iam_(iam), clock_(clock), keys_(std::move(key)) {}

  [[nodiscard]] Result<aws::Credentials> credentials(std::string_view access_key,
                                                     std::string_view token) const override;
  [[nodiscard]] Result<void> authorize(const aws::Call& call, const aws::ServiceModel& service,
                                       const aws::Operation& operation, const void* input) const override;

  // May the caller take this role on? `context` adds to what every request has. Errors: AccessDenied.
  [[nodiscard]] Result<void> may_assume(const aws::Call& call, const iam::RoleAccess& role,
                                        const iam::RequestContext& context) const;

  [[nodiscard]] const SessionKeys& keys() const { return keys_; }
  [[nodiscard]] const iam::Service& iam() const { return iam_; }

  // The keys of an instance whose profile has this role: good for six hours, new ones each hour. Error: AccessDenied
  // if the role's trust policy does not let EC2 take it on.
  struct InstanceKeys {
    TemporaryKeys keys;
    Timestamp issued, expires;
  };
  [[nodiscard]] Result<InstanceKeys> for_instance(const std::string& role, const std::string& instance_id,
                                                  const std::string& region, Timestamp launched) const;

 private:
  [[nodiscard]] iam::RequestContext context_of(const aws::Call& call, const Session& session,
                                               const iam::RoleAccess& role) const;
  struct Verdict {
    iam::Decision decision;
    std::string_view by;  // the kind of policy that decided against the request: "identity-based policy"
  };
  [[nodiscard]] Verdict decide(const Session& session, const iam::RoleAccess& role,
                               const iam::AccessRequest& request) const;
  [[nodiscard]] Result<void> require(const aws::Call& call, const Session& session, const iam::RoleAccess& role,
                                     const iam::AccessRequest& request) const;

  const iam::Service& iam_;
  const env::Clock& clock_;
  SessionKeys keys_;
};

std::string assumed_role_arn(std::string_view role, std::string_view session);

}  // namespace brume::sts
