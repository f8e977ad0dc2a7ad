#include "daemon/settings.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <vector>

#include "aws/client.h"
#include "base/json.h"
#include "env/posix_error.h"
#include "env/posix_files.h"
#include "services/ec2/cidr.h"

namespace brume::daemon {

namespace {

constexpr std::array<std::string_view, 4> kElsewhere{"firehose", "kinesis", "lambda", "s3"};

Result<void> check_endpoint(const std::string& service, std::string_view endpoint) {
  if (std::ranges::find(kElsewhere, service) == kElsewhere.end())
    return fail("InvalidSettings", "endpoint of '{}': of services elsewhere Brume speaks to {}", service,
                fmt::join(kElsewhere, ", "));
  const auto host = aws::host_of(endpoint);
  if (!host || !endpoint.ends_with(*host))
    return fail("InvalidSettings", "endpoint of {}: '{}' is not of the form http://host:port or https://host:port",
                service, endpoint);
  return {};
}

}  // namespace

Result<void> add_endpoint(Settings& settings, std::string_view text) {
  const std::size_t equals = std::min(text.find('='), text.size());
  const std::string service(text.substr(0, equals));
  const std::string endpoint(text.substr(std::min(equals + 1, text.size())));
  BRUME_CHECK(check_endpoint(service, endpoint));
  settings.endpoints[service] = endpoint;
  return {};
}

Result<Settings> load_settings(const std::string& root) {
  Settings settings;
  if (!root.empty()) {
    settings.state_dir = root + "/lib";
    settings.run_dir = root + "/run";
    settings.config_dir = root + "/etc";
  }
  const std::string path = settings.config_dir + "/brume.json";
  const env::PosixFiles files;
  if (files.exists(path)) {
    BRUME_TRY(text, files.read(path));
    if (auto read = read_json(shape_of<Settings>(), &settings, text); !read)
      return fail("InvalidSettings", "{}: {}", path, read.error().message);
  }
  if (settings.api_port < 1 || settings.api_port > 65535)
    return fail("InvalidSettings", "{}: api_port must be from 1 to 65535", path);
  if (!(settings.time_scale >= 1 && settings.time_scale <= 3600))
    return fail("InvalidSettings", "{}: time_scale must be from 1 to 3600", path);
  if (settings.instance_memory_mib < 0)
    return fail("InvalidSettings", "{}: instance_memory_mib must not be negative", path);
  for (const std::string& text : settings.public_addresses) {
    const auto range = ec2::parse_cidr(text);
    if (!range || range->prefix < 8 || range->prefix > 30 || range->contains(std::uint32_t(0x7f000001)))
      return fail("InvalidSettings",
                  "{}: public_addresses: '{}' is not an IPv4 range of /8 to /30 without 127.0.0.1, as 127.8.0.0/16",
                  path, text);
  }
  if (settings.public_addresses.empty()) return fail("InvalidSettings", "{}: public_addresses must name a range", path);
  for (const auto& [service, endpoint] : settings.endpoints)
    if (auto checked = check_endpoint(service, endpoint); !checked)
      return fail("InvalidSettings", "{}: {}", path, checked.error().message);
  if (settings.init.empty()) {
    const std::string program = program_path();
    const std::string folder = program.substr(0, program.rfind('/'));
    // Installed under lib/brume; beside the program in a build folder.
    settings.init = folder + "/../lib/brume/brume-init";
    if (!files.exists(settings.init)) settings.init = folder + "/brume-init";
  }
  return settings;
}

Result<void> make_places(env::Files& files, const Settings& settings) {
  // Those that are missing are ours to open, however the umask is set.
  std::vector<std::string> opened = {settings.run_dir};
  for (std::size_t slash = settings.run_dir.find('/', 1); slash != std::string::npos;
       slash = settings.run_dir.find('/', slash + 1))
    if (!files.exists(settings.run_dir.substr(0, slash))) opened.push_back(settings.run_dir.substr(0, slash));
  BRUME_CHECK(files.make_folders(settings.run_dir, 0711));
  for (const std::string& path : opened)
    if (::chmod(path.c_str(), 0711) != 0) return env::posix_error("Cannot open", path);
  return files.make_folders(settings.state_dir, 0700);
}

std::string program_path() {
  char buffer[4096];
  const ssize_t n = ::readlink("/proc/self/exe", buffer, sizeof buffer);
  std::string path = n > 0 ? std::string(buffer, std::size_t(n)) : "brume";
  // A program that was replaced while it ran: its successor is at the same place.
  if (path.ends_with(" (deleted)")) path.resize(path.size() - 10);
  return path;
}

}  // namespace brume::daemon
