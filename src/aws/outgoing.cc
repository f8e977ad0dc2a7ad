#include "aws/outgoing.h"

#include "aws/client.h"

namespace brume::aws {

Result<HttpAnswer> Outgoing::send(std::string_view service, std::string_view region, HttpRequest request) const {
  const auto endpoint = endpoints_.find(service);
  if (endpoint == endpoints_.end())
    return fail("UnknownEndpoint", "Brume is not told where {0} is: start it with --endpoint {0}=http://HOST:PORT.",
                service);
  BRUME_TRY(host, host_of(endpoint->second));
  BRUME_TRY(keys, keys_());
  request.headers.emplace_back("Host", host);
  sign_request(request, keys, region, service, clock_->wall());
  return exchange_(endpoint->second, request);
}

}  // namespace brume::aws
