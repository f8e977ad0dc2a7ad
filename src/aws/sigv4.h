// AWS Signature Version 4: signing requests and verifying signatures, in the Authorization header or in the URL.
//
// Pure functions of the request, the keys and the time. Verification is as strict as AWS's: host and every x-amz-*
// header must be signed, the body's hash is checked unless it is declared unsigned, clocks may differ by 15 minutes.
// Comparison takes the same time wherever signatures differ. No error contains a key or a signature.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "aws/http.h"
#include "base/time.h"

namespace brume::aws {

struct Credentials {
  std::string access_key, secret_key;
  std::string session_token;  // empty: long-term keys
  std::string principal_arn;  // whom they stand for (server side only)
  std::string user_id;
};

// What a request says about its signature.
struct Authorization {
  std::string access_key, date, region, service;
  std::vector<std::string> signed_headers;  // lower case, sorted
  std::string signature;
  std::string session_token;
  Timestamp time;
  bool presigned = false;
  std::chrono::seconds expires{0};  // presigned only
};

// Errors: MissingAuthenticationToken (403), IncompleteSignature (400).
Result<Authorization> parse_authorization(const HttpRequest& request);

// Errors: SignatureDoesNotMatch (403); RequestExpired (403) with AWS's "Signature expired: …" sentence;
// InvalidClientTokenId (403) for a session token that is not the keys'.
Result<void> verify_signature(const HttpRequest& request, const Authorization& authorization,
                              const Credentials& credentials, Timestamp now);

// Adds X-Amz-Date, X-Amz-Security-Token, for S3 also X-Amz-Content-Sha256, and Authorization. The request has its Host
// header; all headers are signed.
void sign_request(HttpRequest& request, const Credentials& credentials, std::string_view region,
                  std::string_view service, Timestamp now);

// Puts the signature into the request's target, valid for `expires` (1 s to 7 days).
void presign_request(HttpRequest& request, const Credentials& credentials, std::string_view region,
                     std::string_view service, Timestamp now, std::chrono::seconds expires);

// The steps, for tests against published vectors. `path_as_sent`: S3's way, where a key may hold dots and slashes.
std::string canonical_request(const HttpRequest& request, const std::vector<std::string>& signed_headers,
                              std::string_view payload_hash, bool path_as_sent = false);
std::string string_to_sign(std::string_view canonical, std::string_view amz_date, std::string_view scope);
std::string sha256_hex(std::string_view bytes);

}  // namespace brume::aws
