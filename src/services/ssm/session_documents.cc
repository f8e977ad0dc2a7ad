#include "services/ssm/session_documents.h"

#include <algorithm>
#include <charconv>
#include <set>

#include <boost/json.hpp>

namespace brume::ssm {
namespace {

using Parameters = decltype(StartSessionRequest::Parameters);

constexpr std::size_t kMaxArguments = 1024;

// The one value of a parameter, if it is given.
Result<std::optional<std::string>> value_of(const Parameters& parameters, const std::string& name) {
  const auto found = parameters.find(name);
  if (found == parameters.end()) return std::nullopt;
  if (found->second.size() != 1)
    return fail("ValidationException", "The parameter {} of the session has one value.", name);
  return found->second.front();
}

Result<void> only(const Parameters& parameters, const std::set<std::string>& names, const std::string& document) {
  for (const auto& [name, values] : parameters)
    if (!names.contains(name))
      return fail("ValidationException", "The document {} has no parameter {}.", document, name);
  return {};
}

Result<std::uint16_t> port_of(const Parameters& parameters, const std::string& otherwise) {
  BRUME_TRY(given, value_of(parameters, "portNumber"));
  const std::string text = given.value_or(otherwise);
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port < 1 || port > 65535)
    return fail("ValidationException", "portNumber must be from 1 to 65535, not {}.", text);
  return std::uint16_t(port);
}

Result<std::vector<std::string>> command_of(const std::string& text) {
  boost::json::error_code error;
  const boost::json::value read = boost::json::parse(text, error);
  const auto* list = error ? nullptr : read.if_array();
  if (!list || list->empty() || list->size() > kMaxArguments)
    return fail("ValidationException", "command must be a JSON list of 1 to {} strings.", kMaxArguments);
  std::vector<std::string> out;
  for (const auto& word : *list) {
    const auto* argument = word.if_string();
    if (!argument || argument->find('\0') != boost::json::string::npos)
      return fail("ValidationException", "command must be a JSON list of strings without zero bytes.");
    out.emplace_back(argument->data(), argument->size());
  }
  if (out.front().empty()) return fail("ValidationException", "command begins with the name of a program.");
  return out;
}

bool is_word(const std::string& text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.' || c == '+';
  });
}

}  // namespace

Result<SessionPlan> plan_session(const StartSessionRequest& request) {
  SessionPlan plan;
  plan.document = request.DocumentName.value_or("SSM-SessionManagerRunShell");
  const Parameters& parameters = request.Parameters;
  if (plan.document == "SSM-SessionManagerRunShell") {
    BRUME_CHECK(only(parameters, {}, plan.document));
    plan.terminal = "xterm";
    return plan;
  }
  if (plan.document == "AWS-StartSSHSession") {
    BRUME_CHECK(only(parameters, {"portNumber"}, plan.document));
    BRUME_TRY(port, port_of(parameters, "22"));
    plan.port = port;
    return plan;
  }
  if (plan.document == "AWS-StartPortForwardingSession") {
    // The local port is the client's own business.
    BRUME_CHECK(only(parameters, {"portNumber", "localPortNumber"}, plan.document));
    BRUME_TRY(port, port_of(parameters, "80"));
    plan.port = port;
    return plan;
  }
  if (plan.document != "Brume-StartCommand")
    return fail("InvalidDocument", "Document with name {} does not exist.", plan.document);
  BRUME_CHECK(only(parameters, {"command", "user", "terminal"}, plan.document));
  BRUME_TRY(command, value_of(parameters, "command"));
  BRUME_TRY(user, value_of(parameters, "user"));
  BRUME_TRY(terminal, value_of(parameters, "terminal"));
  if (command) {
    BRUME_TRY(words, command_of(*command));
    plan.command = std::move(words);
  }
  for (const auto* text : {&user, &terminal})
    if (*text && !is_word(**text)) return fail("ValidationException", "'{}' is not a name.", **text);
  plan.user = user.value_or("");
  plan.terminal = terminal.value_or("");
  return plan;
}

}  // namespace brume::ssm
