#include "compute/agent/cloud.h"

#include <sys/utsname.h>
#include <time.h>

#include "compute/init/metadata_client.h"

namespace brume::agent {
namespace {

Timestamp wall_now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

}  // namespace

std::optional<Identity> Cloud::identify() {
  const init::MetadataVisit visit;
  Identity out;
  const auto read = [&](std::string_view path, std::string& value, bool optional) {
    auto found = visit.get(path, optional);
    if (found) value = *std::move(found);
    return found.has_value();
  };
  if (!read("/latest/meta-data/instance-id", out.instance_id, false) ||
      !read("/latest/meta-data/placement/region", out.region, false) ||
      !read("/latest/meta-data/hostname", out.hostname, true) ||
      !read("/latest/meta-data/local-ipv4", out.ip_address, true) ||
      !read("/latest/meta-data/ami-id", out.image_id, true) ||
      !read("/latest/meta-data/instance-type", out.instance_type, true))
    return std::nullopt;
  std::string mac;
  if (read("/latest/meta-data/mac", mac, true) && !mac.empty())
    read("/latest/meta-data/network/interfaces/macs/" + mac + "/owner-id", out.account_id, true);
  utsname name{};
  ::uname(&name);
  out.local_hostname = name.nodename;
  if (out.hostname.empty()) out.hostname = out.local_hostname;
  return out;
}

Result<void> Cloud::fetch_keys() {
  const init::MetadataVisit visit;
  const auto role = visit.get("/latest/meta-data/iam/security-credentials/", true);
  if (visit.refused()) return fail("NoCredentials", "the metadata service is switched off for this instance");
  if (!role) return fail("Unreachable", "the metadata service does not answer");
  const std::string name = role->substr(0, role->find('\n'));
  if (name.empty()) return fail("NoCredentials", "this instance has no role (an instance profile)");
  const auto document = visit.get("/latest/meta-data/iam/security-credentials/" + name, false);
  if (!document) return fail("Unreachable", "the metadata service does not answer");
  BRUME_TRY(keys, read_role_keys(*document));
  keys_ = std::move(keys);
  return {};
}

Answer Cloud::call(std::string_view service, std::string_view target, std::string_view content_type,
                   const std::string& body) {
  const auto failed = [](const Error& error) {
    return Answer{.status = 0, .code = error.code, .message = error.message, .body = {}};
  };
  for (int attempt = 0;; ++attempt) {
    if (are_stale(keys_, wall_now())) {
      if (auto fetched = fetch_keys(); !fetched) return failed(fetched.error());
    }
    const Call call{endpoint_.host(), region_, std::string(service), std::string(target), std::string(content_type)};
    auto response = connection_.exchange(signed_head(call, body, keys_, wall_now()), body);
    if (!response) return failed(response.error());
    Answer answer = read_answer(response->status, {}, std::move(response->body));
    if (outcome(answer) != Outcome::expired) return answer;
    keys_ = {};
    if (attempt > 0) return answer;
  }
}

}  // namespace brume::agent
