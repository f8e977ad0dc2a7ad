// Whose packets a listening socket hears: ranges of source addresses, judged by the kernel before a connection is made.
//
// A classic BPF program on the listening socket: what does not match is dropped as if nobody were there, SYN and all.
// Ranges are IPv4; an IPv6 packet matches none.
#pragma once

#include <linux/filter.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace brume::lb {

// Every address, so that there is nothing to judge.
bool lets_all_in(const std::vector<std::string>& clients);

// The program; pure. Errors: ValidationError for what is not an IPv4 range, or for more than 1000 of them.
Result<std::vector<sock_filter>> client_filter(const std::vector<std::string>& clients);

// From now on the socket hears only these. Connections that it has accepted go on.
Result<void> hear_only(int fd, const std::vector<std::string>& clients);
// For an accepted connection: it has been judged, its packets need not be.
void hear_all(int fd);

}  // namespace brume::lb
