// The temporary keys of the instance's role, as the metadata service gives them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "compute/agent/signer.h"

namespace brume::agent {

// Of iam/security-credentials/<role>. Errors: NoCredentials, with the service's reason.
Result<Keys> read_role_keys(std::string_view document);

// Are they to be fetched anew? Five minutes before their end, as the SDKs do.
bool are_stale(const Keys& keys, Timestamp now);

// Where calls go: "http://192.0.2.1:4566" (or without the scheme). Nothing for what cannot be reached without TLS and
// without a resolver.
struct Endpoint {
  std::uint32_t address = 0xa9fea9fe;  // 169.254.169.254, host byte order
  std::uint16_t port = 4566;

  [[nodiscard]] std::string host() const;
};
std::optional<Endpoint> read_endpoint(std::string_view text);

}  // namespace brume::agent
