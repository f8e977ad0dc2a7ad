// Names of log groups and streams: {instance_id}, {hostname}, {local_hostname}, {ip_address}, {aws_region},
// {account_id} and {date} (the day on which the agent started), as the CloudWatch agent fills them in. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"

namespace brume::agent {

struct FileEntry;

struct Identity {
  std::string instance_id, hostname, local_hostname, ip_address, region, account_id, image_id, instance_type;
};

std::string fill_in(std::string_view text, const Identity& identity, Timestamp started);

struct Destination {
  std::string group, stream;

  bool operator==(const Destination&) const = default;
};

// Where the lines of a file go. Without a log_group_name that is the path without its last suffix, or (all files that
// match) the whole path; with all files that match, each has a stream with its name behind the stream's.
Destination destination(const FileEntry& entry, std::string_view path, const Identity& identity, Timestamp started);

}  // namespace brume::agent
