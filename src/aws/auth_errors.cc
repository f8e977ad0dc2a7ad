#include "aws/auth_errors.h"

namespace brume::aws {

Error worded_for(Protocol protocol, Error error) {
  const std::string code = error.code;
  if (protocol == Protocol::ec2) {
    if (code == "RequestExpired" || code == "ExpiredToken") return {"RequestExpired", "Request has expired.", 400};
    if (code == "InvalidClientTokenId" || code == "SignatureDoesNotMatch")
      return {"AuthFailure", "AWS was not able to validate the provided access credentials", 401};
    if (code == "AccessDenied")
      return {"UnauthorizedOperation", "You are not authorized to perform this operation. " + error.message, 403};
    return error;
  }
  if (code == "RequestExpired") error.code = "SignatureDoesNotMatch";
  if (protocol == Protocol::query) return error;
  if (code == "InvalidClientTokenId")
    error.code = "UnrecognizedClientException";
  else if (error.code == "SignatureDoesNotMatch")
    error.code = "InvalidSignatureException";
  else if (code == "IncompleteSignature")
    error.code = "IncompleteSignatureException";
  else if (code == "MissingAuthenticationToken")
    error.code = "MissingAuthenticationTokenException";
  else if (code == "ExpiredToken" || code == "AccessDenied")
    error.code += "Exception";
  if (protocol == Protocol::json || protocol == Protocol::rpc_v2_cbor) error.status = 400;
  return error;
}

}  // namespace brume::aws
