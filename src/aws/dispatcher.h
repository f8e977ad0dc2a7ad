// From an HTTP request to an answer: who asks, which operation of which service, run in a transaction.
//
// Knows no sockets. Verifies the signature before it looks at anything else; finds the protocol and the operation;
// reads the input, asks whether the caller may do this, validates; answers retries with the same idempotency token from
// memory; writes the answer or error in the client's protocol. Everything a handler writes is durable before its answer
// leaves. Used on the state loop only. Never logs.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/protocol.h"
#include "aws/sessions.h"
#include "aws/sigv4.h"
#include "env/env.h"
#include "store/store.h"

namespace brume::aws {

class Idempotency;

class Dispatcher {
 public:
  // Whose keys these are; nothing for an unknown access key.
  using CredentialsLookup = std::function<std::optional<Credentials>(std::string_view access_key)>;
  // The service's Api object of a region, as void*. Errors: for regions that the service does not have.
  using Resolver = std::function<Result<void*>(const std::string& region)>;

  Dispatcher(env::Env& env, store::Store& store, CredentialsLookup credentials);
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  // `model` lives as long as the dispatcher.
  void add(const ServiceModel& model, Resolver resolver);
  // Accepts temporary credentials. `sessions` lives as long as the dispatcher.
  void accept(const Sessions& sessions) { sessions_ = &sessions; }

  HttpAnswer handle(const HttpRequest& request);
  // From inside a VPC: only temporary credentials of a role are good there.
  HttpAnswer handle_from_instance(const HttpRequest& request);

 private:
  struct Service {
    const ServiceModel* model;
    Resolver resolver;
  };
  // What is known of a request so far, so that an error can be told in the client's own protocol.
  struct Attempt {
    Protocol protocol = Protocol::query;
    const ServiceModel* service = nullptr;
    std::string request_id;
    bool from_instance = false;
  };
  struct Target {
    const Service* service;
    const Operation* operation;
  };

  HttpAnswer answer(const HttpRequest& request, bool from_instance);
  Result<HttpAnswer> attempt(const HttpRequest& request, Attempt& attempt);
  Result<Credentials> authenticate(const HttpRequest& request, const Authorization& authorization,
                                   bool from_instance) const;
  Result<Credentials> find_credentials(const Authorization& authorization) const;
  Result<Target> find_target(const HttpRequest& request, const std::string& signing_name, Attempt& attempt) const;
  Result<HttpAnswer> run(const Target& target, const HttpRequest& request, Call& call, const Attempt& attempt);
  [[nodiscard]] std::vector<const Service*> signed_for(std::string_view signing_name) const;

  env::Env& env_;
  store::Store& store_;
  CredentialsLookup credentials_;
  const Sessions* sessions_ = nullptr;
  std::vector<Service> services_;
  std::unique_ptr<Idempotency> idempotency_;
};

}  // namespace brume::aws
