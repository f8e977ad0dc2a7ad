// AWS's service models as data: what codegen/ writes and the protocols read.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "aws/call.h"
#include "base/reflect.h"
#include "base/result.h"

namespace brume::aws {

enum class Protocol : std::uint8_t { query, ec2, json, rest_json, rpc_v2_cbor };

struct Operation {
  const char* name;
  const char* method = "POST";
  const char* uri = "/";
  int status = 200;                      // of a successful answer (rest-json)
  const Shape* (*input)() = nullptr;     // null: the operation takes nothing
  const Shape* (*output)() = nullptr;    // null: it answers nothing
  const char* result_wrapper = nullptr;  // query: "DescribeStacksResult"
  bool idempotent_token = false;         // the input has an idempotency token
  std::shared_ptr<void> (*make_input)() = nullptr;
  std::shared_ptr<void> (*make_output)() = nullptr;
  // Calls the operation's method of `api`, the service's Api class.
  Result<void> (*invoke)(void* api, const Call& call, const void* input, void* output) = nullptr;
};

// An error that the model declares: its HTTP status by code.
struct ErrorModel {
  const char* code;
  int status;
  const char* shape;  // the shape's name, which JSON clients are told
};

// Where an operation of a rest-json service is found.
struct Route {
  const char* name;
  const char* method;
  const char* uri;
};

struct ServiceModel {
  const char* id;            // "ec2", "elbv2": botocore's folder name
  const char* signing_name;  // of the SigV4 scope; shared by elb and elbv2
  const char* api_version;
  const char* xml_namespace;
  const char* target_prefix;  // X-Amz-Target; null where the protocol has none
  const char* json_version;
  std::span<const Protocol> protocols;
  std::span<const Operation> operations;  // those that Brume generates, sorted by name
  std::span<const char* const> known;     // every operation of the service, sorted
  std::span<const ErrorModel> errors;
  bool query_compatible = false;       // once a query service: errors keep their old codes, in a header
  std::span<const Route> routes = {};  // of every operation, where the protocol is rest-json

  [[nodiscard]] const Operation* find(std::string_view name) const;
  [[nodiscard]] bool knows(std::string_view name) const;
};

// Sends calls to a service elsewhere: the seam below every generated Client.
class Transport {
 public:
  virtual ~Transport() = default;
  // `input` and `output` are of the operation's shapes (null where it has none). Blocks.
  virtual Result<void> send(const ServiceModel& service, const Operation& operation, const Call& call,
                            const void* input, void* output) = 0;
};

}  // namespace brume::aws
