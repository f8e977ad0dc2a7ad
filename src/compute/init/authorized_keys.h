// A key pair's public key among those that may log in (sshd(8), "AUTHORIZED_KEYS FILE FORMAT").
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "compute/init/accounts.h"

namespace brume::init {

// The key, if `text` is one public key in OpenSSH's form ("ssh-ed25519 AAAA… comment") and nothing else: no options,
// which could run a command, and no second line. Without the line's end. Pure.
std::optional<std::string> one_public_key(std::string_view text);

// `file` with the key added, or nothing if it is there already, whatever its comment and options. Pure.
std::optional<std::string> with_key(std::string_view file, std::string_view key);

// Adds the key to ~/.ssh/authorized_keys of the account. Home (if there is none), folder and file are made with the
// account as their owner and modes 0755, 0700 and 0600; what is there keeps its content, and no link of the account's
// is followed. Replaces the file as a whole. Empty, or what stood in the way.
std::string install_key(const Account& account, std::string_view key);

}  // namespace brume::init
