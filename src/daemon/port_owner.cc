#include "daemon/port_owner.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <sstream>

#include "env/fd.h"
#include "env/posix_files.h"

namespace brume::daemon {
namespace {

// Inodes of sockets that listen on `port`, from /proc/net/tcp and tcp6 (proc(5)): field 2 is the local address with the
// port in hexadecimal, field 4 the state (0A: listening), field 10 the inode.
std::set<std::string> listening_inodes(int port) {
  std::set<std::string> inodes;
  const std::string suffix = fmt::format(":{:04X}", port);
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    const auto text = env::PosixFiles().read(table);
    if (!text) continue;
    std::istringstream lines(*text);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream fields(line);
      std::string number, local, remote, state, skip, inode;
      fields >> number >> local >> remote >> state >> skip >> skip >> skip >> skip >> skip >> inode;
      if (local.ends_with(suffix) && state == "0A") inodes.insert("socket:[" + inode + "]");
    }
  }
  return inodes;
}

std::string link_target(const std::string& path) {
  char buffer[256];
  const ssize_t n = ::readlink(path.c_str(), buffer, sizeof buffer);
  return n > 0 ? std::string(buffer, std::size_t(n)) : "";
}

}  // namespace

std::string port_owner(int port) {
  const std::set<std::string> inodes = listening_inodes(port);
  if (inodes.empty()) return "";
  const env::PosixFiles files;
  const auto processes = files.list("/proc");
  for (const std::string& pid : processes ? *processes : std::vector<std::string>{}) {
    if (!std::ranges::all_of(pid, [](char c) { return c >= '0' && c <= '9'; })) continue;
    const auto descriptors = files.list("/proc/" + pid + "/fd");
    for (const std::string& fd : descriptors ? *descriptors : std::vector<std::string>{}) {
      if (!inodes.contains(link_target(fmt::format("/proc/{}/fd/{}", pid, fd)))) continue;
      auto name = files.read("/proc/" + pid + "/comm");
      if (name && name->ends_with('\n')) name->pop_back();
      return fmt::format("{} (pid {})", name.value_or("a program"), pid);
    }
  }
  return "";
}

Result<void> check_port_free(const std::string& address, int port) {
  const env::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_internal("Cannot open a socket: {}", std::strerror(errno));
  const int on = 1;
  // With both options our own load balancer's sockets do not count, and neither do connections that linger.
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(std::uint16_t(port));
  if (::inet_pton(AF_INET, address.c_str(), &where.sin_addr) != 1)
    return fail("ValidationError", "'{}' is not an IPv4 address", address);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0) return {};
  if (errno != EADDRINUSE) return fail_internal("Port {} cannot be listened on: {}", port, std::strerror(errno));
  const std::string owner = port_owner(port);
  return fail("ResourceInUse", "Port {} is in use by {}; stop it, or choose another port for the listener", port,
              owner.empty() ? "another program" : owner);
}

}  // namespace brume::daemon
