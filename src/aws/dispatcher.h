// From an HTTP request to an answer: who asks, which operation of which service, run in a transaction.
//
// Knows no sockets. Verifies the signature before it looks at anything else; finds the protocol and the operation;
// reads the input, asks whether the caller may do this, validates; answers retries with the same idempotency token from
// memory; writes the answer or error in the client's protocol. Everything a handler writes is durable before its answer
// leaves. Used on the state loop only; operations that a service has run aside are read, carried out and written on
// other threads, judged on the loop. Never logs; a listener is told of what was called and how it ended.
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
#include "env/aside.h"
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
  using Respond = std::function<void(HttpAnswer)>;
  // Operations that may take long (they write or search much data): they are invoked outside of any transaction, from
  // any thread, several at once.
  struct Aside {
    std::vector<std::string_view> operations;
    env::Aside run;
  };

  Dispatcher(env::Env& env, store::Store& store, CredentialsLookup credentials);
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  // `model` lives as long as the dispatcher.
  void add(const ServiceModel& model, Resolver resolver, Aside aside = {});
  // How an operation is carried out that answers with events as they come. `input` is of the operation's shape. Errors
  // are told as any operation's.
  using Events = std::function<Result<EventSource>(const Call& call, const void* input)>;
  // Of a service that was added.
  void answer_with_events(const ServiceModel& model, std::string_view operation, Events events);
  // What is to be done on another thread before an operation is carried out in its transaction: asking a service
  // elsewhere. `Before` is asked for the errand on the loop, once the caller may and the input is valid (an empty one:
  // there is nothing to do first); an error of either is the operation's.
  using Errand = std::function<Result<void>()>;
  using Before = std::function<Result<Errand>(const Call& call, const void* input)>;
  // Of a service that was added.
  void run_first(const ServiceModel& model, std::string_view operation, Before before, env::Aside run);
  // Accepts temporary credentials. `sessions` lives as long as the dispatcher.
  void accept(const Sessions& sessions) { sessions_ = &sessions; }

  // A call whose caller and operation are known, on its way to being answered. Valid while it is told of.
  struct Answered {
    const Call& call;
    const ServiceModel& service;
    const Operation& operation;
    const std::string& access_key;
    const std::string& user_agent;
    const void* input;   // of the operation's shape; null: it has none
    const void* output;  // likewise; also null where there is an error
    const Error* error;  // null: it succeeded
  };
  // Is told of each, on the loop, before its answer leaves.
  void tell(std::function<void(const Answered&)> listener) { listener_ = std::move(listener); }

  enum class From : std::uint8_t {
    host,
    instance,  // from inside a VPC: only temporary credentials of a role are good there
  };
  // `respond` is called on the loop, once: before this returns, unless the operation, or its errand, runs aside.
  void handle(HttpRequest request, Respond respond, From from = From::host);
  // Answers at once, and runs nothing aside: for simulations and tests.
  HttpAnswer handle(const HttpRequest& request, From from = From::host);

 private:
  struct First {
    Before before;
    env::Aside run;
  };
  struct Service {
    const ServiceModel* model;
    Resolver resolver;
    Aside aside;
    std::map<std::string_view, Events> events;
    std::map<std::string_view, First> first;
  };
  // What is known of a request so far, so that an error can be told in the client's own protocol.
  struct Attempt {
    Protocol protocol = Protocol::query;
    const ServiceModel* service = nullptr;
    std::string request_id;
    From from = From::host;
    std::string access_key, user_agent;
    // What the listener is told; `call` and `operation` are null until they are known.
    const Call* call = nullptr;
    const Operation* operation = nullptr;
    std::shared_ptr<void> input, output;
  };
  struct Target {
    const Service* service;
    const Operation* operation;
  };
  // A call whose caller is known.
  struct Known {
    Target target;
    Call call;
    std::optional<HttpRequest> decompressed;  // the request to read, if the one sent was compressed
  };
  struct AsideCall;

  [[nodiscard]] Attempt begin(From from);
  HttpAnswer finish(const Attempt& attempt, Result<HttpAnswer> answer);
  // Who calls what.
  Result<Known> identify(const HttpRequest& request, Attempt& attempt);
  Result<Credentials> authenticate(const HttpRequest& request, const Authorization& authorization, From from) const;
  Result<Credentials> find_credentials(const Authorization& authorization) const;
  Result<Target> find_target(const HttpRequest& request, const std::string& signing_name, Attempt& attempt) const;
  Result<HttpAnswer> run(const Target& target, const HttpRequest& request, Call& call, Attempt& attempt);
  // Reads the input and asks whether it is valid and the caller may.
  Result<void> admit(const Target& target, const HttpRequest& request, Call& call, Attempt& attempt) const;
  // Of an operation that has one.
  Result<Errand> errand_of(Known& known, const HttpRequest& request, Attempt& attempt) const;
  void run_errand(HttpRequest request, Attempt attempt, Known known, Respond respond);
  void run_aside(HttpRequest request, Attempt attempt, Known known, Respond respond);
  // May this caller do this?
  Result<void> authorize(const Target& target, Call& call, const Attempt& attempt, const void* input) const;
  [[nodiscard]] std::vector<const Service*> signed_for(std::string_view signing_name) const;

  env::Env& env_;
  store::Store& store_;
  CredentialsLookup credentials_;
  const Sessions* sessions_ = nullptr;
  std::function<void(const Answered&)> listener_;
  std::vector<Service> services_;
  std::unique_ptr<Idempotency> idempotency_;
};

}  // namespace brume::aws
