#include "net/metadata_tree.h"

#include <algorithm>
#include <functional>

#include "base/json.h"
#include "net/identity_signer.h"

namespace brume::net {
namespace {

// A directory keeps its entries in order of their names, as AWS lists them.
struct Entry {
  std::optional<std::string> text;     // none: a directory, unless there is
  std::function<std::string()> later;  // what makes a text that is not cheap
  std::map<std::string, Entry, std::less<>> entries;
  std::string listing;  // what its directory's list says of it, where that is not its name
  bool binary = false;

  // The entry at `path` below this one, made with the directories on the way.
  Entry& at(std::string_view path) {
    Entry* entry = this;
    while (!path.empty()) {
      const std::size_t slash = std::min(path.find('/'), path.size());
      entry = &entry->entries[std::string(path.substr(0, slash))];
      path.remove_prefix(std::min(slash + 1, path.size()));
    }
    return *entry;
  }
  void put(std::string_view path, std::string value) { at(path).text = std::move(value); }
  void put_lines(std::string_view path, const std::vector<std::string>& values);
  void put_if_set(std::string_view path, const std::string& value) {
    if (!value.empty()) put(path, value);
  }
};

// Laid out as AWS lays its documents out; no value is null.
std::string json_object(const std::vector<std::pair<const char*, std::optional<std::string>>>& members) {
  std::string text = "{";
  for (const auto& [name, value] : members)
    text += fmt::format("{}\n  \"{}\" : {}", text.size() == 1 ? "" : ",", name, value ? json_quote(*value) : "null");
  return text + "\n}";
}

template <typename Range, typename Project>
std::string lines(const Range& range, Project project) {
  std::string text;
  for (const auto& item : range) text += (text.empty() ? "" : "\n") + std::invoke(project, item);
  return text;
}

void Entry::put_lines(std::string_view path, const std::vector<std::string>& values) {
  put_if_set(path, lines(values, std::identity()));
}

std::string seconds(Timestamp time) {
  return to_iso8601(std::chrono::floor<std::chrono::seconds>(time));
}

void put_interface(Entry& root, const InstanceMetadata& instance, const MetadataInterface& interface) {
  Entry& mac = root.at("network/interfaces/macs/" + interface.mac);
  mac.put("device-number", std::to_string(interface.device_number));
  mac.put("interface-id", interface.id);
  mac.put("local-hostname", interface.local_hostname);
  std::vector<MetadataAddress> addresses = {{interface.local_ipv4, interface.public_ipv4}};
  addresses.insert(addresses.end(), interface.more_addresses.begin(), interface.more_addresses.end());
  std::vector<std::string> public_addresses;
  for (const auto& [local, outside] : addresses) {
    if (outside.empty()) continue;
    public_addresses.push_back(outside);
    mac.put("ipv4-associations/" + outside, local);
  }
  mac.put("local-ipv4s", lines(addresses, &MetadataAddress::local_ipv4));
  mac.put_lines("public-ipv4s", public_addresses);
  mac.put_if_set("public-hostname", interface.public_hostname);
  mac.put_lines("ipv6s", interface.ipv6s);
  mac.put_lines("subnet-ipv6-cidr-blocks", interface.subnet_ipv6_cidrs);
  mac.put_lines("vpc-ipv6-cidr-blocks", interface.vpc_ipv6_cidrs);
  mac.put("mac", interface.mac);
  mac.put("owner-id", instance.account_id);
  mac.put("security-group-ids", lines(interface.security_groups, &MetadataGroup::id));
  mac.put("security-groups", lines(interface.security_groups, &MetadataGroup::name));
  mac.put("subnet-id", interface.subnet_id);
  mac.put("subnet-ipv4-cidr-block", interface.subnet_cidr);
  mac.put("vpc-id", interface.vpc_id);
  if (!interface.vpc_cidrs.empty()) mac.put("vpc-ipv4-cidr-block", interface.vpc_cidrs.front());
  mac.put("vpc-ipv4-cidr-blocks", lines(interface.vpc_cidrs, std::identity()));
}

void put_credentials(Entry& root, const MetadataCredentials& credentials) {
  const std::string updated = seconds(credentials.last_updated);
  if (!credentials.failure.empty()) {
    const std::string why = json_object(
        {{"Code", credentials.failure}, {"Message", credentials.failure_message}, {"LastUpdated", updated}});
    root.put("iam/info", why);
    if (!credentials.role_name.empty()) root.put("iam/security-credentials/" + credentials.role_name, why);
    return;
  }
  root.put("iam/info", json_object({{"Code", "Success"},
                                    {"LastUpdated", updated},
                                    {"InstanceProfileArn", credentials.instance_profile_arn},
                                    {"InstanceProfileId", credentials.instance_profile_id}}));
  if (credentials.role_name.empty()) return;
  root.put("iam/security-credentials/" + credentials.role_name,
           json_object({{"Code", "Success"},
                        {"LastUpdated", updated},
                        {"Type", "AWS-HMAC"},
                        {"AccessKeyId", credentials.access_key_id},
                        {"SecretAccessKey", credentials.secret_access_key},
                        {"Token", credentials.token},
                        {"Expiration", seconds(credentials.expiration)}}));
}

Entry meta_data(const InstanceMetadata& instance) {
  const MetadataInterface& primary = instance.interfaces.front();
  Entry root;
  root.put("ami-id", instance.image_id);
  root.put("ami-launch-index", std::to_string(instance.launch_index));
  root.put("ami-manifest-path", "(unknown)");
  root.put_if_set("autoscaling/target-lifecycle-state", instance.lifecycle_state);
  if (!instance.root_device.empty()) {
    root.put("block-device-mapping/ami", instance.root_device);
    root.put("block-device-mapping/root", instance.root_device);
  }
  // Brume plans no maintenance.
  root.put("events/maintenance/history", "[]");
  root.put("events/maintenance/scheduled", "[]");
  if (instance.noticed_at && instance.interrupt_at) {
    const std::string until = seconds(*instance.interrupt_at);
    root.put("events/recommendations/rebalance",
             fmt::format(R"({{"noticeTime": "{}"}})", seconds(*instance.noticed_at)));
    root.put("spot/instance-action", fmt::format(R"({{"action": "terminate", "time": "{}"}})", until));
    root.put("spot/termination-time", until);
  }
  root.put("hostname", instance.hostname);
  root.put("instance-action", "none");
  root.put("instance-id", instance.instance_id);
  root.put("instance-life-cycle", instance.spot ? "spot" : "on-demand");
  root.put("instance-type", instance.instance_type);
  if (!primary.ipv6s.empty()) root.put("ipv6", primary.ipv6s.front());
  root.put("local-hostname", instance.hostname);
  root.put("local-ipv4", primary.local_ipv4);
  root.put("mac", primary.mac);
  root.put("metrics/vhostmd", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
  for (const MetadataInterface& interface : instance.interfaces) put_interface(root, instance, interface);
  root.put("placement/availability-zone", instance.zone);
  root.put_if_set("placement/availability-zone-id", instance.zone_id);
  root.put_if_set("placement/group-name", instance.placement_group);
  root.put("placement/region", instance.region);
  root.put("profile", "default-hvm");
  root.put_if_set("public-hostname", instance.public_hostname);
  root.put_if_set("public-ipv4", instance.public_ipv4);
  if (!instance.openssh_key.empty()) {
    root.put("public-keys/0/openssh-key", instance.openssh_key);
    root.at("public-keys/0").listing = "0=" + instance.key_name;
  }
  root.put("reservation-id", instance.reservation_id);
  root.put("security-groups", lines(primary.security_groups, &MetadataGroup::name));
  root.put("services/domain", "amazonaws.com");
  root.put("services/partition", "aws");
  root.put("system", "nitro");
  if (instance.credentials) put_credentials(root, *instance.credentials);
  if (instance.options.tags_enabled)
    // Not through a path: EC2 refuses keys with a slash where tags are shown here, but may have them from before.
    for (const auto& [key, value] : instance.tags) root.at("tags/instance").entries[key].text = value;
  return root;
}

std::string identity_document(const InstanceMetadata& instance) {
  return json_object({{"accountId", instance.account_id},
                      {"architecture", instance.architecture},
                      {"availabilityZone", instance.zone},
                      {"billingProducts", {}},
                      {"devpayProductCodes", {}},
                      {"marketplaceProductCodes", {}},
                      {"imageId", instance.image_id},
                      {"instanceId", instance.instance_id},
                      {"instanceType", instance.instance_type},
                      {"kernelId", {}},
                      {"pendingTime", seconds(instance.launch_time)},
                      {"privateIp", instance.interfaces.front().local_ipv4},
                      {"ramdiskId", {}},
                      {"region", instance.region},
                      {"version", "2017-09-30"}});
}

void put_identity(Entry& root, const InstanceMetadata& instance, const IdentitySigner* signer) {
  const std::string document = identity_document(instance);
  root.put("document", document);
  if (!signer) return;
  // AWS signs pkcs7 with DSA and SHA-1, which no longer count; here both are what rsa2048 is there.
  root.at("pkcs7").later = [=] { return signer->sign(document).pkcs7; };
  root.at("rsa2048").later = [=] { return signer->sign(document).pkcs7; };
  root.at("signature").later = [=] { return signer->sign(document).signature; };
}

// The whole of a version. Small enough (some 70 entries) to be built for each request, so that nothing can be stale.
Entry version_root(const InstanceMetadata& instance, const IdentitySigner* signer) {
  Entry root;
  root.entries["meta-data"] = meta_data(instance);
  root.put("dynamic/fws/instance-monitoring", instance.detailed_monitoring ? "enabled" : "disabled");
  put_identity(root.at("dynamic/instance-identity"), instance, signer);
  if (!instance.user_data.empty()) {
    root.put("user-data", instance.user_data);
    root.at("user-data").binary = true;
  }
  // Listed without slashes, unlike directories further down.
  for (auto& [name, entry] : root.entries) entry.listing = name;
  return root;
}

std::string list(const Entry& directory) {
  return lines(directory.entries, [](const auto& item) {
    const auto& [name, entry] = item;
    if (!entry.listing.empty()) return entry.listing;
    return entry.text || entry.later ? name : name + "/";
  });
}

// Takes the first name off the path.
std::string_view next_name(std::string_view& path) {
  path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
  const std::string_view name = path.substr(0, path.find('/'));
  path.remove_prefix(name.size());
  return name;
}

}  // namespace

const std::vector<std::string>& metadata_versions() {
  static const std::vector<std::string> versions = {
      "1.0",        "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10", "2007-12-15", "2008-02-01",
      "2008-09-01", "2009-04-04", "2011-01-01", "2011-05-01", "2012-01-12", "2014-02-25", "2014-11-05",
      "2015-10-20", "2016-04-19", "2016-06-30", "2016-09-02", "2018-03-28", "2018-08-17", "2018-09-24",
      "2019-10-01", "2020-10-27", "2021-01-03", "2021-03-23", "2021-07-15", "2022-09-24", "2024-04-11"};
  return versions;
}

std::optional<MetadataDocument> metadata_at(const InstanceMetadata& instance, std::string_view path,
                                            const IdentitySigner* signer) {
  const auto& versions = metadata_versions();
  const std::string_view version = next_name(path);
  if (version.empty()) return MetadataDocument{lines(versions, std::identity()) + "\nlatest"};
  if (version != "latest" && !std::ranges::binary_search(versions, version)) return {};
  const Entry root = version_root(instance, signer);
  const Entry* entry = &root;
  for (std::string_view name = next_name(path); !name.empty(); name = next_name(path)) {
    const auto found = entry->entries.find(name);
    if (found == entry->entries.end()) return {};
    entry = &found->second;
  }
  if (entry->later) return MetadataDocument{entry->later()};
  if (entry->text) return MetadataDocument{*entry->text, entry->binary};
  return MetadataDocument{list(*entry)};
}

}  // namespace brume::net
