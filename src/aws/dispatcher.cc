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

void Dispatcher::add(const ServiceModel& model, Resolver resolver) {
  services_.push_back({&model, std::move(resolver)});
}

HttpAnswer Dispatcher::handle(const HttpRequest& request) {
  return answer(request, false);
}

HttpAnswer Dispatcher::handle_from_instance(const HttpRequest& request) {
  return answer(request, true);
}

HttpAnswer Dispatcher::answer(const HttpRequest& request, bool from_instance) {
  Attempt attempt{.request_id = env_.random.uuid(), .from_instance = from_instance};
  auto answer = this->attempt(request, attempt);
  if (answer) return *std::move(answer);
  Error error = std::move(answer).error();
  error.status = status_of(attempt.service, error);
  return write_error(attempt.protocol, attempt.service, error, attempt.request_id);
}

Result<HttpAnswer> Dispatcher::attempt(const HttpRequest& request, Attempt& attempt) {
  const auto authorization = parse_authorization(request);
  const std::string signing_name = authorization ? authorization->service : "";
  attempt.protocol = protocol_of(request, signing_name);
  const auto candidates = signed_for(signing_name);
  if (candidates.size() == 1) attempt.service = candidates.front()->model;
  if (!authorization) return std::unexpected(worded_for(attempt.protocol, authorization.error()));
  auto credentials = authenticate(request, *authorization, attempt.from_instance);
  if (!credentials) return std::unexpected(worded_for(attempt.protocol, std::move(credentials).error()));

  const HttpRequest* readable = &request;
  HttpRequest decompressed;
  const std::string* encoding = find_header(request.headers, "content-encoding");
  if (encoding && equal_ignoring_case(trim(*encoding), "gzip")) {
    decompressed = request;
    BRUME_TRY(body, gunzip(request.body, kMaxDecompressed));
    decompressed.body = std::move(body);
    readable = &decompressed;
  }

  BRUME_TRY(target, find_target(*readable, signing_name, attempt));
  Call call{.region = authorization->region,
            .request_id = attempt.request_id,
            .principal_arn = credentials->principal_arn,
            .user_id = credentials->user_id,
            .source_address = request.peer,
            .session_token = credentials->session_token};
  return run(target, *readable, call, attempt);
}

Result<Credentials> Dispatcher::find_credentials(const Authorization& authorization) const {
  if (sessions_ && !authorization.session_token.empty())
    return sessions_->credentials(authorization.access_key, authorization.session_token);
  if (auto credentials = credentials_(authorization.access_key)) return *std::move(credentials);
  return std::unexpected(Error{"InvalidClientTokenId", "The security token included in the request is invalid.", 403});
}

Result<Credentials> Dispatcher::authenticate(const HttpRequest& request, const Authorization& authorization,
                                             bool from_instance) const {
  BRUME_TRY(credentials, find_credentials(authorization));
  if (from_instance && (credentials.session_token.empty() || credentials.principal_arn.ends_with(":root")))
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

Result<HttpAnswer> Dispatcher::run(const Target& target, const HttpRequest& request, Call& call,
                                   const Attempt& attempt) {
  const ServiceModel& model = *target.service->model;
  const Operation& operation = *target.operation;
  const std::shared_ptr<void> input = operation.make_input ? operation.make_input() : nullptr;
  const std::shared_ptr<void> output = operation.make_output ? operation.make_output() : nullptr;
  BRUME_CHECK(read_request(attempt.protocol, operation, request, input.get()));
  if (sessions_ && !call.session_token.empty())
    if (auto allowed = sessions_->authorize(call, model, operation, input.get()); !allowed)
      return std::unexpected(worded_for(attempt.protocol, std::move(allowed).error()));
  if (operation.input) BRUME_CHECK(validate(attempt.protocol, *operation.input(), input.get()));
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

}  // namespace brume::aws
