#include "net/metadata_service.h"

#include <gtest/gtest.h>

#include "env/sim.h"

namespace brume::net {
namespace {

using namespace std::chrono_literals;

class MetadataServiceTest : public testing::Test {
 protected:
  MetadataServiceTest() {
    instance_.instance_id = "i-1";
    instance_.interfaces.push_back({.id = "eni-1", .mac = "02:00:00:00:00:07"});
  }
  MetadataResponse ask(const std::string& head) {
    const auto request = parse_metadata_request(head);
    return request ? answer_metadata(*request, instance_, tokens_) : metadata_failure(400);
  }
  MetadataResponse get(const std::string& path, const std::string& headers = "") {
    return ask("GET " + path + " HTTP/1.1\r\nHost: 169.254.169.254\r\n" + headers + "\r\n");
  }
  MetadataResponse put_token(const std::string& headers) {
    return ask("PUT /latest/api/token HTTP/1.1\r\n" + headers + "\r\n");
  }
  std::string token(int seconds = 60) {
    return put_token(fmt::format("X-aws-ec2-metadata-token-ttl-seconds: {}\r\n", seconds)).body;
  }
  static std::string with(const std::string& token) { return "X-aws-ec2-metadata-token: " + token + "\r\n"; }

  env::SimEnv env_;
  MetadataTokens tokens_{std::string(32, 'k'), env_.clock, env_.random};
  InstanceMetadata instance_;
};

constexpr const char* id_path = "/latest/meta-data/instance-id";

TEST_F(MetadataServiceTest, NeedsATokenUnlessOptional) {
  EXPECT_EQ(get(id_path).status, 401);
  const MetadataResponse answer = get(id_path, with(token()));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "i-1");
  EXPECT_EQ(answer.token_left, 60s);
  instance_.options.tokens_required = false;
  EXPECT_EQ(get(id_path).status, 200);
  EXPECT_FALSE(get(id_path).token_left);
  EXPECT_EQ(get(id_path, with("bad")).status, 401) << "a bad token is refused all the same";
}

TEST_F(MetadataServiceTest, GivesTokensForOneSecondToSixHours) {
  const std::pair<const char*, int> rows[] = {{"1", 200},   {"21600", 200},       {"0", 400},   {"21601", 400},
                                              {"-1", 400},  {"+5", 400},          {"5s", 400},  {"", 400},
                                              {"5.0", 400}, {"99999999999", 400}, {" 60 ", 200}};
  for (const auto& [ttl, status] : rows)
    EXPECT_EQ(put_token(fmt::format("x-AWS-ec2-metadata-token-TTL-seconds:{}\r\n", ttl)).status, status) << ttl;
  EXPECT_EQ(put_token("").status, 400);
  EXPECT_EQ(put_token("X-Forwarded-For: 10.0.0.1\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\n").status, 403);
  const MetadataResponse refused = get("/latest/api/token");
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(refused.allow, "OPTIONS, PUT");
}

TEST_F(MetadataServiceTest, SendsTokensNoFurtherThanTheHopLimit) {
  instance_.options.hop_limit = 2;
  EXPECT_EQ(put_token("X-aws-ec2-metadata-token-ttl-seconds: 60\r\n").hop_limit, 2);
  EXPECT_FALSE(get(id_path, with(token())).hop_limit);
}

TEST_F(MetadataServiceTest, TokensEndOnTheClock) {
  const std::string short_lived = token(10), other = token(20);
  EXPECT_EQ(short_lived.size(), 56U);
  env_.loop.run_for(9500ms);
  EXPECT_EQ(get(id_path, with(short_lived)).token_left, 1s);
  env_.loop.run_for(500ms);
  EXPECT_EQ(get(id_path, with(short_lived)).status, 401);
  EXPECT_EQ(get(id_path, with(other)).token_left, 10s);
}

TEST_F(MetadataServiceTest, TokensAreOfOneInstanceAndOneKey) {
  const std::string own = token();
  const MetadataTokens restarted(std::string(32, 'k'), env_.clock, env_.random);
  EXPECT_EQ(restarted.remaining("i-1", own), 60s) << "a restart of the daemon keeps them";
  EXPECT_FALSE(restarted.remaining("i-2", own));
  EXPECT_FALSE(MetadataTokens(std::string(32, 'x'), env_.clock, env_.random).remaining("i-1", own));
  EXPECT_NE(token(), token());
  for (std::size_t i = 0; i < 53; ++i) {  // the last significant character carries spare bits
    std::string forged = own;
    forged[i] = forged[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(tokens_.remaining("i-1", forged)) << i;
  }
  for (const std::string& wrong : {std::string(), own + "A", own.substr(1), std::string(56, '=')})
    EXPECT_FALSE(tokens_.remaining("i-1", wrong)) << wrong;
}

TEST_F(MetadataServiceTest, RefusesWhatItDoesNotServe) {
  EXPECT_EQ(get("/latest/meta-data/nothing", with(token())).status, 404);
  EXPECT_EQ(ask(std::string("POST ") + id_path + " HTTP/1.1\r\n\r\n").status, 405);
  EXPECT_EQ(ask(std::string("DELETE ") + id_path + " HTTP/1.1\r\n\r\n").allow, "GET, HEAD");
  const auto request = parse_metadata_request("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(answer_metadata(*request, {}, tokens_).status, 404) << "nobody's address";
  const std::string valid = token();
  instance_.options.endpoint_enabled = false;
  EXPECT_EQ(get(id_path, with(valid)).status, 403);
  EXPECT_EQ(put_token("X-aws-ec2-metadata-token-ttl-seconds: 60\r\n").status, 403);
}

TEST_F(MetadataServiceTest, WritesAResponse) {
  MetadataResponse response;
  response.body = "i-1";
  response.token_left = 60s;
  EXPECT_EQ(to_http(response, env_.clock.wall()),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nAccept-Ranges: none\r\nContent-Length: 3\r\n"
            "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\nServer: EC2ws\r\nConnection: close\r\n"
            "X-Aws-Ec2-Metadata-Token-Ttl-Seconds: 60\r\n\r\ni-1");
  response.without_body = true;
  EXPECT_TRUE(to_http(response, env_.clock.wall()).ends_with("60\r\n\r\n"));
}

TEST(MetadataRequestTest, ReadsRequests) {
  const auto request = parse_metadata_request(
      "GET /latest/meta%2Ddata/?x=%2 HTTP/1.0\r\nhost: a\r\nX-AWS-EC2-Metadata-Token:  abc "
      "\r\nX-Forwarded-For:\r\n\r\n");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->method, "GET");
  EXPECT_EQ(request->path, "/latest/meta-data/");
  EXPECT_EQ(request->token, "abc");
  EXPECT_TRUE(request->forwarded);
  EXPECT_FALSE(request->ttl);
  EXPECT_EQ(parse_metadata_request("GET http://169.254.169.254/latest HTTP/1.1\r\n\r\n")->path, "/latest");
  EXPECT_EQ(parse_metadata_request("GET http://169.254.169.254 HTTP/1.1\r\n\r\n")->path, "/");
}

TEST(MetadataRequestTest, RefusesWhatIsMalformed) {
  for (const char* head : {"",
                           "\r\n",
                           "GET\r\n\r\n",
                           "GET /\r\n\r\n",
                           "GET / HTTP/2.0\r\n\r\n",
                           "GET  HTTP/1.1\r\n\r\n",
                           "G@T / HTTP/1.1\r\n\r\n",
                           "GET latest HTTP/1.1\r\n\r\n",
                           "GET /a b HTTP/1.1\r\n\r\n",
                           "GET /%0 HTTP/1.1\r\n\r\n",
                           "GET /%zz HTTP/1.1\r\n\r\n",
                           "GET /%00 HTTP/1.1\r\n\r\n",
                           "GET / HTTP/1.1\r\n",
                           "GET / HTTP/1.1\r\nHost\r\n\r\n",
                           "GET / HTTP/1.1\r\nHo st: a\r\n\r\n",
                           "GET / HTTP/1.1\r\n folded\r\n\r\n",
                           "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
                           "GET / HTTP/1.1\r\nA: \x01\r\n\r\n",
                           "GET / HTTP/1.1\r\n\r\nmore",
                           "GET / HTTP/1.1\r\nX-aws-ec2-metadata-token: a\r\nX-aws-ec2-metadata-token: b\r\n\r\n"})
    EXPECT_FALSE(parse_metadata_request(head)) << head;
}

}  // namespace
}  // namespace brume::net
