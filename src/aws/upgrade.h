// A connection that leaves HTTP for another protocol (WebSocket): what HttpServer hands over.
//
// Heavy: only for those who take one.
#pragma once

#include <string>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace brume::aws {

struct Upgrade {
  boost::asio::ip::tcp::socket socket;
  boost::beast::flat_buffer buffer;  // what was read beyond the request
  boost::beast::http::request<boost::beast::http::string_body> request;
  std::string peer;
};

}  // namespace brume::aws
