#include "aws/dispatcher.h"

#include <algorithm>

#include "aws/auth_errors.h"
#include "aws/gzip.h"
#include "aws/idempotency.h"
#include "aws/rest_json.h"
#include "aws/validate.h"

namespace brume::aws {
namespace {

constexpr std::size_t kMaxDecompressed = 16 << 20;

// The protocol that the request is written in, as far as it shows without knowing the service.
Protocol protocol_of(const HttpRequest& request, std::string_view signing_name) {
  const std::string* smithy = find_header(request.headers, "smithy-protocol");
  if ((smithy && *smithy == "rpc-v2-cbor") || request.target.starts_with("/service/")) return Protocol::rpc_v2_cbor;
  if (find_header(request.headers, "x-amz-target")) return Protocol::json;
  const Protocol query = signing_name == "ec2" ? Protocol::ec2 : Protocol::query;
  const std::string* type = find_header(request.headers, "content-type");
  if (type && to_lower(*type).starts_with("application/x-www-form-urlencoded")) return query;
  const auto [path, parameters] = split_target(request.target);
  if (path == "/" && (parameters.find("Action=") != std::string_view::npos || request.body.starts_with("Action=")))
    return query;
  if (type && type->starts_with("application/x-amz-json")) return Protocol::json;
  if (path == "/" && (!type || signing_name == "ec2")) return query;
  return Protocol::rest_json;
}

bool well_formed_region(std::string_view region) {
  return !region.empty() && region.size() <= 32 && std::ranges::all_of(region, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

std::string_view parameter(const std::vector<std::pair<std::string, std::string>>& parameters, std::string_view name) {
  for (const auto& [key, value] : parameters)
    if (key == name) return value;
  return {};
}

std::unexpected<Error> no_such_operation(Protocol protocol, std::string_view name, const ServiceModel* service) {
  if (!is_text(name)) name = "";
  if (protocol == Protocol::ec2) return fail("InvalidAction", "The action {} is not valid for this web service.", name);
  if (protocol == Protocol::query)
    return fail("InvalidAction", "Could not find operation {} for version {}", name,
                service ? service->api_version : "NO_VERSION_SPECIFIED");
  return std::unexpected(Error{"UnknownOperationException",
                               fmt::format("The operation {} is not known to this service.", name),
                               protocol == Protocol::rest_json ? 404 : 400});
}

Result<const Operation*> find_operation(Protocol protocol, const ServiceModel& service, std::string_view name) {
  if (const Operation* operation = service.find(name)) return operation;
  if (service.knows(name)) return not_implemented(name);
  return no_such_operation(protocol, name, &service);
}

// The service and operation that a rest-json request is for; null if it is none. Of the operations that fit, the one
// with the most literal path: "/functions/x" before "/functions/{Name}".
template <typename Service>
std::pair<const Service*, const char*> find_route(const std::vector<const Service*>& candidates,
                                                  const HttpRequest& request) {
  std::pair<const Service*, const char*> best{nullptr, ""};
  std::ptrdiff_t fewest_labels = 0;
  for (const Service* candidate : candidates)
    for (const Route& route : candidate->model->routes) {
      if (request.method != route.method || !match_uri(route.uri, request.target)) continue;
      const auto labels = std::ranges::count(std::string_view(route.uri), '{');
      if (best.first && labels >= fewest_labels) continue;
      best = {candidate, route.name};
      fewest_labels = labels;
    }
  return best;
}

bool asks_dry_run(const Operation& operation, const void* input) {
  if (!operation.input) return false;
  const Member* member = operation.input()->find("DryRun");
  const void* held = member && member->shape()->kind == Kind::boolean ? member->get(input) : nullptr;
  return held && *static_cast<const bool*>(held);
}

// Against the model's constraints. CloudWatch Logs has its own code for what they refuse.
Result<void> check_input(const ServiceModel& model, const Operation& operation, Protocol protocol, const void* input) {
  if (!operation.input) return {};
  auto checked = validate(protocol, *operation.input(), input);
  if (!checked && model.id == std::string_view("logs")) checked.error().code = "InvalidParameterException";
  return checked;
}

int status_of(const ServiceModel* service, const Error& error) {
  if (error.status != 400 || !service) return error.status;
  for (const ErrorModel& known : service->errors)
    if (error.code == known.code) return known.status;
  return error.status;
}

}  // namespace

Dispatcher::Dispatcher(env::Env& env, store::Store& store, CredentialsLookup credentials)
    : env_(env),
      store_(store),
      credentials_(std::move(credentials)),
      idempotency_(std::make_unique<Idempotency>(env.clock, store)) {}

Dispatcher::~Dispatcher() = default;

void Dispatcher::add(const ServiceModel& model, Resolver resolver, Aside aside) {
  services_.push_back({&model, std::move(resolver), std::move(aside)});
}

void Dispatcher::answer_with_events(const ServiceModel& model, std::string_view operation, Events events) {
  const auto service = std::ranges::find(services_, &model, &Service::model);
  service->events.emplace(operation, std::move(events));
}

void Dispatcher::run_first(const ServiceModel& model, std::string_view operation, Before before, env::Aside run) {
  const auto service = std::ranges::find(services_, &model, &Service::model);
  service->first.emplace(operation, First{std::move(before), std::move(run)});
}

HttpAnswer Dispatcher::handle(const HttpRequest& sent, From from) {
  Attempt attempt = begin(from);
  auto known = identify(sent, attempt);
  if (!known) return finish(attempt, std::unexpected(std::move(known).error()));
  const HttpRequest& request = known->decompressed ? *known->decompressed : sent;
  return finish(attempt, [&]() -> Result<HttpAnswer> {
    if (known->target.service->first.contains(known->target.operation->name)) {
      BRUME_TRY(errand, errand_of(*known, request, attempt));
      if (errand) BRUME_CHECK(errand());
    }
    return run(known->target, request, known->call, attempt);
  }());
}

void Dispatcher::handle(HttpRequest request, Respond respond, From from) {
  Attempt attempt = begin(from);
  auto known = identify(request, attempt);
  if (!known) return respond(finish(attempt, std::unexpected(std::move(known).error())));
  if (known->decompressed) request = *std::move(known->decompressed);
  const auto& aside = known->target.service->aside.operations;
  if (std::ranges::find(aside, known->target.operation->name) != aside.end())
    return run_aside(std::move(request), std::move(attempt), *std::move(known), std::move(respond));
  if (known->target.service->first.contains(known->target.operation->name))
    return run_errand(std::move(request), std::move(attempt), *std::move(known), std::move(respond));
  respond(finish(attempt, run(known->target, request, known->call, attempt)));
}

Dispatcher::Attempt Dispatcher::begin(From from) {
  return {.request_id = env_.random.uuid(), .from = from};
}

HttpAnswer Dispatcher::finish(const Attempt& attempt, Result<HttpAnswer> answer) {
  const auto tell = [&](const Error* error) {
    if (listener_ && attempt.operation)
      listener_({*attempt.call, *attempt.service, *attempt.operation, attempt.access_key, attempt.user_agent,
                 attempt.input.get(), error ? nullptr : attempt.output.get(), error});
  };
  if (answer) {
    tell(nullptr);
    return *std::move(answer);
  }
  Error error = std::move(answer).error();
  error.status = status_of(attempt.service, error);
  tell(&error);
  return write_error(attempt.protocol, attempt.service, error, attempt.request_id);
}

Result<Dispatcher::Known> Dispatcher::identify(const HttpRequest& request, Attempt& attempt) {
  const auto authorization = parse_authorization(request);
  const std::string signing_name = authorization ? authorization->service : "";
  attempt.protocol = protocol_of(request, signing_name);
  const auto candidates = signed_for(signing_name);
  if (candidates.size() == 1) attempt.service = candidates.front()->model;
  if (!authorization) return std::unexpected(worded_for(attempt.protocol, authorization.error()));
  auto credentials = authenticate(request, *authorization, attempt.from);
  if (!credentials) return std::unexpected(worded_for(attempt.protocol, std::move(credentials).error()));

  attempt.access_key = authorization->access_key;
  if (const std::string* agent = find_header(request.headers, "user-agent")) attempt.user_agent = *agent;
  std::optional<HttpRequest> decompressed;
  const std::string* encoding = find_header(request.headers, "content-encoding");
  if (encoding && equal_ignoring_case(trim(*encoding), "gzip")) {
    BRUME_TRY(body, gunzip(request.body, kMaxDecompressed));
    decompressed = request;
    decompressed->body = std::move(body);
  }

  BRUME_TRY(target, find_target(decompressed ? *decompressed : request, signing_name, attempt));
  return Known{target,
               {.region = authorization->region,
                .request_id = attempt.request_id,
                .principal_arn = credentials->principal_arn,
                .user_id = credentials->user_id,
                .source_address = request.peer,
                .session_token = credentials->session_token},
               std::move(decompressed)};
}

Result<Credentials> Dispatcher::find_credentials(const Authorization& authorization) const {
  if (sessions_ && !authorization.session_token.empty())
    return sessions_->credentials(authorization.access_key, authorization.session_token);
  if (auto credentials = credentials_(authorization.access_key)) return *std::move(credentials);
  return std::unexpected(Error{"InvalidClientTokenId", "The security token included in the request is invalid.", 403});
}

Result<Credentials> Dispatcher::authenticate(const HttpRequest& request, const Authorization& authorization,
                                             From from) const {
  BRUME_TRY(credentials, find_credentials(authorization));
  if (from == From::instance && (credentials.session_token.empty() || credentials.principal_arn.ends_with(":root")))
    return std::unexpected(
        Error{"InvalidClientTokenId", "The security token included in the request is invalid.", 403});
  BRUME_CHECK(verify_signature(request, authorization, credentials, env_.clock.wall()));
  if (!well_formed_region(authorization.region))
    return std::unexpected(Error{"SignatureDoesNotMatch", "Credential should be scoped to a valid region.", 403});
  return credentials;
}

std::vector<const Dispatcher::Service*> Dispatcher::signed_for(std::string_view signing_name) const {
  std::vector<const Service*> found;
  for (const Service& service : services_)
    if (signing_name == service.model->signing_name) found.push_back(&service);
  return found;
}

Result<Dispatcher::Target> Dispatcher::find_target(const HttpRequest& request, const std::string& signing_name,
                                                   Attempt& attempt) const {
  auto candidates = signed_for(signing_name);
  if (candidates.empty())
    return std::unexpected(Error{
        "NotImplemented",
        fmt::format("The service {} is not implemented by Brume.", is_text(signing_name) ? signing_name : ""), 501});
  std::erase_if(candidates, [&](const Service* s) {
    return std::ranges::find(s->model->protocols, attempt.protocol) == s->model->protocols.end();
  });

  std::string name;
  switch (attempt.protocol) {
    case Protocol::query:
    case Protocol::ec2: {
      BRUME_TRY(parameters, request_parameters(request));
      name = parameter(parameters, "Action");
      if (name.empty()) return fail("MissingAction", "The request is missing an action or a required parameter.");
      const std::string version(parameter(parameters, "Version"));
      if (!version.empty() && !candidates.empty()) {
        std::erase_if(candidates, [&](const Service* s) { return version != s->model->api_version; });
        if (candidates.empty())
          return std::unexpected(Error{"NotImplemented",
                                       fmt::format("Version {} of the service {} is not implemented by Brume.",
                                                   is_text(version) ? version : "", signing_name),
                                       501});
      }
      break;
    }
    case Protocol::json: {
      const std::string* header = find_header(request.headers, "x-amz-target");
      const std::string target = header ? *header : "";
      const auto dot = target.rfind('.');
      if (dot == std::string::npos) return no_such_operation(attempt.protocol, target, nullptr);
      name = target.substr(dot + 1);
      std::erase_if(candidates, [&](const Service* s) {
        return !s->model->target_prefix || target.substr(0, dot) != s->model->target_prefix;
      });
      break;
    }
    case Protocol::rpc_v2_cbor: {
      // /service/NAME/operation/NAME, possibly below a prefix.
      const std::string_view path = split_target(request.target).first;
      const auto at = path.rfind("/operation/");
      if (at != std::string_view::npos && path.find("/service/") < at) name = path.substr(at + 11);
      break;
    }
    case Protocol::rest_json: {
      const auto [service, route] = find_route(candidates, request);
      if (!service)
        return no_such_operation(attempt.protocol,
                                 request.method + " " + std::string(split_target(request.target).first), nullptr);
      candidates = {service};
      name = route;
      break;
    }
  }
  if (candidates.empty()) return no_such_operation(attempt.protocol, name, nullptr);
  const Service* service = candidates.front();
  attempt.service = service->model;
  BRUME_TRY(operation, find_operation(attempt.protocol, *service->model, name));
  return Target{service, operation};
}

Result<void> Dispatcher::admit(const Target& target, const HttpRequest& request, Call& call, Attempt& attempt) const {
  const Operation& operation = *target.operation;
  attempt.call = &call;
  attempt.operation = &operation;
  attempt.input = operation.make_input ? operation.make_input() : nullptr;
  BRUME_CHECK(read_request(attempt.protocol, operation, request, attempt.input.get()));
  BRUME_CHECK(authorize(target, call, attempt, attempt.input.get()));
  return check_input(*target.service->model, operation, attempt.protocol, attempt.input.get());
}

Result<HttpAnswer> Dispatcher::run(const Target& target, const HttpRequest& request, Call& call, Attempt& attempt) {
  const ServiceModel& model = *target.service->model;
  const Operation& operation = *target.operation;
  BRUME_CHECK(admit(target, request, call, attempt));
  const std::shared_ptr<void> input = attempt.input;
  const std::shared_ptr<void> output = operation.make_output ? operation.make_output() : nullptr;
  attempt.output = output;
  if (const auto events = target.service->events.find(operation.name); events != target.service->events.end()) {
    BRUME_TRY(source, events->second(call, input.get()));
    return HttpAnswer{
        .status = 200,
        .headers = {{"Content-Type", "application/vnd.amazon.eventstream"}, {"x-amzn-RequestId", attempt.request_id}},
        .body = "",
        .stream = [source](std::shared_ptr<BodyWriter> body) {
          EventWriter writer(std::move(body));
          // What the output has beside its events: nothing, but clients wait for it.
          if (writer.write("initial-response", "{}")) source(std::move(writer));
        }};
  }
  BRUME_TRY(api, target.service->resolver(call.region));
  const bool dry_run = attempt.protocol == Protocol::ec2 && asks_dry_run(operation, input.get());
  const auto token = Idempotency::token_of(operation, input.get());
  BRUME_CHECK(store_.transact([&]() -> Result<void> {
    if (token) {
      BRUME_TRY(replayed, idempotency_->replay(call.region, model, operation, *token, input.get(), output.get()));
      if (replayed) return {};
    }
    BRUME_CHECK(operation.invoke(api, call, input.get(), output.get()));
    // What would be refused is refused; what would not is taken back with the transaction.
    if (dry_run)
      return std::unexpected(Error{"DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412});
    if (token) BRUME_CHECK(idempotency_->keep(call.region, model, operation, *token, input.get(), output.get()));
    return {};
  }));
  return write_answer(attempt.protocol, model, operation, output.get(), attempt.request_id);
}

Result<void> Dispatcher::authorize(const Target& target, Call& call, const Attempt& attempt, const void* input) const {
  if (!sessions_ || call.session_token.empty()) return {};
  auto allowed = sessions_->authorize(call, *target.service->model, *target.operation, input);
  if (!allowed) return std::unexpected(worded_for(attempt.protocol, std::move(allowed).error()));
  return {};
}

Result<Dispatcher::Errand> Dispatcher::errand_of(Known& known, const HttpRequest& request, Attempt& attempt) const {
  BRUME_CHECK(admit(known.target, request, known.call, attempt));
  return known.target.service->first.at(known.target.operation->name).before(known.call, attempt.input.get());
}

// Asked for on the loop, run aside; then the call is as any other, and is read and judged anew: much may have changed.
void Dispatcher::run_errand(HttpRequest request, Attempt attempt, Known known, Respond respond) {
  struct Waiting {
    HttpRequest request;
    Attempt attempt;
    Known known;
    Respond respond;
    Result<void> done;
  };
  auto call = std::make_shared<Waiting>(std::move(request), std::move(attempt), std::move(known), std::move(respond));
  auto errand = errand_of(call->known, call->request, call->attempt);
  if (!errand) return call->respond(finish(call->attempt, std::unexpected(std::move(errand).error())));
  const auto go_on = [this, call] {
    call->respond(finish(call->attempt, [&]() -> Result<HttpAnswer> {
      BRUME_CHECK(call->done);
      return run(call->known.target, call->request, call->known.call, call->attempt);
    }()));
  };
  if (!*errand) return go_on();
  const auto& aside = call->known.target.service->first.at(call->known.target.operation->name).run;
  aside([call, errand = *std::move(errand)] { call->done = errand(); }, go_on);
}

// One call that runs aside, handed from thread to thread.
struct Dispatcher::AsideCall {
  HttpRequest request;
  Attempt attempt;
  Known known;
  Respond respond;
  void* api = nullptr;
  Result<void> read;
  Result<HttpAnswer> answer;
};

// Read aside; judged on the loop, where roles and services are; carried out and written aside.
void Dispatcher::run_aside(HttpRequest request, Attempt attempt, Known known, Respond respond) {
  const auto& run = known.target.service->aside.run;
  auto call = std::make_shared<AsideCall>(std::move(request), std::move(attempt), std::move(known), std::move(respond));
  call->attempt.call = &call->known.call;
  call->attempt.operation = call->known.target.operation;
  const auto read = [call] {
    const Operation& operation = *call->known.target.operation;
    if (operation.make_input) call->attempt.input = operation.make_input();
    call->read = read_request(call->attempt.protocol, operation, call->request, call->attempt.input.get());
  };
  run(read, [this, call, &run] {
    const auto judged = [&]() -> Result<void*> {
      BRUME_CHECK(call->read);
      BRUME_CHECK(authorize(call->known.target, call->known.call, call->attempt, call->attempt.input.get()));
      return call->known.target.service->resolver(call->known.call.region);
    }();
    if (!judged) return call->respond(finish(call->attempt, std::unexpected(judged.error())));
    call->api = *judged;
    const auto carry_out = [call] {
      call->answer = [&]() -> Result<HttpAnswer> {
        const Operation& operation = *call->known.target.operation;
        const Protocol protocol = call->attempt.protocol;
        const ServiceModel& model = *call->known.target.service->model;
        BRUME_CHECK(check_input(model, operation, protocol, call->attempt.input.get()));
        if (operation.make_output) call->attempt.output = operation.make_output();
        void* output = call->attempt.output.get();
        BRUME_CHECK(operation.invoke(call->api, call->known.call, call->attempt.input.get(), output));
        return write_answer(protocol, model, operation, output, call->attempt.request_id);
      }();
    };
    run(carry_out, [this, call] { call->respond(finish(call->attempt, std::move(call->answer))); });
  });
}

}  // namespace brume::aws
