// The transport below generated Clients: signs a call, sends it over HTTP, reads the answer.
//
// Blocking, one connection a call, never retried: whether a call may be repeated is for its caller to know. Speaks to
// any http:// or https:// endpoint; not for use on the state loop.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "aws/model.h"
#include "aws/sigv4.h"

namespace brume::aws {

class HttpTransport : public Transport {
 public:
  struct Options {
    std::string endpoint;  // "http://127.0.0.1:4566"
    Credentials credentials;
    std::string region;  // where Call::region is empty
    std::chrono::milliseconds timeout = std::chrono::seconds(60);
  };

  explicit HttpTransport(Options options) : options_(std::move(options)) {}

  // Errors: the service's; EndpointConnectionError when there is none that answers.
  Result<void> send(const ServiceModel& service, const Operation& operation, const Call& call, const void* input,
                    void* output) override;

 private:
  Options options_;
};

// Sends one request, which has its Host header, to "http://host[:port]" or, if the host's certificate is good,
// "https://host[:port]". `timeout` is for all of it. Errors: EndpointConnectionError.
Result<HttpAnswer> http_exchange(std::string_view endpoint, const HttpRequest& request,
                                 std::chrono::milliseconds timeout);
// What the Host header of a request to an endpoint says. Error: EndpointConnectionError if it is none.
Result<std::string> host_of(std::string_view endpoint);

}  // namespace brume::aws
