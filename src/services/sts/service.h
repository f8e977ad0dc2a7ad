// STS: who am I. Temporary credentials come with the metadata service's roles.
#pragma once

#include "sts/api.h"

namespace brume::sts {

class Service : public Api {
 public:
  Result<GetCallerIdentityResponse> GetCallerIdentity(const aws::Call& call, const GetCallerIdentityRequest&) override {
    return GetCallerIdentityResponse{call.user_id, call.account, call.principal_arn};
  }
};

}  // namespace brume::sts
