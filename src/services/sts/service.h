// STS: who am I, and temporary keys. Keeps nothing: sessions are in their tokens (session.h).
#pragma once

#include "env/env.h"
#include "services/sts/authority.h"
#include "sts/api.h"

namespace brume::sts {

class Service : public Api {
 public:
  // References must outlive it.
  Service(env::Env& env, const Authority& authority) : env_(env), authority_(authority) {}

  Result<GetCallerIdentityResponse> GetCallerIdentity(const aws::Call& call, const GetCallerIdentityRequest&) override {
    return GetCallerIdentityResponse{call.user_id, call.account, call.principal_arn};
  }
  // Unlike AWS, where root users may not, the owner's keys take on a role that trusts the account: there is nobody
  // else.
  Result<AssumeRoleResponse> AssumeRole(const aws::Call& call, const AssumeRoleRequest& request) override;
  Result<GetSessionTokenResponse> GetSessionToken(const aws::Call& call,
                                                  const GetSessionTokenRequest& request) override;

 private:
  Credentials issue(Session session, std::int32_t lifetime);

  env::Env& env_;
  const Authority& authority_;
};

}  // namespace brume::sts
