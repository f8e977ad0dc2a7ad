#include "compute/init/http_message.h"

#include <gtest/gtest.h>

namespace brume::init {
namespace {

TEST(HttpMessage, ReadsAResponseAsItComes) {
  const struct {
    const char* bytes;
    bool ended;
    Reading reading;
    int status;
    const char* body;
  } cases[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false, Reading::done, 200, "hello"},
      {"HTTP/1.1 200 OK\r\ncontent-length:5\r\n\r\nhello and more", false, Reading::done, 200, "hello"},
      {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", false, Reading::done, 404, ""},
      {"HTTP/1.0 200 OK\r\n\r\nuntil the end", true, Reading::done, 200, "until the end"},
      {"HTTP/1.0 200 OK\r\n\r\nuntil the end", false, Reading::more, 0, ""},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n", false,
       Reading::done, 200, "abc0123456789"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab", false, Reading::more, 0, ""},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", false, Reading::broken, 0, ""},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n", false, Reading::broken, 0, ""},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", false, Reading::more, 0, ""},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", true, Reading::broken, 0, ""},
      {"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", false, Reading::broken, 0, ""},
      {"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", false, Reading::broken, 0, ""},
      {"HTTP/1.1 2x0 OK\r\n\r\n", false, Reading::broken, 0, ""},
      {"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", false, Reading::broken, 0, ""},
      {"SSH-2.0\r\n\r\n", false, Reading::broken, 0, ""},
      {"HTTP/1.1 200 OK\r\n", false, Reading::more, 0, ""},
      {"", true, Reading::broken, 0, ""},
  };
  for (const auto& c : cases) {
    Response response;
    EXPECT_EQ(read_response(c.bytes, c.ended, response), c.reading) << c.bytes;
    EXPECT_EQ(response.status, c.status) << c.bytes;
    EXPECT_EQ(response.body, c.body) << c.bytes;
  }
}

TEST(HttpMessage, IsBounded) {
  Response response;
  EXPECT_EQ(read_response(std::string(kMaxResponse + 1, 'x'), false, response), Reading::broken);
  EXPECT_EQ(read_response("HTTP/1.1 200 OK\r\n\r\n" + std::string(kMaxResponse + 1, 'x'), false, response),
            Reading::broken);
}

TEST(HttpMessage, ARequestEndsTheConnection) {
  EXPECT_EQ(request("PUT", "/a", "X: y\r\n"),
            "PUT /a HTTP/1.1\r\nHost: 169.254.169.254\r\nUser-Agent: brume-init\r\nConnection: close\r\n"
            "Content-Length: 0\r\nX: y\r\n\r\n");
}

}  // namespace
}  // namespace brume::init
