#include "net/set_elements.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <iterator>

#include "env/posix_error.h"
#include "net/nftables.h"
#include "net/rtnetlink.h"
#include "net/verdict.h"

namespace brume::net {
namespace {

std::vector<std::string_view> split_concatenation(std::string_view text) {
  constexpr std::string_view kBetween = " . ";
  std::vector<std::string_view> parts;
  for (std::size_t end = 0; (end = text.find(kBetween)) != std::string_view::npos;
       text.remove_prefix(end + kBetween.size()))
    parts.push_back(text.substr(0, end));
  parts.push_back(text);
  return parts;
}

std::optional<std::string> address_bytes(std::string_view text, bool ipv6, bool greatest) {
  const auto block = parse_ip_block(text);
  if (!block || block->ipv6 != ipv6) return {};
  std::string bytes(block->bytes.begin(), block->bytes.begin() + (ipv6 ? 16 : 4));
  if (greatest)
    for (std::size_t bit = std::size_t(block->prefix); bit < bytes.size() * 8; ++bit)
      bytes[bit / 8] = char(std::uint8_t(bytes[bit / 8]) | (0x80U >> (bit % 8)));
  return bytes;
}

std::optional<std::string> number_bytes(std::string_view text, std::size_t size) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), number);
  if (error != std::errc() || end != text.end() || number >> (8 * size) != 0) return {};
  std::string bytes(4, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = char(std::uint8_t(number >> (8 * (size - 1 - i))));
  return bytes;
}

std::optional<std::string> link_bytes(std::string_view name) {
  if (name.empty() || name.size() >= IFNAMSIZ) return {};
  std::string bytes(name);
  bytes.resize(IFNAMSIZ);
  return bytes;
}

std::optional<std::string> field_bytes(std::string_view type, std::string_view text, bool greatest) {
  if (type == "ipv4_addr" || type == "ipv6_addr") return address_bytes(text, type == "ipv6_addr", greatest);
  if (type == "ifname") return link_bytes(text);
  if (type == "inet_service") return number_bytes(text, 2);
  if (type == "inet_proto" || type.starts_with("icmp")) return number_bytes(text, 1);
  return {};
}

nfgenmsg family(std::uint8_t of, std::uint16_t resource = 0) {
  return {.nfgen_family = of, .version = NFNETLINK_V0, .res_id = htons(resource)};
}

void put_bytes(NetlinkMessage& element, std::uint16_t attribute, const std::string& bytes) {
  element.nested(NLA_F_NESTED | attribute,
                 [&](NetlinkMessage& data) { data.attribute(NFTA_DATA_VALUE, bytes.data(), bytes.size()); });
}

void put_jump(NetlinkMessage& element, const std::string& chain) {
  element.nested(NLA_F_NESTED | NFTA_SET_ELEM_DATA, [&](NetlinkMessage& data) {
    data.nested(NLA_F_NESTED | NFTA_DATA_VERDICT, [&](NetlinkMessage& verdict) {
      verdict.attribute(NFTA_VERDICT_CODE, htonl(std::uint32_t(NFT_JUMP))).attribute(NFTA_VERDICT_CHAIN, chain);
    });
  });
}

NetlinkMessage message_of(const TableName& table, const ElementChange& change) {
  const int type = (NFNL_SUBSYS_NFTABLES << 8) | (change.add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM);
  NetlinkMessage message(std::uint16_t(type), std::uint16_t(NLM_F_ACK | (change.add ? NLM_F_CREATE : 0)));
  message.body(family(table.inet ? NFPROTO_INET : NFPROTO_IPV4))
      .attribute(NFTA_SET_ELEM_LIST_TABLE, table.name)
      .attribute(NFTA_SET_ELEM_LIST_SET, change.set)
      .nested(NLA_F_NESTED | NFTA_SET_ELEM_LIST_ELEMENTS, [&](NetlinkMessage& list) {
        for (const SetElement& each : change.elements)
          list.nested(NLA_F_NESTED | NFTA_LIST_ELEM, [&](NetlinkMessage& element) {
            put_bytes(element, NFTA_SET_ELEM_KEY, each.key);
            if (!each.greatest.empty()) put_bytes(element, NFTA_SET_ELEM_KEY_END, each.greatest);
            if (!change.add) return;  // its key says which
            if (!each.value.empty()) put_bytes(element, NFTA_SET_ELEM_DATA, each.value);
            if (!each.jump.empty()) put_jump(element, each.jump);
          });
      });
  return message;
}

