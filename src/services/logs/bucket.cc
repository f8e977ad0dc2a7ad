#include "services/logs/bucket.h"

#include <vector>

#include <pugixml.hpp>

#include "base/percent.h"

namespace brume::logs {
namespace {

constexpr int kAttempts = 3;

std::string target_of(std::string_view bucket, std::string_view key) {
  return fmt::format("/{}/{}", bucket, percent_encode(key, "/"));
}

}  // namespace

Result<std::string> Bucket::call(const char* method, const std::string& target, std::string_view body) const {
  for (int attempt = 1;; ++attempt) {
    aws::HttpRequest request{.method = method, .target = target, .headers = {}, .body = std::string(body), .peer = {}};
    auto answer = calls_.send("s3", region_, std::move(request));
    if (answer && answer->status >= 200 && answer->status <= 299) return std::move(answer->body);
    const bool passing = answer ? answer->status >= 500 : answer.error().code == "EndpointConnectionError";
    if (passing && attempt < kAttempts) continue;
    if (!answer) return std::unexpected(std::move(answer).error());
    pugi::xml_document document;
    document.load_string(answer->body.c_str());
    const pugi::xml_node error = document.child("Error");
    return fail("InvalidParameterException", "{} {}: {} {} {}", method, target.substr(0, target.find('?')),
                answer->status, error.child_value("Code"), error.child_value("Message"));
  }
}

Result<void> Bucket::put(std::string_view key, std::string_view bytes) const {
  BRUME_CHECK(call("PUT", target_of(name_, key), bytes));
  return {};
}

Result<void> Bucket::remove_all(std::string_view prefix) const {
  const std::string list = fmt::format("/{}?list-type=2&prefix={}", name_, percent_encode(prefix));
  while (true) {
    BRUME_TRY(listed, call("GET", list, ""));
    pugi::xml_document document;
    document.load_string(listed.c_str());
    std::vector<std::string> keys;
    for (const pugi::xml_node object : document.child("ListBucketResult").children("Contents"))
      keys.emplace_back(object.child_value("Key"));
    if (keys.empty()) return {};
    for (const std::string& key : keys) BRUME_CHECK(call("DELETE", target_of(name_, key), ""));
  }
}

}  // namespace brume::logs
