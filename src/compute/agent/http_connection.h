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
  explicit HttpConnection(const Endpoint& endpoint) : endpoint_(endpoint) {}
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  // Sends a request and reads its response. If a connection that was used before turns out to be closed, once more on a
  // new one: what is called here may be repeated. Errors: Unreachable.
  Result<init::Response> exchange(std::string_view head, std::string_view body);

 private:
  Result<init::Response> exchange_once(std::string_view head, std::string_view body);
  Result<void> connect(double deadline);
  void close();

  Endpoint endpoint_;
  int fd_ = -1;
};

}  // namespace brume::agent
