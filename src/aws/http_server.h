// The API's HTTP/1.1 server, on the state loop.
//
// Loopback only unless told otherwise. Bounded in every direction: connections, header and body size, time to send a
// request, idle time. One request of a connection at a time; handlers may answer later. Knows nothing of AWS's
// protocols but the errors for requests that are too large.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "aws/http.h"

namespace boost::asio {
class io_context;
}

namespace brume::aws {

struct Upgrade;  // upgrade.h

class HttpServer {
 public:
  // On the loop; called once for a request, then or later.
  using Respond = std::function<void(HttpAnswer)>;
  using Handler = std::function<void(HttpRequest, Respond)>;
  using Page = std::function<HttpAnswer(const HttpRequest&)>;
  using UpgradeHandler = std::function<void(Upgrade)>;

  struct Options {
    std::string address = "127.0.0.1";
    std::uint16_t port = 4566;  // 0: any free one
    // A MiB of log events, each byte of it written as \u0000, and what is around them.
    std::size_t body_limit = 8 << 20;
    std::uint32_t header_limit = 64 << 10;
    std::chrono::milliseconds read_timeout = std::chrono::seconds(30);   // for one whole request
    std::chrono::milliseconds idle_timeout = std::chrono::seconds(120);  // between requests
    std::size_t max_connections = 512;
    std::size_t max_peer_connections = 512;  // from one address
    int listening =
        -1;  // a socket that listens already, in place of address and port; the server's once it has started
  };

  // Listens at once; serves while `io` runs. Errors: PortInUse, InternalFailure, with the mend.
  static Result<std::unique_ptr<HttpServer>> start(boost::asio::io_context& io, Options options, Handler handler);
  // Stops listening and closes what is open.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] std::uint16_t port() const;

  // Unsigned GETs of exactly this path go to `page` ("/health", "/metrics").
  void route(std::string path, Page page);

  // Requests below this path that ask for WebSocket leave the server: the connection is the handler's, which answers
  // the request. It no longer counts here. One such path.
  void upgrade(std::string prefix, UpgradeHandler handler);

 private:
  class Listener;
  explicit HttpServer(std::shared_ptr<Listener> listener);
  std::shared_ptr<Listener> listener_;
};

}  // namespace brume::aws
