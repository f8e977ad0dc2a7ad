#include "compute/init/accounts.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace brume::init {
namespace {

constexpr std::size_t kMaxGroups = 64;

template <std::size_t n>
bool split(std::string_view line, std::array<std::string_view, n>& fields) {
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t end = i + 1 < n ? line.find(':') : line.size();
    if (end == std::string_view::npos) return false;
    fields[i] = line.substr(0, end);
    line.remove_prefix(std::min(line.size(), end + 1));
  }
  return true;
}

std::optional<unsigned> number(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  // The greatest means "no change" to chown and setuid.
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value == ~0U) return std::nullopt;
  return value;
}

// Calls `use` with the fields of each line until it returns true.
template <std::size_t n, typename Use>
void for_each_line(std::string_view text, Use use) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    std::array<std::string_view, n> fields;
    if (!line.starts_with('#') && split(line, fields) && use(fields)) return;
  }
}

template <typename Test>
std::optional<Account> first_account(std::string_view passwd, Test test) {
  std::optional<Account> found;
  for_each_line<7>(passwd, [&](const auto& fields) {
    const auto uid = number(fields[2]), gid = number(fields[3]);
    // A home that is not absolute would be looked for in whatever folder is current.
    if (fields[0].empty() || !uid || !gid || !fields[5].starts_with('/') || !test(fields[0], *uid)) return false;
    found = {std::string(fields[0]), *uid, *gid, std::string(fields[5]), std::string(fields[6])};
    return true;
  });
  return found;
}

}  // namespace

std::optional<Account> find_account(std::string_view passwd, std::string_view who) {
  if (auto named = first_account(passwd, [&](std::string_view name, unsigned) { return name == who; })) return named;
  const auto wanted = number(who);
  if (!wanted) return std::nullopt;
  return first_account(passwd, [&](std::string_view, unsigned uid) { return uid == *wanted; });
}

Account login_account(std::string_view passwd) {
  for (const char* name : {"ec2-user", "admin", "ubuntu", "debian", "root"})
    if (auto account = find_account(passwd, name)) return *std::move(account);
  return {"root", 0, 0, "/root", "/bin/sh"};
}

std::vector<gid_t> groups_of(std::string_view group, std::string_view account) {
  std::vector<gid_t> out;
  for_each_line<4>(group, [&](const auto& fields) {
    std::string_view members = fields[3];
    bool member = false;
    while (!members.empty() && !member) {
      const std::string_view name = members.substr(0, members.find(','));
      members.remove_prefix(std::min(members.size(), name.size() + 1));
      member = name == account;
    }
    if (const auto gid = number(fields[2]); member && gid) out.push_back(*gid);
    return out.size() == kMaxGroups;
  });
  return out;
}

}  // namespace brume::init
