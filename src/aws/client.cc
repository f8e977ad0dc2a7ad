#include "aws/client.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "aws/protocol.h"

namespace brume::aws {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr std::size_t kAnswerLimit = 64 << 20;

std::unexpected<Error> unreachable(std::string_view endpoint, std::string_view why) {
  return std::unexpected(Error{"EndpointConnectionError", fmt::format("{} does not answer: {}", endpoint, why), 503});
}

// "host:port" of an http:// endpoint, or "".
std::string authority_of(std::string_view endpoint) {
  if (!endpoint.starts_with("http://")) return "";
  endpoint.remove_prefix(7);
  return std::string(endpoint.substr(0, endpoint.find('/')));
}

}  // namespace

Result<HttpAnswer> http_exchange(std::string_view endpoint, const HttpRequest& request,
                                 std::chrono::milliseconds timeout) {
  const std::string authority = authority_of(endpoint);
  if (authority.empty()) return unreachable(endpoint, "an endpoint is of the form http://host:port");
  const auto colon = authority.rfind(':');
  const std::string host = authority.substr(0, colon);
  const std::string port = colon == std::string::npos ? "80" : authority.substr(colon + 1);

  http::request<http::string_body> message;
  message.method_string(request.method);
  message.target(request.target);
  for (const auto& [name, value] : request.headers) message.insert(name, value);
  message.body() = request.body;
  message.prepare_payload();
  message.keep_alive(false);

  asio::io_context io;
  asio::ip::tcp::resolver resolver(io);
  beast::tcp_stream stream(io);
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kAnswerLimit);
  beast::error_code failure;
  beast::error_code resolving;
  const auto places = resolver.resolve(host, port, resolving);
  if (resolving) return unreachable(endpoint, resolving.message());
  stream.expires_after(timeout);
  stream.async_connect(places, [&](beast::error_code connected, const auto&) {
    if ((failure = connected)) return;
    http::async_write(stream, message, [&](beast::error_code written, std::size_t) {
      if ((failure = written)) return;
      http::async_read(stream, buffer, parser, [&](beast::error_code read, std::size_t) { failure = read; });
    });
  });
  io.run();
  if (failure) return unreachable(endpoint, failure.message());

  auto& answer = parser.get();
  HttpAnswer result{.status = int(answer.result_int())};
  for (const auto& field : answer)
    result.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  result.body = std::move(answer.body());
  return result;
}

Result<void> HttpTransport::send(const ServiceModel& service, const Operation& operation, const Call& call,
                                 const void* input, void* output) {
  const Protocol protocol = preferred_protocol(service);
  BRUME_TRY(request, write_request(protocol, service, operation, input));
  request.headers.emplace_back("Host", authority_of(options_.endpoint));
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  sign_request(request, options_.credentials, call.region.empty() ? options_.region : call.region, service.signing_name,
               now);
  BRUME_TRY(answer, http_exchange(options_.endpoint, request, options_.timeout));
  return read_answer(protocol, operation, answer, output);
}

}  // namespace brume::aws