// The kernel has answered by the time that sending returns.
Result<void> await_acknowledgements(int socket, std::size_t expected) {
  std::string buffer(std::size_t{64} * 1024, '\0');
  for (std::size_t heard = 0; heard < expected;) {
    const ssize_t n = ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n < 0) return env::posix_error("Cannot hear", "whether the kernel took the rules");
    for (std::string_view rest(buffer.data(), std::size_t(n)); rest.size() >= NLMSG_LENGTH(sizeof(nlmsgerr));) {
      nlmsghdr header;
      std::memcpy(&header, rest.data(), sizeof header);
      int error = -EBADMSG;
      if (header.nlmsg_type == NLMSG_ERROR) std::memcpy(&error, rest.data() + NLMSG_HDRLEN, sizeof error);
      if (error != 0) return env::posix_error("Cannot change", "the rules' sets", -error);
      ++heard;
      rest.remove_prefix(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), rest.size()));
    }
  }
  return {};
}

}  // namespace

std::optional<SetElement> encode_element(std::string_view declaration, std::string_view text) {
  constexpr std::string_view kType = "type ", kInterval = " flags interval;", kJump = "jump ", kTo = " : ";
  if (!declaration.starts_with(kType)) return {};
  declaration.remove_prefix(kType.size());
  const bool intervals = declaration.ends_with(kInterval);
  if (intervals) declaration.remove_suffix(kInterval.size());
  if (!declaration.ends_with(";")) return {};
  declaration.remove_suffix(1);
  const std::size_t to = declaration.find(kTo), value_at = text.find(kTo);
  const auto types = split_concatenation(declaration.substr(0, to)),
             fields = split_concatenation(text.substr(0, value_at));
  if ((intervals && types.size() < 2) || fields.size() != types.size()) return {};
  if ((to == std::string_view::npos) != (value_at == std::string_view::npos)) return {};
  SetElement element;
  for (std::size_t i = 0; i < types.size(); ++i) {
    const std::size_t dash = intervals ? fields[i].find('-') : std::string_view::npos;
    const auto low = field_bytes(types[i], fields[i].substr(0, dash), false);
    const auto high =
        field_bytes(types[i], dash == std::string_view::npos ? fields[i] : fields[i].substr(dash + 1), true);
    if (!low || !high || *low > *high || (!intervals && *low != *high)) return {};
    element.key += *low;
    if (intervals) element.greatest += *high;
  }
  if (to == std::string_view::npos) return element;
  const std::string_view type = declaration.substr(to + kTo.size()), value = text.substr(value_at + kTo.size());
  if (type == "verdict") {
    if (!value.starts_with(kJump) || value.size() == kJump.size()) return {};
    element.jump = value.substr(kJump.size());
  } else {
    const auto bytes = field_bytes(type, value, false);
    if (!bytes) return {};
    element.value = *bytes;
  }
  return element;
}

std::optional<std::vector<ElementChange>> element_changes(const Ruleset& present, const Ruleset& wanted) {
  if (present.chains != wanted.chains) return {};
  std::vector<ElementChange> gone, come;
  std::size_t count = 0;
  bool fits = true;
  using Sets = SharedMap<std::string, Ruleset::Set>;
  Sets::differences(
      present.sets, wanted.sets, [&](const std::string& name, const Ruleset::Set* old, const Ruleset::Set* now) {
        fits = fits && old && now && old->kind == now->kind && old->declaration == now->declaration;
        if (!fits) return;
        ElementChange less{name, false, {}}, more{name, true, {}};
        SharedSet<std::string>::differences(old->elements, now->elements, [&](const std::string& text, bool added) {
          fits = fits && ++count <= kMostElements;
          if (!fits) return;
          auto element = encode_element(now->declaration, text);
          if (!(fits = element.has_value())) return;
          (added ? more : less).elements.push_back(*std::move(element));
        });
        if (!less.elements.empty()) gone.push_back(std::move(less));
        if (!more.elements.empty()) come.push_back(std::move(more));
      });
  if (!fits) return {};
  std::ranges::move(come, std::back_inserter(gone));
  return gone;
}

Result<void> change_elements(const std::vector<ElementChange>& changes, const TableName& table) {
  if (changes.empty()) return {};
  if (changes.empty()) return {};
  NetlinkMessage begin(NFNL_MSG_BATCH_BEGIN, 0), end(NFNL_MSG_BATCH_END, 0);
  std::uint32_t sequence = 0;
  std::string batch = begin.body(family(AF_UNSPEC, NFNL_SUBSYS_NFTABLES)).finish(++sequence);
  for (const ElementChange& change : changes) batch += message_of(table, change).finish(++sequence);
  batch += end.body(family(AF_UNSPEC, NFNL_SUBSYS_NFTABLES)).finish(++sequence);
  return with_own_descriptors([&]() -> Result<void> {
    // Left open for the end of the thread, as with_own_descriptors() explains.
    const int socket = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    const sockaddr_nl kernel{.nl_family = AF_NETLINK, .nl_pad = 0, .nl_pid = 0, .nl_groups = 0};
    if (socket < 0 || ::sendto(socket, batch.data(), batch.size(), 0, reinterpret_cast<const sockaddr*>(&kernel),
                               sizeof kernel) != ssize_t(batch.size()))
      return env::posix_error("Cannot send", "rules to the kernel");
    return await_acknowledgements(socket, changes.size());
  });
}

}  // namespace brume::net
