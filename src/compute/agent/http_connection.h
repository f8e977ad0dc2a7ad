// A connection to the API that stays open from call to call; plain sockets, bounded patience.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "compute/agent/role_keys.h"
#include "compute/init/http_message.h"

namespace brume::agent {

class HttpConnection {
 public:
  // `stays_open`: for calls that may be repeated; else each has a connection of its own and is made once at most.
  HttpConnection(const Endpoint& endpoint, bool stays_open) : endpoint_(endpoint), stays_open_(stays_open) {}
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  // Sends a request and reads its response. If a connection that was used before turns out to be closed, once more on a
  // new one. Errors: Unreachable; Unanswered if the request may have arrived.
  Result<init::Response> exchange(std::string_view head, std::string_view body);

 private:
  Result<init::Response> exchange_once(std::string_view head, std::string_view body);
  Result<void> connect(double deadline);
  void close();

  Endpoint endpoint_;
  bool stays_open_;
  int fd_ = -1;
};

}  // namespace brume::agent
