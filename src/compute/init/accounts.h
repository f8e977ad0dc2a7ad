// The accounts of a root file system, as its /etc/passwd and /etc/group tell. Pure; lines that are not understood are
// passed over.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace brume::init {

struct Account {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  std::string home, shell;
  bool operator==(const Account&) const = default;
};

// By name, or by uid if `who` is a number that is nobody's name.
std::optional<Account> find_account(std::string_view passwd, std::string_view who);

// Whom a key pair is for: the first that there is of ec2-user, admin, ubuntu and debian (the default users of AWS's own
// images), else root, whom every system has.
Account login_account(std::string_view passwd);

// The groups, by number, that list the account as a member; at most 64.
std::vector<gid_t> groups_of(std::string_view group, std::string_view account);

}  // namespace brume::init
