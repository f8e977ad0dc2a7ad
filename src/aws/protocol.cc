#include "aws/protocol.h"

#include <algorithm>

#include "aws/cbor.h"
#include "aws/json_rpc.h"
#include "aws/query.h"
#include "aws/rest_json.h"
#include "aws/xml.h"

namespace brume::aws {
namespace {

QueryDialect dialect_of(Protocol protocol) {
  return protocol == Protocol::ec2 ? QueryDialect::ec2 : QueryDialect::query;
}

std::string json_type(const ServiceModel* service) {
  return std::string("application/x-amz-json-") + (service && service->json_version ? service->json_version : "1.1");
}

std::string shape_name(const ServiceModel* service, std::string_view code) {
  if (service)
    for (const ErrorModel& error : service->errors)
      if (code == error.code) return error.shape;
  return std::string(code);
}

}  // namespace

Result<std::vector<std::pair<std::string, std::string>>> request_parameters(const HttpRequest& request) {
  BRUME_TRY(parameters, parse_form(split_target(request.target).second));
  if (request.method == "POST") {
    BRUME_TRY(form, parse_form(request.body));
    std::ranges::move(form, std::back_inserter(parameters));
  }
  return parameters;
}

Result<void> read_request(Protocol protocol, const Operation& operation, const HttpRequest& request, void* input) {
  const Shape* shape = operation.input && input ? operation.input() : nullptr;
  switch (protocol) {
    case Protocol::query:
    case Protocol::ec2: {
      BRUME_TRY(parameters, request_parameters(request));
      return read_query(dialect_of(protocol), shape, input, parameters);
    }
    case Protocol::json:
      if (!shape || request.body.empty()) return {};
      return read_json(*shape, input, request.body, kWireJson);
    case Protocol::rpc_v2_cbor:
      if (!shape || request.body.empty()) return {};
      return read_cbor(*shape, input, request.body);
    case Protocol::rest_json:
      return shape ? read_rest_request(operation, request, input) : Result<void>();
  }
  return {};
}

HttpAnswer write_answer(Protocol protocol, const ServiceModel& service, const Operation& operation, const void* output,
                        std::string_view request_id) {
  HttpAnswer answer;
  const Shape* shape = operation.output && output ? operation.output() : nullptr;
  switch (protocol) {
    case Protocol::query:
    case Protocol::ec2:
      answer.headers.emplace_back("Content-Type", protocol == Protocol::ec2 ? "text/xml;charset=UTF-8" : "text/xml");
      answer.body = write_xml_answer(dialect_of(protocol), service, operation, output, request_id);
      break;
    case Protocol::json:
      answer.headers.emplace_back("Content-Type", json_type(&service));
      answer.body = shape ? write_json(*shape, output, kWireJson) : "{}";
      break;
    case Protocol::rpc_v2_cbor:
      answer.headers.emplace_back("smithy-protocol", "rpc-v2-cbor");
      if (shape) {
        answer.headers.emplace_back("Content-Type", "application/cbor");
        answer.body = write_cbor(*shape, output);
      }
      break;
    case Protocol::rest_json:
      answer = write_rest_answer(operation, output);
      break;
  }
  answer.headers.emplace_back("x-amzn-RequestId", request_id);
  return answer;
}

HttpAnswer write_error(Protocol protocol, const ServiceModel* service, const Error& error,
                       std::string_view request_id) {
  HttpAnswer answer{.status = error.status};
  const char* sender = error.status < 500 ? "Sender" : "Receiver";
  const std::string name = shape_name(service, error.code);
  switch (protocol) {
    case Protocol::query:
    case Protocol::ec2:
      answer.headers.emplace_back("Content-Type", protocol == Protocol::ec2 ? "text/xml;charset=UTF-8" : "text/xml");
      answer.body =
          write_xml_error(dialect_of(protocol), service ? service->xml_namespace : nullptr, error, request_id);
      break;
    case Protocol::json: {
      answer.headers.emplace_back("Content-Type", json_type(service));
      const bool prefixed = service && service->json_version && std::string_view(service->json_version) == "1.0";
      answer.body = write_json_error((prefixed ? fmt::format("com.amazonaws.{}#", service->signing_name) : "") + name,
                                     error.message);
      break;
    }
    case Protocol::rpc_v2_cbor:
      answer.headers.emplace_back("Content-Type", "application/cbor");
      answer.headers.emplace_back("smithy-protocol", "rpc-v2-cbor");
      answer.body = write_cbor_error((service ? fmt::format("com.amazonaws.{}#", service->signing_name) : "") + name,
                                     error.message);
      break;
    case Protocol::rest_json:
      answer.headers.emplace_back("Content-Type", "application/json");
      answer.headers.emplace_back("x-amzn-errortype", name);
      answer.body = write_json_error(name, error.message);
      break;
  }
  if (service && service->query_compatible && (protocol == Protocol::json || protocol == Protocol::rpc_v2_cbor))
    answer.headers.emplace_back("x-amzn-query-error", error.code + ";" + sender);
  answer.headers.emplace_back("x-amzn-RequestId", request_id);
  return answer;
}

Protocol preferred_protocol(const ServiceModel& service) {
  return service.protocols.front();
}

Result<HttpRequest> write_request(Protocol protocol, const ServiceModel& service, const Operation& operation,
                                  const void* input) {
  HttpRequest request;
  const Shape* shape = operation.input && input ? operation.input() : nullptr;
  const auto target = [&] { return std::string(service.target_prefix ? service.target_prefix : service.id); };
  switch (protocol) {
    case Protocol::query:
    case Protocol::ec2:
      request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
      request.body = write_query(dialect_of(protocol), operation.name, service.api_version, shape, input);
      break;
    case Protocol::json:
      request.headers.emplace_back("Content-Type", json_type(&service));
      request.headers.emplace_back("X-Amz-Target", target() + "." + operation.name);
      request.body = shape ? write_json(*shape, input, kWireJson) : "{}";
      break;
    case Protocol::rpc_v2_cbor:
      request.target = "/service/" + target() + "/operation/" + operation.name;
      request.headers.emplace_back("smithy-protocol", "rpc-v2-cbor");
      request.headers.emplace_back("Accept", "application/cbor");
      if (shape) {
        request.headers.emplace_back("Content-Type", "application/cbor");
        request.body = write_cbor(*shape, input);
      }
      break;
    case Protocol::rest_json: {
      BRUME_TRY(written, write_rest_request(operation, input));
      request = std::move(written);
      break;
    }
  }
  if (service.query_compatible && (protocol == Protocol::json || protocol == Protocol::rpc_v2_cbor))
    request.headers.emplace_back("x-amzn-query-mode", "true");
  return request;
}

Result<void> read_answer(Protocol protocol, const Operation& operation, const HttpAnswer& answer, void* output) {
  const Shape* shape = operation.output && output ? operation.output() : nullptr;
  const bool failed = answer.status < 200 || answer.status >= 300;
  switch (protocol) {
    case Protocol::query:
    case Protocol::ec2:
      if (failed) return std::unexpected(read_xml_error(answer.status, answer.body));
      return read_xml_answer(dialect_of(protocol), operation, output, answer.body);
    case Protocol::json:
      if (failed) return std::unexpected(read_json_error(answer));
      if (!shape || answer.body.empty()) return {};
      return read_json(*shape, output, answer.body, kWireJson);
    case Protocol::rpc_v2_cbor: {
      if (failed) {
        auto [type, message] = read_cbor_error(answer.body);
        std::string code = query_error_code(answer.headers);
        if (code.empty()) code = bare_error_name(type);
        return std::unexpected(
            Error{code.empty() ? "UnknownError" : std::move(code), std::move(message), answer.status});
      }
      if (!shape || answer.body.empty()) return {};
      return read_cbor(*shape, output, answer.body);
    }
    case Protocol::rest_json:
      // Some operations answer with a status of their own choice, so only what is an error for certain is one.
      if (answer.status >= 400) return std::unexpected(read_json_error(answer));
      return read_rest_answer(operation, answer, output);
  }
  return {};
}

}  // namespace brume::aws
