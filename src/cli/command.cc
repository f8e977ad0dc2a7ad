#include "cli/command.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "daemon/keys.h"
#include "env/posix_files.h"

namespace brume::cli {

std::string region_of(const daemon::Settings& settings) {
  for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"})
    if (const char* value = std::getenv(name); value && *value) return value;
  return settings.region;
}

Result<std::unique_ptr<Session>> open_session(const daemon::Settings& settings) {
  auto key = daemon::read_owner_key(env::PosixFiles(), settings.state_dir);
  if (!key && ::geteuid() != 0)
    return fail("AccessDenied", "The owner's key is for root only; run it as root: sudo brume …");
  if (!key) return std::unexpected(std::move(key).error());
  return std::make_unique<Session>(
      aws::HttpTransport::Options{.endpoint = fmt::format("http://127.0.0.1:{}", settings.api_port),
                                  .credentials = {.access_key = key->access_key_id,
                                                  .secret_key = key->secret_access_key,
                                                  .session_token = "",
                                                  .principal_arn = "",
                                                  .user_id = ""},
                                  .region = region_of(settings)});
}

bool is_on_this_machine(std::string_view endpoint) {
  // Nothing but numbers after these: 127.example.com is somewhere else.
  for (const std::string_view start : {"http://127.", "http://localhost:", "http://169.254.169.254:"})
    if (endpoint.starts_with(start) && endpoint.find_first_not_of("0123456789.:", start.size()) == endpoint.npos)
      return true;
  return false;
}

Result<std::unique_ptr<Session>> open_caller_session(const daemon::Settings& settings) {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value ? value : "");
  };
  std::string endpoint = variable("AWS_ENDPOINT_URL");
  while (endpoint.ends_with('/')) endpoint.pop_back();
  const std::string access_key = variable("AWS_ACCESS_KEY_ID"), secret_key = variable("AWS_SECRET_ACCESS_KEY");
  // Keys for AWS itself must not be sent elsewhere, nor Brume's anywhere but here.
  if (!is_on_this_machine(endpoint) || access_key.empty() || secret_key.empty()) return open_session(settings);
  return std::make_unique<Session>(
      aws::HttpTransport::Options{.endpoint = endpoint,
                                  .credentials = {.access_key = access_key,
                                                  .secret_key = secret_key,
                                                  .session_token = variable("AWS_SESSION_TOKEN"),
                                                  .principal_arn = "",
                                                  .user_id = ""},
                                  .region = region_of(settings)});
}

int report(const Error& error) {
  std::fprintf(stderr, "brume: %s\n", error.message.c_str());
  return 1;
}

}  // namespace brume::cli
