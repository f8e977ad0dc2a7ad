#include "aws/client.h"

#include <optional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>

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

struct Place {
  std::string authority, host, port;  // "host:port", as the endpoint has it
  bool tls = false;
};

Result<Place> place_of(std::string_view endpoint) {
  Place place;
  std::string_view rest = endpoint;
  if (rest.starts_with("https://")) {
    place.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    rest = {};
  }
  place.authority = rest.substr(0, rest.find('/'));
  const auto colon = place.authority.rfind(':');
  place.host = place.authority.substr(0, colon);
  place.port = colon == std::string::npos ? (place.tls ? "443" : "80") : place.authority.substr(colon + 1);
  if (place.host.empty() || place.port.empty())
    return unreachable(endpoint, "an endpoint is of the form http://host:port or https://host:port");
  return place;
}

// One request and its answer, on a connection that is made.
class Exchange {
 public:
  explicit Exchange(const HttpRequest& request) {
    message_.method_string(request.method);
    message_.target(request.target);
    for (const auto& [name, value] : request.headers) message_.insert(name, value);
    message_.body() = request.body;
    message_.prepare_payload();
    message_.keep_alive(false);
    parser_.body_limit(kAnswerLimit);
  }
  template <typename Stream>
  void begin(Stream& stream) {
    http::async_write(stream, message_, [this, &stream](beast::error_code written, std::size_t) {
      if ((failure = written)) return;
      http::async_read(stream, buffer_, parser_, [this](beast::error_code read, std::size_t) { failure = read; });
    });
  }
  HttpAnswer answer() {
    auto& from = parser_.get();
    HttpAnswer result{.status = int(from.result_int())};
    for (const auto& field : from)
      result.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    result.body = std::move(from.body());
    return result;
  }

  beast::error_code failure;

 private:
  http::request<http::string_body> message_;
  beast::flat_buffer buffer_;
  http::response_parser<http::string_body> parser_;
};

// Certificates are those that the machine trusts (or SSL_CERT_FILE names), for the very host.
struct Secure {
  explicit Secure(asio::io_context& io) : stream(io, trusted) {}
  Result<void> verify(const Place& place) {
    beast::error_code error;
    trusted.set_default_verify_paths(error);
    if (!error) stream.set_verify_mode(asio::ssl::verify_peer, error);
    if (!error) stream.set_verify_callback(asio::ssl::host_name_verification(place.host), error);
    if (error) return unreachable("https://" + place.authority, error.message());
    asio::ip::make_address(place.host, error);
    if (error) SSL_set_tlsext_host_name(stream.native_handle(), place.host.c_str());  // of names only (RFC 6066)
    return {};
  }

  asio::ssl::context trusted{asio::ssl::context::tls_client};
  beast::ssl_stream<beast::tcp_stream> stream;
};

}  // namespace

Result<HttpAnswer> http_exchange(std::string_view endpoint, const HttpRequest& request,
                                 std::chrono::milliseconds timeout) {
  BRUME_TRY(place, place_of(endpoint));
  asio::io_context io;
  asio::ip::tcp::resolver resolver(io);
  beast::error_code resolving;
  const auto addresses = resolver.resolve(place.host, place.port, resolving);
  if (resolving) return unreachable(endpoint, resolving.message());
  Exchange exchange(request);
  beast::tcp_stream plain(io);
  std::optional<Secure> secure;
  if (place.tls) BRUME_CHECK(secure.emplace(io).verify(place));
  beast::tcp_stream& connection = secure ? secure->stream.next_layer() : plain;
  connection.expires_after(timeout);
  connection.async_connect(addresses, [&](beast::error_code connected, const auto&) {
    if ((exchange.failure = connected)) return;
    if (!secure) return exchange.begin(plain);
    secure->stream.async_handshake(asio::ssl::stream_base::client, [&](beast::error_code agreed) {
      if (!(exchange.failure = agreed)) exchange.begin(secure->stream);
    });
  });
  io.run();
  if (exchange.failure) return unreachable(endpoint, exchange.failure.message());
  return exchange.answer();
}

Result<std::string> host_of(std::string_view endpoint) {
  BRUME_TRY(place, place_of(endpoint));
  return place.authority;
}

Result<void> HttpTransport::send(const ServiceModel& service, const Operation& operation, const Call& call,
                                 const void* input, void* output) {
  const Protocol protocol = preferred_protocol(service);
  BRUME_TRY(request, write_request(protocol, service, operation, input));
  BRUME_TRY(host, host_of(options_.endpoint));
  request.headers.emplace_back("Host", host);
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  sign_request(request, options_.credentials, call.region.empty() ? options_.region : call.region, service.signing_name,
               now);
  BRUME_TRY(answer, http_exchange(options_.endpoint, request, options_.timeout));
  return read_answer(protocol, operation, answer, output);
}

}  // namespace brume::aws
