#include "compute/agent/answer.h"

#include <algorithm>

#include <fmt/format.h>
#include <boost/json.hpp>

namespace brume::agent {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxSentence = 300;

json::value parse(std::string_view text) {
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  return error ? json::value() : value;
}

std::string member(const json::value& value, std::string_view name) {
  const json::object* object = value.if_object();
  const json::value* found = object ? object->if_contains(name) : nullptr;
  return found && found->is_string() ? std::string(found->get_string()) : std::string();
}

// "com.amazonaws.logs#ResourceNotFoundException:http://…"
std::string plain_code(std::string_view code) {
  code = code.substr(0, code.find(':'));
  const std::size_t hash = code.rfind('#');
  return std::string(hash == std::string_view::npos ? code : code.substr(hash + 1));
}

}  // namespace

Answer read_answer(int status, std::string_view error_type, std::string body) {
  Answer out{.status = status, .code = {}, .message = {}, .body = std::move(body)};
  if (status / 100 == 2) return out;
  const json::value value = parse(out.body);
  out.code = plain_code(error_type.empty() ? member(value, "__type") : error_type);
  out.message = member(value, "message");
  if (out.message.empty()) out.message = member(value, "Message");
  if (out.code.empty()) out.code = fmt::format("HTTP {}", status);
  return out;
}

Outcome outcome(const Answer& answer) {
  if (answer.status / 100 == 2) return Outcome::accepted;
  const std::string& code = answer.code;
  const auto is = [&](std::initializer_list<std::string_view> codes) {
    return std::ranges::find(codes, std::string_view(code)) != codes.end();
  };
  if (code == "ResourceNotFoundException") return Outcome::absent;
  if (is({"DataAlreadyAcceptedException", "ResourceAlreadyExistsException"})) return Outcome::accepted;
  if (is({"NoCredentials", "AccessDeniedException", "AccessDenied", "UnauthorizedOperation"})) return Outcome::denied;
  if (is({"ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException", "InvalidClientTokenId",
          "RequestExpired", "InvalidSignatureException", "SignatureDoesNotMatch", "InvalidTokenException"}))
    return Outcome::expired;
  if (is({"InvalidParameterException", "ValidationException", "ValidationError", "SerializationException",
          "InvalidParameterValue", "InvalidParameterCombination"}) ||
      answer.status == 413)
    return Outcome::refused;
  return Outcome::later;
}

std::string describe(const Answer& answer) {
  std::string out = answer.code;
  if (!answer.message.empty()) out += (out.empty() ? "" : ": ") + answer.message;
  std::ranges::replace_if(out, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  if (out.size() > kMaxSentence) out = out.substr(0, kMaxSentence) + "…";
  return out;
}

std::string rejected_events(std::string_view body) {
  const json::value value = parse(body);
  const json::object* object = value.if_object();
  const json::value* info = object ? object->if_contains("rejectedLogEventsInfo") : nullptr;
  if (!info || !info->is_object()) return {};
  std::string out;
  const auto add = [&](const char* name, const char* what) {
    const json::value* found = info->get_object().if_contains(name);
    if (found && found->is_int64()) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", what, found->get_int64());
  };
  add("tooOldLogEventEndIndex", "too old: those before number");
  add("expiredLogEventEndIndex", "older than the retention: those before number");
  add("tooNewLogEventStartIndex", "too far ahead: those from number");
  return out;
}

}  // namespace brume::agent
