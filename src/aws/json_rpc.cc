#include "aws/json_rpc.h"

namespace brume::aws {
namespace {

struct Body {
  std::optional<std::string> type, code, message, Message;
};

}  // namespace
}  // namespace brume::aws

template <>
struct brume::reflect::Describe<brume::aws::Body> {
  static const Shape* shape() {
    using brume::aws::Body;
    static const Member members[] = {field<std::optional<std::string>>("__type", offsetof(Body, type)),
                                     field<std::optional<std::string>>("code", offsetof(Body, code)),
                                     field<std::optional<std::string>>("message", offsetof(Body, message)),
                                     field<std::optional<std::string>>("Message", offsetof(Body, Message))};
    static const Shape shape{.kind = Kind::structure, .name = "Body", .members = members};
    return &shape;
  }
};

namespace brume::aws {

std::string write_json_error(std::string_view type, std::string_view message) {
  return "{\"__type\":" + json_quote(type) + ",\"message\":" + json_quote(message) + "}";
}

std::string bare_error_name(std::string_view type) {
  type = type.substr(0, type.find(':'));
  if (const auto hash = type.rfind('#'); hash != std::string_view::npos) type.remove_prefix(hash + 1);
  return std::string(trim(type));
}

std::string query_error_code(const Headers& headers) {
  const std::string* header = find_header(headers, "x-amzn-query-error");
  return header ? std::string(trim(std::string_view(*header).substr(0, header->find(';')))) : "";
}

Error read_json_error(const HttpAnswer& answer) {
  Body body;
  if (auto read = from_json<Body>(answer.body)) body = *std::move(read);
  Error error{"UnknownError", body.message.value_or(body.Message.value_or("")), answer.status};
  if (const std::string* type = find_header(answer.headers, "x-amzn-errortype"))
    error.code = bare_error_name(*type);
  else if (body.type)
    error.code = bare_error_name(*body.type);
  else if (body.code)
    error.code = bare_error_name(*body.code);
  if (std::string code = query_error_code(answer.headers); !code.empty()) error.code = std::move(code);
  return error;
}

}  // namespace brume::aws
