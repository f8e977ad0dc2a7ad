#include "daemon/outgoing_keys.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "env/posix_files.h"

namespace brume::daemon {
namespace {

constexpr unsigned kOthers = 077;

std::string variable(const char* name) {
  const char* value = ::getenv(name);
  return value ? value : "";
}

}  // namespace

Result<aws::Credentials> parse_credentials(std::string_view text, std::string_view section) {
  aws::Credentials keys;
  bool here = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    line = aws::trim(line);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      here = line.ends_with(']') && aws::trim(line.substr(1, line.size() - 2)) == section;
      continue;
    }
    const std::size_t equals = line.find('=');
    if (!here || equals == std::string_view::npos) continue;
    const std::string name = aws::to_lower(aws::trim(line.substr(0, equals)));
    const std::string_view value = aws::trim(line.substr(equals + 1));
    if (name == "aws_access_key_id") keys.access_key = value;
    if (name == "aws_secret_access_key") keys.secret_key = value;
    if (name == "aws_session_token") keys.session_token = value;
  }
  if (keys.access_key.empty() || keys.secret_key.empty())
    return fail("NoCredentials", "section [{}] has no aws_access_key_id and aws_secret_access_key", section);
  return keys;
}

Result<aws::Credentials> outgoing_keys(const std::string& config_dir) {
  const std::string path = config_dir + "/credentials";
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0) {
    if ((status.st_mode & kOthers) != 0)
      return fail("NoCredentials", "{} can be read by others: chmod 600 {}", path, path);
    BRUME_TRY(text, env::PosixFiles().read(path));
    auto keys = parse_credentials(text, "default");
    if (!keys) return fail("NoCredentials", "{}: {}", path, keys.error().message);
    return keys;
  }
  aws::Credentials keys{.access_key = variable("AWS_ACCESS_KEY_ID"),
                        .secret_key = variable("AWS_SECRET_ACCESS_KEY"),
                        .session_token = variable("AWS_SESSION_TOKEN"),
                        .principal_arn = "",
                        .user_id = ""};
  if (keys.access_key.empty() || keys.secret_key.empty())
    return fail("NoCredentials",
                "there are no keys for services elsewhere: put them into {} (mode 600, as the AWS CLI's file of this "
                "name), or into the daemon's environment",
                path);
  return keys;
}

}  // namespace brume::daemon
