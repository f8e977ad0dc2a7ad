#include "lb/client_filter.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>

#include "env/posix_error.h"

namespace brume::lb {
namespace {

constexpr std::size_t kMaxRanges = 1000;  // four instructions each, of the 4096 that a program may have

struct Range {
  std::uint32_t base = 0, mask = 0;  // host order
};

Result<Range> parse(const std::string& text) {
  const std::size_t slash = text.find('/');
  in_addr address{};
  int prefix = -1;
  const char* const end = text.data() + text.size();
  if (slash == std::string::npos || ::inet_pton(AF_INET, text.substr(0, slash).c_str(), &address) != 1 ||
      std::from_chars(text.data() + slash + 1, end, prefix).ptr != end || prefix < 0 || prefix > 32)
    return fail("ValidationError", "'{}' is not a range of IPv4 addresses", text);
  const std::uint32_t mask = prefix == 0 ? 0 : ~std::uint32_t(0) << (32 - prefix);
  return Range{ntohl(address.s_addr) & mask, mask};
}

sock_filter instruction(int code, std::uint32_t k, std::uint8_t if_true = 0, std::uint8_t if_false = 0) {
  return {std::uint16_t(code), if_true, if_false, k};
}

}  // namespace

bool lets_all_in(const std::vector<std::string>& clients) {
  return std::ranges::find(clients, "0.0.0.0/0") != clients.end();
}

Result<std::vector<sock_filter>> client_filter(const std::vector<std::string>& clients) {
  if (clients.size() > kMaxRanges)
    return fail("ValidationError", "A listener can tell apart at most {} ranges of clients", kMaxRanges);
  constexpr auto network = std::uint32_t(SKF_NET_OFF);
  constexpr std::uint32_t all = std::numeric_limits<std::uint32_t>::max();
  std::vector<sock_filter> program = {
      // IP version 4, else nobody.
      instruction(BPF_LD | BPF_B | BPF_ABS, network),
      instruction(BPF_ALU | BPF_AND | BPF_K, 0xf0),
      instruction(BPF_JMP | BPF_JEQ | BPF_K, 0x40, 1, 0),
      instruction(BPF_RET | BPF_K, 0),
      // The source address, kept in X.
      instruction(BPF_LD | BPF_W | BPF_ABS, network + 12),
      instruction(BPF_MISC | BPF_TAX, 0),
  };
  for (const std::string& client : clients) {
    BRUME_TRY(range, parse(client));
    program.push_back(instruction(BPF_MISC | BPF_TXA, 0));
    program.push_back(instruction(BPF_ALU | BPF_AND | BPF_K, range.mask));
    program.push_back(instruction(BPF_JMP | BPF_JEQ | BPF_K, range.base, 0, 1));
    program.push_back(instruction(BPF_RET | BPF_K, all));
  }
  program.push_back(instruction(BPF_RET | BPF_K, 0));
  return program;
}

Result<void> hear_only(int fd, const std::vector<std::string>& clients) {
  if (lets_all_in(clients)) {
    hear_all(fd);
    return {};
  }
  BRUME_TRY(program, client_filter(clients));
  const sock_fprog attached{std::uint16_t(program.size()), program.data()};
  if (::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &attached, sizeof attached) != 0)
    return env::posix_error("cannot tell clients apart", "");
  return {};
}

void hear_all(int fd) {
  const int unused = 0;
  ::setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused);  // fails if there is none
}

}  // namespace brume::lb
