// Key pairs: their public halves. A private key is in the answer of CreateKeyPair and nowhere else.
#include <algorithm>

#include "services/common/ids.h"
#include "services/ec2/filters.h"
#include "services/ec2/instance_kinds.h"
#include "services/ec2/instance_operations.h"
#include "services/ec2/key_material.h"
#include "services/ec2/refusals.h"

namespace brume::ec2 {
namespace {

Result<void> check_name(const std::string& name, bool taken) {
  if (name.empty() || name.size() > 255 || std::ranges::any_of(name, [](char c) { return c < 32 || c > 126; }) ||
      name.front() == ' ' || name.back() == ' ')
    return fail("InvalidParameterValue",
                "Value ({}) for parameter KeyName is invalid: it must have 1 to 255 printable ASCII characters.", name);
  if (taken) return fail("InvalidKeyPair.Duplicate", "The keypair already exists");
  return {};
}

constexpr FilterField<KeyPairInfo> kFields[] = {
    {"key-name", [](const KeyPairInfo& key) { return value(key.KeyName); }},
    {"key-pair-id", [](const KeyPairInfo& key) { return value(key.KeyPairId); }},
    {"fingerprint", [](const KeyPairInfo& key) { return value(key.KeyFingerprint); }},
};

}  // namespace

Result<KeyPair> InstanceOperations::CreateKeyPair(const aws::Call& call, const CreateKeyPairRequest& request) {
  const std::string name = request.KeyName.value_or("");
  BRUME_CHECK(check_name(name, key_pairs_.contains(name)));
  const std::string type = request.KeyType.value_or("rsa");
  if (type != "rsa" && type != "ed25519") return fail("InvalidParameterValue", "Invalid value '{}' for KeyType", type);
  if (request.KeyFormat.value_or("pem") != "pem")
    return unsupported("Brume does not support KeyFormat '{}'.", *request.KeyFormat);
  BRUME_TRY(tags, tags_for(call, request.TagSpecifications, kKeyPair.type));
  BRUME_TRY(material, make_key_pair(type, name));
  KeyPairInfo key;
  key.KeyPairId = services::new_id(context_.env.random, kKeyPair.prefix);
  key.KeyName = name;
  key.KeyType = type;
  key.KeyFingerprint = material.fingerprint;
  key.PublicKey = material.public_key;
  key.CreateTime = std::chrono::floor<std::chrono::milliseconds>(context_.env.clock.wall());
  BRUME_CHECK(network_.tags.set(*key.KeyPairId, kKeyPair.type, tags));
  KeyPair result;
  result.KeyPairId = key.KeyPairId;
  result.KeyName = name;
  result.KeyFingerprint = key.KeyFingerprint;
  result.KeyMaterial = material.private_key;
  result.Tags = tags;
  key_pairs_.put(name, std::move(key));
  return unless_dry_run(request, std::move(result));
}

Result<ImportKeyPairResult> InstanceOperations::ImportKeyPair(const aws::Call& call,
                                                              const ImportKeyPairRequest& request) {
  const std::string name = request.KeyName.value_or("");
  BRUME_CHECK(check_name(name, key_pairs_.contains(name)));
  BRUME_TRY(tags, tags_for(call, request.TagSpecifications, kKeyPair.type));
  BRUME_TRY(public_key, read_public_key(request.PublicKeyMaterial.value_or(Blob()).bytes));
  KeyPairInfo key;
  key.KeyPairId = services::new_id(context_.env.random, kKeyPair.prefix);
  key.KeyName = name;
  key.KeyType = public_key.type;
  key.KeyFingerprint = public_key.fingerprint;
  key.PublicKey = public_key.text;
  key.CreateTime = std::chrono::floor<std::chrono::milliseconds>(context_.env.clock.wall());
  BRUME_CHECK(network_.tags.set(*key.KeyPairId, kKeyPair.type, tags));
  ImportKeyPairResult result;
  result.KeyPairId = key.KeyPairId;
  result.KeyName = name;
  result.KeyFingerprint = key.KeyFingerprint;
  result.Tags = tags;
  key_pairs_.put(name, std::move(key));
  return unless_dry_run(request, std::move(result));
}

Result<DescribeKeyPairsResult> InstanceOperations::DescribeKeyPairs(const aws::Call&,
                                                                    const DescribeKeyPairsRequest& request) {
  for (const std::string& name : request.KeyNames)
    if (!key_pairs_.contains(name)) return fail("InvalidKeyPair.NotFound", "The key pair '{}' does not exist", name);
  for (const std::string& id : request.KeyPairIds)
    if (std::ranges::none_of(key_pairs_.rows(), [&](const auto& row) { return row.second.KeyPairId == id; }))
      return no_such(kKeyPair, id);
  std::vector<KeyPairInfo> shown;
  for (const auto& [name, key] : key_pairs_.rows()) {
    const bool all = request.KeyNames.empty() && request.KeyPairIds.empty();
    if (!all && std::ranges::find(request.KeyNames, name) == request.KeyNames.end() &&
        std::ranges::find(request.KeyPairIds, *key.KeyPairId) == request.KeyPairIds.end())
      continue;
    KeyPairInfo& copy = shown.emplace_back(key);
    if (!request.IncludePublicKey.value_or(false)) copy.PublicKey.reset();
    copy.Tags = network_.tags.of(*key.KeyPairId);
  }
  BRUME_TRY(passed, filtered(std::move(shown), request.Filters, std::span<const FilterField<KeyPairInfo>>(kFields)));
  DescribeKeyPairsResult result;
  result.KeyPairs = std::move(passed);
  return unless_dry_run(request, std::move(result));
}

Result<DeleteKeyPairResult> InstanceOperations::DeleteKeyPair(const aws::Call&, const DeleteKeyPairRequest& request) {
  if (!request.KeyName && !request.KeyPairId)
    return fail("MissingParameter", "The request must contain the parameter KeyName or KeyPairId");
  std::optional<std::string> name = request.KeyName;
  for (const auto& [key_name, key] : key_pairs_.rows())
    if (request.KeyPairId && key.KeyPairId == *request.KeyPairId) name = key_name;
  DeleteKeyPairResult result;
  result.Return = true;
  // What is not there counts as deleted, as AWS has it.
  if (const KeyPairInfo* key = name ? key_pairs_.find(*name) : nullptr) {
    result.KeyPairId = key->KeyPairId;
    network_.tags.erase_all(*key->KeyPairId);
    key_pairs_.erase(*name);
  }
  return unless_dry_run(request, std::move(result));
}

}  // namespace brume::ec2
