#include "net/metadata_service.h"

#include <algorithm>
#include <charconv>

namespace brume::net {
namespace {

constexpr int longest_lifetime = 21600;  // seconds: six hours

std::string_view reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 431:
      return "Request Header Fields Too Large";
    default:
      return "Internal Server Error";
  }
}

std::optional<int> parse_lifetime(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > longest_lifetime) return {};
  return value;
}

// "/latest/api/token", also under a version's date and with repeated slashes.
bool is_token_path(std::string_view path) {
  std::string_view names[4];
  std::size_t count = 0;
  for (std::size_t start = 0; start < path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    if (end > start) {
      if (count == 4) return false;
      names[count++] = path.substr(start, end - start);
    }
    start = end + 1;
  }
  return count == 3 && (names[0] == "latest" || std::ranges::binary_search(metadata_versions(), names[0])) &&
         names[1] == "api" && names[2] == "token";
}

MetadataResponse method_not_allowed(std::string_view allow) {
  MetadataResponse response = metadata_failure(405);
  response.allow = allow;
  return response;
}

MetadataResponse issue_token(const MetadataRequest& request, const InstanceMetadata& instance,
                             const MetadataTokens& tokens) {
  if (request.method != "PUT") return method_not_allowed("OPTIONS, PUT");
  // A request that came through a proxy is not the instance's own, but someone's who wants to be it.
  if (request.forwarded) return metadata_failure(403);
  const auto lifetime = request.ttl ? parse_lifetime(*request.ttl) : std::nullopt;
  if (!lifetime) return metadata_failure(400);
  MetadataResponse response;
  response.body = tokens.issue(instance.instance_id, std::chrono::seconds(*lifetime));
  response.token_left = std::chrono::seconds(*lifetime);
  response.hop_limit = std::clamp(instance.options.hop_limit, 1, 64);
  return response;
}

}  // namespace

MetadataResponse metadata_failure(int status) {
  MetadataResponse response;
  response.status = status;
  response.content_type = "text/html";
  response.body = fmt::format(
      "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n<html xmlns=\"http://www.w3.org/1999/xhtml\">\n"
      "<head><title>{0} - {1}</title></head>\n<body><h1>{0} - {1}</h1></body>\n</html>\n",
      status, reason(status));
  return response;
}

MetadataResponse answer_metadata(const MetadataRequest& request, const std::optional<InstanceMetadata>& instance,
                                 const MetadataTokens& tokens, const IdentitySigner* signer) {
  if (!instance) return metadata_failure(404);
  if (!instance->options.endpoint_enabled) return metadata_failure(403);
  if (is_token_path(request.path)) return issue_token(request, *instance, tokens);
  if (request.method != "GET" && request.method != "HEAD") return method_not_allowed("GET, HEAD");

  std::optional<std::chrono::seconds> left;
  if (request.token) left = tokens.remaining(instance->instance_id, *request.token);
  // A bad token is refused also where none would do: it says that the client means to use version 2.
  if (!left && (request.token || instance->options.tokens_required)) return metadata_failure(401);

  MetadataResponse response;
  if (auto document = metadata_at(*instance, request.path, signer)) {
    response.body = std::move(document->text);
    if (document->binary) response.content_type = "application/octet-stream";
  } else {
    response = metadata_failure(404);
  }
  response.token_left = left;
  response.without_body = request.method == "HEAD";
  return response;
}

std::string to_http(const MetadataResponse& response, Timestamp now) {
  std::string text = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nAccept-Ranges: none\r\nContent-Length: {}\r\nDate: {}\r\n"
      "Server: EC2ws\r\nConnection: close\r\n",
      response.status, reason(response.status), response.content_type, response.body.size(), to_http_date(now));
  if (!response.allow.empty()) text += "Allow: " + response.allow + "\r\n";
  if (response.token_left)
    text += fmt::format("X-Aws-Ec2-Metadata-Token-Ttl-Seconds: {}\r\n", response.token_left->count());
  text += "\r\n";
  if (!response.without_body) text += response.body;
  return text;
}

}  // namespace brume::net
