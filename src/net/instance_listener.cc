#include "net/instance_listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "env/namespaces.h"
#include "env/posix_error.h"

namespace brume::net {

Result<env::Fd> listen_for_instances(const std::string& path, std::uint16_t port) {
  env::Fd fd;
  BRUME_CHECK(env::apart([&]() -> Result<void> {
    BRUME_CHECK(env::enter_network_namespace(path));
    fd = env::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int on = 1;
    sockaddr_in local{};
    local.sin_family = AF_INET;
    local.sin_port = htons(port);
    local.sin_addr.s_addr = htonl(0xa9fea9fe);  // 169.254.169.254
    if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0 ||
        ::listen(fd.get(), SOMAXCONN) != 0)
      return env::posix_error("Cannot serve instances in", path);
    return {};
  }));
  return fd;
}

}  // namespace brume::net
