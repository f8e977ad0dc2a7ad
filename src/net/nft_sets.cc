#include "net/nft_sets.h"

#include <endian.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <functional>
#include <map>

#include "env/fd.h"
#include "env/posix_error.h"
#include "net/netlink_attributes.h"
#include "net/rtnetlink.h"

namespace brume::net {
namespace {

constexpr std::uint8_t kInet = 1;  // NFPROTO_INET
constexpr int kAttempts = 20;

std::uint16_t type_of(int message) {
  return std::uint16_t(NFNL_SUBSYS_NFTABLES << 8 | message);
}

NetlinkMessage request(int message) {
  NetlinkMessage made(type_of(message), NLM_F_DUMP);
  made.body(nfgenmsg{.nfgen_family = kInet, .version = NFNETLINK_V0, .res_id = 0});
  return made;
}

std::uint64_t big_endian_of(std::string_view value) {
  std::uint64_t number = 0;
  if (value.size() == sizeof number) std::memcpy(&number, value.data(), sizeof number);
  return be64toh(number);
}

// Whether the tables changed while the kernel told of them, so that it is to be asked again.
using Visit = std::function<void(std::string_view attributes)>;
Result<bool> dump_once(int socket, const std::string& message, int answer, const Visit& visit) {
  if (::send(socket, message.data(), message.size(), 0) != ssize_t(message.size()))
    return env::posix_error("Cannot ask for", "nftables sets");
  std::string buffer(1 << 16, '\0');
  for (bool changed = false;;) {
    const ssize_t n = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return env::posix_error("Cannot read", "nftables sets");
    std::string_view rest = std::string_view(buffer).substr(0, std::size_t(n));
    while (rest.size() >= sizeof(nlmsghdr)) {
      nlmsghdr header;
      std::memcpy(&header, rest.data(), sizeof header);
      if (header.nlmsg_len < sizeof header || header.nlmsg_len > rest.size()) break;
      const std::string_view payload = rest.substr(NLMSG_HDRLEN, header.nlmsg_len - NLMSG_HDRLEN);
      rest.remove_prefix(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), rest.size()));
      changed = changed || (header.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
      if (header.nlmsg_type == NLMSG_DONE) return changed;
      if (header.nlmsg_type == NLMSG_ERROR) {
        int error = -EBADMSG;
        if (payload.size() >= sizeof error) std::memcpy(&error, payload.data(), sizeof error);
        if (error == 0 || error == -ENOENT) return changed;
        if (error == -EINTR || error == -EAGAIN) return true;
        return env::posix_error("Cannot read", "nftables sets", -error);
      }
      nfgenmsg fixed;
      std::string_view attributes;
      if (header.nlmsg_type == type_of(answer) && split(payload, fixed, attributes)) visit(attributes);
    }
  }
}

// `begin` is called before each attempt.
Result<void> dump(NetlinkMessage message, int answer, const std::function<void()>& begin, const Visit& visit) {
  for (std::uint32_t attempt = 1; attempt <= kAttempts; ++attempt) {
    begin();
    // A socket of its own, so that nothing of an attempt that was given up is left in it.
    const env::Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
    if (!socket) return env::posix_error("Cannot open", "nfnetlink");
    BRUME_TRY(changed, dump_once(socket.get(), message.finish(attempt), answer, visit));
    if (!changed) return {};
  }
  return fail_internal("The nftables sets changed {} times while they were read", kAttempts);
}

PacketCount count_of(std::string_view expression) {
  PacketCount count;
  std::string name;
  each_attribute(expression, [&](int type, std::string_view value) {
    if (type == NFTA_EXPR_NAME) name = text_of(value);
    if (type != NFTA_EXPR_DATA || name != "counter") return;
    each_attribute(value, [&](int field, std::string_view number) {
      if (field == NFTA_COUNTER_PACKETS) count.packets = big_endian_of(number);
      if (field == NFTA_COUNTER_BYTES) count.bytes = big_endian_of(number);
    });
  });
  return count;
}

CountedElement element_of(std::string_view attributes) {
  CountedElement element;
  each_attribute(attributes, [&](int type, std::string_view value) {
    if (type == NFTA_SET_ELEM_EXPR) element.count = count_of(value);
    if (type == NFTA_SET_ELEM_KEY)
      each_attribute(value, [&](int part, std::string_view bytes) {
        if (part == NFTA_DATA_VALUE) element.key = bytes;
      });
  });
  return element;
}

}  // namespace

Result<std::vector<std::string>> list_sets(const std::string& table) {
  std::vector<std::string> names;
  NetlinkMessage message = request(NFT_MSG_GETSET);
  message.attribute(NFTA_SET_TABLE, table);
  BRUME_CHECK(dump(
      std::move(message), NFT_MSG_NEWSET, [&] { names.clear(); },
      [&](std::string_view attributes) {
        each_attribute(attributes, [&](int type, std::string_view value) {
          if (type == NFTA_SET_NAME) names.push_back(text_of(value));
        });
      }));
  return names;
}

Result<std::vector<CountedElement>> list_elements(const std::string& table, const std::string& set) {
  std::map<std::string, PacketCount> found;
  NetlinkMessage message = request(NFT_MSG_GETSETELEM);
  message.attribute(NFTA_SET_ELEM_LIST_TABLE, table).attribute(NFTA_SET_ELEM_LIST_SET, set);
  BRUME_CHECK(dump(
      std::move(message), NFT_MSG_NEWSETELEM, [&] { found.clear(); },
      [&](std::string_view attributes) {
        each_attribute(attributes, [&](int type, std::string_view list) {
          if (type != NFTA_SET_ELEM_LIST_ELEMENTS) return;
          each_attribute(list, [&](int, std::string_view item) {
            const CountedElement element = element_of(item);
            found[element.key] = element.count;
          });
        });
      }));
  std::vector<CountedElement> elements;
  elements.reserve(found.size());
  for (const auto& [key, count] : found) elements.push_back({key, count});
  return elements;
}

}  // namespace brume::net
