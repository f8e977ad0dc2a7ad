// Calls to services elsewhere that speak AWS's API: where each is, and with whose keys a request to it is signed.
//
// Brume has no Kinesis, Firehose, Lambda or S3. Where its user says where one is, what has to go there goes through
// this. Nothing is ever repeated, and an answer is handed over as it came: what follows from it, the caller knows.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "aws/http.h"
#include "aws/sigv4.h"
#include "env/clock.h"

namespace brume::aws {

class Outgoing {
 public:
  // Blocks. Errors: EndpointConnectionError.
  using Exchange = std::function<Result<HttpAnswer>(std::string_view endpoint, const HttpRequest& request)>;
  // Asked for each request, from any thread, so that keys may be changed under a running daemon.
  using Keys = std::function<Result<Credentials>()>;

  Outgoing() = default;  // reaches nothing
  // `endpoints` by the name that services have in signatures: "s3", "kinesis".
  Outgoing(const env::Clock& clock, std::map<std::string, std::string, std::less<>> endpoints, Keys keys,
           Exchange exchange)
      : clock_(&clock), endpoints_(std::move(endpoints)), keys_(std::move(keys)), exchange_(std::move(exchange)) {}

  [[nodiscard]] bool reaches(std::string_view service) const { return endpoints_.contains(service); }
  // Signs a request that has neither Host nor signature, and sends it. Blocks; from any thread. Errors: UnknownEndpoint
  // for a service that is not reached; those of keys and exchange.
  Result<HttpAnswer> send(std::string_view service, std::string_view region, HttpRequest request) const;

 private:
  const env::Clock* clock_ = nullptr;
  std::map<std::string, std::string, std::less<>> endpoints_;
  Keys keys_;
  Exchange exchange_;
};

}  // namespace brume::aws
