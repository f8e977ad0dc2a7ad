// The HTTP server and the generated client against each other, over loopback.
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "aws/client.h"
#include "aws/dispatcher.h"
#include "aws/http_server.h"
#include "env/real.h"
#include "ssm/api.h"
#include "store/memory_backend.h"
#include "sts/api.h"

namespace brume::aws {
namespace {

const Credentials kKeys{
    .access_key = "AKIDTEST", .secret_key = "secret", .principal_arn = "arn:aws:iam::000000000000:root"};

class FakeSts : public sts::Api {
 public:
  Result<sts::GetCallerIdentityResponse> GetCallerIdentity(const Call& call,
                                                           const sts::GetCallerIdentityRequest&) override {
    sts::GetCallerIdentityResponse result;
    result.Arn = call.principal_arn;
    result.UserId = call.source_address + " " + call.region;
    return result;
  }
};

HttpAnswer health_answer(const HttpRequest&) {
  return {200, {{"Content-Type", "application/json"}}, R"({"status":"running"})"};
}

class HttpTest : public testing::Test {
 protected:
  HttpTest() {
    dispatcher.add(sts::model(), [this](const std::string&) -> Result<void*> { return static_cast<sts::Api*>(&sts); });
    dispatcher.add(ssm::model(), [this](const std::string&) -> Result<void*> { return static_cast<ssm::Api*>(&ssm); });
    HttpServer::Options options{.port = 0};
    options.body_limit = 10000;
    options.header_limit = 4096;
    server = *HttpServer::start(world.io(), options, [this](HttpRequest r, auto respond) {
      dispatcher.handle(std::move(r), std::move(respond));
    });
    server->route("/health", health_answer);
    loop = std::thread([this] { world.run(); });
  }
  ~HttpTest() override {
    world.stop();
    loop.join();
  }

  [[nodiscard]] std::string endpoint() const { return "http://127.0.0.1:" + std::to_string(server->port()); }

  // Sends bytes as they are and reads until the server closes or has said `until`.
  [[nodiscard]] std::string raw(const std::string& bytes, const std::string& until = "\r\n\r\nnever") const {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server->port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::string answer;
    if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
        ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0) {
      char buffer[4096];
      for (ssize_t n; answer.find(until) == std::string::npos && (n = recv(fd, buffer, sizeof buffer, 0)) > 0;)
        answer.append(buffer, std::size_t(n));
    }
    close(fd);
    return answer;
  }

  env::RealEnv world{1};
  store::MemoryBackend backend;
  store::Store store{backend};
  FakeSts sts;
  ssm::Api ssm;
  Dispatcher dispatcher{world.env(), store, [](std::string_view key) {
                          return key == kKeys.access_key ? std::optional(kKeys) : std::nullopt;
                        }};
  std::unique_ptr<HttpServer> server;
  std::thread loop;
};

TEST_F(HttpTest, GeneratedClientsCallIt) {
  HttpTransport transport({.endpoint = endpoint(), .credentials = kKeys, .region = "eu-west-1"});
  sts::Client sts_client(transport);
  const auto identity = sts_client.GetCallerIdentity({}, {});
  ASSERT_TRUE(identity) << identity.error().message;
  EXPECT_EQ(identity->Arn, kKeys.principal_arn);
  EXPECT_EQ(identity->UserId, "127.0.0.1 eu-west-1");
  ssm::Client ssm_client(transport);
  ssm::GetParameterRequest request;
  request.Name = "x";
  const auto parameter = ssm_client.GetParameter({.region = "us-east-1"}, request);
  ASSERT_FALSE(parameter);
  EXPECT_EQ(parameter.error().code, "NotImplemented");
  EXPECT_EQ(parameter.error().status, 501);
}

TEST_F(HttpTest, NobodyThere) {
  HttpTransport transport({.endpoint = "http://127.0.0.1:1", .credentials = kKeys, .region = "r"});
  const auto identity = sts::Client(transport).GetCallerIdentity({}, {});
  ASSERT_FALSE(identity);
  EXPECT_EQ(identity.error().code, "EndpointConnectionError");
}

TEST_F(HttpTest, ThePortIsTaken) {
  HttpServer::Options options{.port = server->port()};
  env::RealEnv other(1);
  const auto second = HttpServer::start(other.io(), options, [](const HttpRequest&, const auto&) {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, "PortInUse");
}

TEST_F(HttpTest, Health) {
  const auto answer = http_exchange(endpoint(), {.method = "GET", .target = "/health", .headers = {{"Host", "x"}}},
                                    std::chrono::seconds(5));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, R"({"status":"running"})");
}

TEST_F(HttpTest, KeepsConnectionsAlive) {
  const std::string one = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n",
                    last = "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  const std::string answer = raw(one + one + last);
  std::size_t count = 0;
  for (std::size_t at = 0; (at = answer.find("200 OK", at)) != std::string::npos; ++at) ++count;
  EXPECT_EQ(count, 3u) << answer;
}

TEST_F(HttpTest, ContinuesWhenAsked) {
  EXPECT_TRUE(
      raw("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n", "100 Continue\r\n\r\n")
          .starts_with("HTTP/1.1 100 Continue"));
}

TEST_F(HttpTest, RefusesWhatIsTooMuchOrNotHttp) {
  EXPECT_TRUE(raw("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n").starts_with("HTTP/1.1 413"));
  EXPECT_TRUE(
      raw("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(8000, 'a') + "\r\n\r\n").starts_with("HTTP/1.1 431"));
  EXPECT_TRUE(raw("nonsense\r\n\r\n").starts_with("HTTP/1.1 400"));
  EXPECT_TRUE(raw("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")
                  .starts_with("HTTP/1.1 400"));
}

}  // namespace
}  // namespace brume::aws
