#include "net/set_elements.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
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

constexpr std::size_t kMostElements = 500;  // well within a message's and the socket's limits

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

std::optional<std::string> field_bytes(std::string_view type, std::string_view text, bool greatest) {
  if (type == "ipv4_addr" || type == "ipv6_addr") return address_bytes(text, type == "ipv6_addr", greatest);
  if (type == "inet_service") return number_bytes(text, 2);
  if (type == "inet_proto" || type.starts_with("icmp")) return number_bytes(text, 1);
  return {};
}

nfgenmsg family(std::uint8_t of, std::uint16_t resource = 0) {
  return {.nfgen_family = of, .version = NFNETLINK_V0, .res_id = htons(resource)};
}

NetlinkMessage message_of(const ElementChange& change) {
  const int type = (NFNL_SUBSYS_NFTABLES << 8) | (change.add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM);
  NetlinkMessage message(std::uint16_t(type), std::uint16_t(NLM_F_ACK | (change.add ? NLM_F_CREATE : 0)));
  const auto key = [](NetlinkMessage& element, std::uint16_t attribute, const std::string& bytes) {
    element.nested(NLA_F_NESTED | attribute,
                   [&](NetlinkMessage& data) { data.attribute(NFTA_DATA_VALUE, bytes.data(), bytes.size()); });
  };
  message.body(family(NFPROTO_INET))
      .attribute(NFTA_SET_ELEM_LIST_TABLE, std::string("brume"))
      .attribute(NFTA_SET_ELEM_LIST_SET, change.set)
      .nested(NLA_F_NESTED | NFTA_SET_ELEM_LIST_ELEMENTS, [&](NetlinkMessage& list) {
        for (const KeyInterval& interval : change.elements)
          list.nested(NLA_F_NESTED | NFTA_LIST_ELEM, [&](NetlinkMessage& element) {
            key(element, NFTA_SET_ELEM_KEY, interval.low);
            key(element, NFTA_SET_ELEM_KEY_END, interval.high);
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

std::optional<KeyInterval> encode_element(std::string_view declaration, std::string_view element) {
  constexpr std::string_view kType = "type ", kInterval = "; flags interval;";
  if (!declaration.starts_with(kType) || !declaration.ends_with(kInterval)) return {};
  const auto types =
      split_concatenation(declaration.substr(kType.size(), declaration.size() - kType.size() - kInterval.size()));
  const auto fields = split_concatenation(element);
  if (types.size() < 2 || fields.size() != types.size()) return {};
  KeyInterval key;
  for (std::size_t i = 0; i < types.size(); ++i) {
    const std::size_t dash = fields[i].find('-');
    const auto low = field_bytes(types[i], fields[i].substr(0, dash), false);
    const auto high =
        field_bytes(types[i], dash == std::string_view::npos ? fields[i] : fields[i].substr(dash + 1), true);
    if (!low || !high || *low > *high) return {};
    key.low += *low;
    key.high += *high;
  }
  return key;
}

std::optional<std::vector<ElementChange>> element_changes(const Ruleset& present, const Ruleset& wanted) {
  const auto same_chain = [](const auto& a, const auto& b) {
    return a.first == b.first && (a.second == b.second || *a.second == *b.second);
  };
  if (!std::ranges::equal(present.chains, wanted.chains, same_chain)) return {};
  if (present.sets.size() != wanted.sets.size()) return {};
  std::vector<ElementChange> changes;
  std::size_t count = 0;
  for (auto old = present.sets.begin(), now = wanted.sets.begin(); now != wanted.sets.end(); ++old, ++now) {
    if (old->first != now->first) return {};
    if (old->second == now->second) continue;
    const auto &before = old->second->elements, &after = now->second->elements;
    std::vector<std::string> gone, come;
    std::ranges::set_difference(before, after, std::back_inserter(gone));
    std::ranges::set_difference(after, before, std::back_inserter(come));
    count += gone.size() + come.size();
    if (count > kMostElements) return {};
    for (const auto* elements : {&gone, &come}) {
      if (elements->empty()) continue;
      ElementChange& change = changes.emplace_back(now->first, elements == &come);
      for (const std::string& element : *elements) {
        auto key = encode_element(now->second->declaration, element);
        if (!key || now->second->kind != "set") return {};
        change.elements.push_back(*std::move(key));
      }
    }
  }
  return changes;
}

Result<void> change_elements(const std::vector<ElementChange>& changes) {
  if (changes.empty()) return {};
  NetlinkMessage begin(NFNL_MSG_BATCH_BEGIN, 0), end(NFNL_MSG_BATCH_END, 0);
  std::uint32_t sequence = 0;
  std::string batch = begin.body(family(AF_UNSPEC, NFNL_SUBSYS_NFTABLES)).finish(++sequence);
  for (const ElementChange& change : changes) batch += message_of(change).finish(++sequence);
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
