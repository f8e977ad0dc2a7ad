// Sockets as the load balancer opens them: non-blocking, closed on exec, no Nagle.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "env/fd.h"

namespace brume::lb {

// A network namespace by its path; an empty path is the process's own. Opened anew for each socket: it may come later
// than the snapshot that names it, may be made anew, and must not be kept alive by us when it goes.
class NetworkNamespace {
 public:
  explicit NetworkNamespace(std::string path) : path_(std::move(path)) {}
  // A TCP socket inside it. The calling thread is back in its own namespace afterwards. Error: the path cannot be
  // opened.
  [[nodiscard]] Result<env::Fd> open_socket(int family) const;

 private:
  std::string path_;
};

// Starts a connection; writability or an error on the socket tells how it went.
Result<env::Fd> start_connection(const NetworkNamespace& network_namespace, const std::string& source,
                                 const std::string& address, std::int32_t port);

// A listening socket that shares its port with others of this process (SO_REUSEPORT), and hears only these clients
// (client_filter.h).
Result<env::Fd> open_listener(const std::string& address, std::int32_t port, const std::vector<std::string>& clients);
// One inside a namespace, also if the address is not there yet.
Result<env::Fd> open_listener(const NetworkNamespace& network_namespace, const std::string& address, std::int32_t port);
// Would another process be disturbed? Error message: "port 80 is in use", "port 80 needs privileges", …
Result<void> check_port_is_free(const std::string& address, std::int32_t port);

void disable_nagle(int fd);
// The pending error of a socket (SO_ERROR).
int socket_error(int fd);

}  // namespace brume::lb
