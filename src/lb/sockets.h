// Sockets as the load balancer opens them: non-blocking, closed on exec, no Nagle.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "env/fd.h"

namespace brume::lb {

// A network namespace by its path; an empty path is the process's own.
class NetworkNamespace {
 public:
  // Error: the path cannot be opened.
  static Result<std::shared_ptr<const NetworkNamespace>> open(const std::string& path);
  // A TCP socket inside it. The calling thread is back in its own namespace afterwards.
  [[nodiscard]] Result<env::Fd> open_socket(int family) const;

 private:
  env::Fd fd_;
};


// Starts a connection; writability or an error on the socket tells how it went.
Result<env::Fd> start_connection(const NetworkNamespace& network_namespace, const std::string& source,
                                 const std::string& address, std::int32_t port);

// A listening socket that shares its port with others of this process (SO_REUSEPORT).
Result<env::Fd> open_listener(const std::string& address, std::int32_t port);
// Would another process be disturbed? Error message: "port 80 is in use", "port 80 needs privileges", …
Result<void> check_port_is_free(const std::string& address, std::int32_t port);

void disable_nagle(int fd);
// The pending error of a socket (SO_ERROR).
int socket_error(int fd);

}  // namespace brume::lb
