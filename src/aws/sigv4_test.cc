// The signatures are those of AWS's published SigV4 test suite (AKIDEXAMPLE, us-east-1, "service",
// 2015-08-30T12:36:00Z).
#include "aws/sigv4.h"

#include <gtest/gtest.h>

namespace brume::aws {
namespace {

const Credentials kKeys{.access_key = "AKIDEXAMPLE", .secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};
const Timestamp kThen = *parse_basic_iso8601("20150830T123600Z");

struct Vector {
  const char* name;
  const char* method;
  const char* target;
  Headers extra;
  std::string body;
  const char* signature;
};

const Vector kVectors[] = {
    {"get-vanilla", "GET", "/", {}, "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-vanilla-query-order-key-case",
     "GET",
     "/?Param2=value2&Param1=value1",
     {},
     "",
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {"get-vanilla-empty-query-key",
     "GET",
     "/?Param1=value1",
     {},
     "",
     "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
    {"get-utf8", "GET", "/\xE1\x88\xB4", {}, "", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
    {"get-space", "GET", "/example space/", {}, "", "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
    {"get-unreserved",
     "GET",
     "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
     {},
     "",
     "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
    {"get-relative", "GET", "/example/..", {}, "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-slashes", "GET", "//example//", {}, "", "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
    {"get-header-value-trim",
     "GET",
     "/",
     {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}},
     "",
     "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {"post-vanilla", "POST", "/", {}, "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {"post-x-www-form-urlencoded",
     "POST",
     "/",
     {{"Content-Type", "application/x-www-form-urlencoded"}},
     "Param1=value1",
     "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
};

HttpRequest request_of(const Vector& v) {
  HttpRequest request{
      .method = v.method, .target = v.target, .headers = {{"Host", "example.amazonaws.com"}}, .body = v.body};
  request.headers.insert(request.headers.end(), v.extra.begin(), v.extra.end());
  return request;
}

TEST(SigV4, SignsAsPublished) {
  for (const Vector& v : kVectors) {
    HttpRequest request = request_of(v);
    sign_request(request, kKeys, "us-east-1", "service", kThen);
    const std::string& header = *find_header(request.headers, "Authorization");
    EXPECT_EQ(header.substr(header.find("Signature=") + 10), v.signature) << v.name;
  }
}

Result<void> verify(const HttpRequest& request, Timestamp now = kThen, const Credentials& keys = kKeys) {
  BRUME_TRY(authorization, parse_authorization(request));
  return verify_signature(request, authorization, keys, now);
}

std::string code_of(const Result<void>& result) {
  return result ? "" : result.error().code;
}

HttpRequest signed_request() {
  HttpRequest request = request_of(kVectors[10]);
  sign_request(request, kKeys, "us-east-1", "service", kThen);
  return request;
}

TEST(SigV4, VerifiesWhatItSigns) {
  for (const Vector& v : kVectors) {
    HttpRequest request = request_of(v);
    sign_request(request, kKeys, "us-east-1", "service", kThen);
    EXPECT_EQ(code_of(verify(request)), "") << v.name;
  }
  const auto authorization = parse_authorization(signed_request());
  ASSERT_TRUE(authorization);
  EXPECT_EQ(authorization->access_key, "AKIDEXAMPLE");
  EXPECT_EQ(authorization->region, "us-east-1");
  EXPECT_EQ(authorization->service, "service");
}

TEST(SigV4, AnyChangeIsNoticed) {
  const auto changed = [](auto&& change) {
    HttpRequest request = signed_request();
    change(request);
    return code_of(verify(request));
  };
  EXPECT_EQ(changed([](HttpRequest& r) { r.method = "GET"; }), "SignatureDoesNotMatch");
  EXPECT_EQ(changed([](HttpRequest& r) { r.target = "/other"; }), "SignatureDoesNotMatch");
  EXPECT_EQ(changed([](HttpRequest& r) { r.target = "/?x=1"; }), "SignatureDoesNotMatch");
  EXPECT_EQ(changed([](HttpRequest& r) { r.body += "&y"; }), "SignatureDoesNotMatch");
  EXPECT_EQ(changed([](HttpRequest& r) { r.headers[0].second = "evil"; }), "SignatureDoesNotMatch");
  EXPECT_EQ(changed([](HttpRequest& r) { r.headers.emplace_back("Host", "evil"); }), "SignatureDoesNotMatch");
  EXPECT_EQ(changed([](HttpRequest& r) { r.headers.emplace_back("X-Amz-Target", "A.B"); }), "SignatureDoesNotMatch");
  EXPECT_EQ(changed([](HttpRequest& r) { r.headers.back().second.back() ^= 1; }), "SignatureDoesNotMatch");
  EXPECT_EQ(changed([](HttpRequest& r) { r.headers.emplace_back("User-Agent", "x"); }), "");
}

TEST(SigV4, ClocksMayDifferByAQuarterOfAnHour) {
  const HttpRequest request = signed_request();
  using std::chrono::minutes, std::chrono::seconds;
  EXPECT_EQ(code_of(verify(request, kThen + minutes(15))), "");
  EXPECT_EQ(code_of(verify(request, kThen - minutes(15))), "");
  const auto late = verify(request, kThen + minutes(15) + seconds(1));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, "RequestExpired");
  EXPECT_EQ(late.error().message,
            "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T125101Z - 15 min.)");
  EXPECT_EQ(code_of(verify(request, kThen - minutes(16))), "RequestExpired");
}

TEST(SigV4, TheDeclaredHashMustBeTheBodys) {
  for (const char* declared :
       {"UNSIGNED-PAYLOAD", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}) {
    HttpRequest request{.target = "/", .headers = {{"Host", "h"}, {"X-Amz-Content-SHA256", declared}}};
    sign_request(request, kKeys, "r", "s", kThen);
    EXPECT_EQ(code_of(verify(request)), "") << declared;
    request.body = "x";
    EXPECT_EQ(code_of(verify(request)),
              std::string_view(declared) == "UNSIGNED-PAYLOAD" ? "" : "SignatureDoesNotMatch");
  }
}

TEST(SigV4, SessionTokensBelongToTheirKeys) {
  Credentials temporary = kKeys;
  temporary.session_token = "token";
  HttpRequest request{.target = "/", .headers = {{"Host", "h"}}};
  sign_request(request, temporary, "r", "s", kThen);
  EXPECT_EQ(code_of(verify(request, kThen, temporary)), "");
  EXPECT_EQ(code_of(verify(request, kThen, kKeys)), "InvalidClientTokenId");
  EXPECT_EQ(code_of(verify(signed_request(), kThen, temporary)), "InvalidClientTokenId");
}

TEST(SigV4, PresignedUrls) {
  Credentials temporary = kKeys;
  temporary.session_token = "a/token+=";
  using std::chrono::seconds;
  for (const Credentials& keys : {kKeys, temporary}) {
    HttpRequest request{
        .method = "GET", .target = "/?Action=GetCallerIdentity&Version=2011-06-15", .headers = {{"Host", "h"}}};
    presign_request(request, keys, "us-east-1", "sts", kThen, seconds(60));
    EXPECT_EQ(code_of(verify(request, kThen, keys)), "");
    EXPECT_EQ(code_of(verify(request, kThen + seconds(60), keys)), "");
    EXPECT_EQ(code_of(verify(request, kThen + seconds(61), keys)), "RequestExpired");
    HttpRequest other = request;
    other.target.replace(other.target.find("GetCaller"), 9, "SetCaller");
    EXPECT_EQ(code_of(verify(other, kThen, keys)), "SignatureDoesNotMatch");
    HttpRequest longer = request;
    longer.target.replace(longer.target.find("Expires=60"), 10, "Expires=604801");
    EXPECT_EQ(code_of(verify(longer, kThen, keys)), "IncompleteSignature");
  }
}

TEST(SigV4, WhatIsNoSignature) {
  const auto code = [](const char* authorization, bool date = true) {
    HttpRequest request{.headers = {{"Host", "h"}}};
    if (authorization) request.headers.emplace_back("Authorization", authorization);
    if (date) request.headers.emplace_back("X-Amz-Date", "20150830T123600Z");
    return code_of(verify(request));
  };
  EXPECT_EQ(code(nullptr), "MissingAuthenticationToken");
  EXPECT_EQ(code("Basic eDp5"), "IncompleteSignature");
  EXPECT_EQ(code("AWS4-HMAC-SHA256"), "IncompleteSignature");
  EXPECT_EQ(code("AWS4-HMAC-SHA256 Credential=A/20150830/r/s/aws4_request, SignedHeaders=host;x-amz-date"),
            "IncompleteSignature");
  EXPECT_EQ(code("AWS4-HMAC-SHA256 Credential=A/r/s/aws4_request, SignedHeaders=host, Signature=0"),
            "IncompleteSignature");
  EXPECT_EQ(code("AWS4-HMAC-SHA256 Credential=A/20150830/r/s/aws4_request, SignedHeaders=host;host, Signature=0"),
            "IncompleteSignature");
  EXPECT_EQ(code("AWS4-HMAC-SHA256 Credential=A/20150830/r/s/aws4_request, SignedHeaders=host, Signature=0", false),
            "IncompleteSignature");
  EXPECT_EQ(code("AWS4-HMAC-SHA256 Credential=A/20150830/r/s/aws4_request, SignedHeaders=x-amz-date, Signature=0"),
            "SignatureDoesNotMatch");
  EXPECT_EQ(code("AWS4-HMAC-SHA256 Credential=A/20150831/r/s/aws4_request, SignedHeaders=host;x-amz-date, Signature=0"),
            "SignatureDoesNotMatch");
}

// Amazon S3's documentation, "Example: PUT Object". The key is encoded once, and dots in one are no folders.
TEST(SigV4, S3SignsThePathAsItIsSent) {
  const Credentials keys{.access_key = "AKIAIOSFODNN7EXAMPLE",
                         .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};
  HttpRequest request{.method = "PUT",
                      .target = "/test%24file.text",
                      .headers = {{"Host", "examplebucket.s3.amazonaws.com"},
                                  {"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                                  {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                      .body = "Welcome to Amazon S3.",
                      .peer = {}};
  sign_request(request, keys, "us-east-1", "s3", *parse_basic_iso8601("20130524T000000Z"));
  EXPECT_TRUE(find_header(request.headers, "authorization")
                  ->ends_with("Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
}

}  // namespace
}  // namespace brume::aws
