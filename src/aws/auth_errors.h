// How each family of AWS's services words a refused signature or a refused caller.
#pragma once

#include "aws/model.h"

namespace brume::aws {

// `error` as sigv4.h or sessions.h gives it. Query services tell it as it is, save that an expired request is
// SignatureDoesNotMatch; EC2 has codes of its own, JSON services others.
Error worded_for(Protocol protocol, Error error);

}  // namespace brume::aws
