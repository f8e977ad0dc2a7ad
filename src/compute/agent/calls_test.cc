// What goes over the wire, and what comes back.
#include <gtest/gtest.h>

#include "compute/agent/answer.h"
#include "compute/agent/role_keys.h"
#include "compute/agent/signer.h"

namespace brume::agent {
namespace {

std::string hex(const Digest& digest) {
  std::string out;
  for (const unsigned char byte : digest) out += fmt::format("{:02x}", byte);
  return out;
}

TEST(Signer, PublishedVectors) {
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  // RFC 4231, test cases 2 and 6.
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex(hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Signer, AsBotocoreSigns) {
  const Keys keys{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "token/with+signs=", {}};
  const Call call{"169.254.169.254:4566", "eu-west-1", "logs", "Logs_20140328.PutLogEvents",
                  "application/x-amz-json-1.1"};
  const std::string head =
      signed_head(call, R"({"logGroupName":"g"})", keys, parse_iso8601("2026-11-28T10:15:30.9Z").value());
  EXPECT_NE(head.find("Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261128/eu-west-1/logs/aws4_request, "
                      "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, "
                      "Signature=343b37f02797cea8e335b72f6190e46e552dbf68498a3126cb0f5b5567b630e2\r\n"),
            std::string::npos)
      << head;
}

TEST(Answer, WhatFollows) {
  struct Case {
    int status;
    const char* body;
    Outcome wanted;
  };
  const Case cases[] = {
      {200, "{}", Outcome::accepted},
      {400, R"({"__type":"ResourceNotFoundException","message":"x"})", Outcome::absent},
      {400, R"({"__type":"com.amazonaws.logs#DataAlreadyAcceptedException"})", Outcome::accepted},
      {400, R"({"__type":"ResourceAlreadyExistsException"})", Outcome::accepted},
      {400, R"({"__type":"InvalidParameterException"})", Outcome::refused},
      {413, "", Outcome::refused},
      {400, R"({"__type":"AccessDeniedException","Message":"no"})", Outcome::denied},
      {403, R"({"__type":"ExpiredTokenException"})", Outcome::expired},
      {400, R"({"__type":"ThrottlingException"})", Outcome::later},
      {400, R"({"__type":"OperationAbortedException"})", Outcome::later},
      {500, "<html>", Outcome::later},
      {501, R"({"__type":"NotImplemented"})", Outcome::later},
  };
  for (const Case& one : cases) EXPECT_EQ(outcome(read_answer(one.status, "", one.body)), one.wanted) << one.body;
  EXPECT_EQ(outcome({.status = 0, .code = "NoCredentials", .message = {}, .body = {}}), Outcome::denied);
  EXPECT_EQ(outcome({.status = 0, .code = "Unreachable", .message = {}, .body = {}}), Outcome::later);
  EXPECT_EQ(describe(read_answer(400, "", "{\"__type\":\"a#Code\",\"message\":\"two\\nlines\"}")), "Code: two lines");
  EXPECT_EQ(rejected_events(R"({"rejectedLogEventsInfo":{"tooOldLogEventEndIndex":3,"tooNewLogEventStartIndex":7}})"),
            "too old: those before number 3, too far ahead: those from number 7");
  EXPECT_EQ(rejected_events("{}"), "");
}

TEST(RoleKeys, AreReadAndBecomeStale) {
  const auto keys = read_role_keys(R"({"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"ASIA","SecretAccessKey":"s",
    "Token":"t","Expiration":"2026-11-28T16:00:00Z"})");
  ASSERT_TRUE(keys);
  EXPECT_FALSE(are_stale(*keys, parse_iso8601("2026-11-28T15:54:59Z").value()));
  EXPECT_TRUE(are_stale(*keys, parse_iso8601("2026-11-28T15:55:00Z").value()));
  EXPECT_TRUE(are_stale({}, Timestamp()));
  EXPECT_EQ(read_role_keys(R"({"Code":"AssumeRoleUnauthorizedAccess","Message":"no trust"})").error().message,
            "the role gives no keys: AssumeRoleUnauthorizedAccess no trust");
  for (const char* broken : {"", "x", "{}", R"({"Code":"Success"})"})
    EXPECT_EQ(read_role_keys(broken).error().code, "NoCredentials");
}

TEST(Endpoint, AddressesWithoutTls) {
  EXPECT_EQ(read_endpoint("http://192.0.2.1:4566/")->host(), "192.0.2.1:4566");
  EXPECT_EQ(read_endpoint("192.0.2.1")->host(), "192.0.2.1:80");
  for (const char* other : {"", "https://192.0.2.1", "logs.eu-west-1.amazonaws.com", "http://1.2.3", "http://1.2.3.4:0",
                            "http://1.2.3.4:70000", "http://1.2.3.400", "http://1.2.3.4/path"})
    EXPECT_FALSE(read_endpoint(other)) << other;
}

}  // namespace
}  // namespace brume::agent
