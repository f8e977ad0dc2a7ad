// One keep-alive connection to a server on 127.0.0.1, and the transport below generated Clients that uses it.
//
// Opens the connection anew when the server has closed it (Python's servers do after each answer). Understands what the
// servers measured here send: Content-Length, chunks, or a body that ends with the connection. Blocks; one request at a
// time.
#pragma once

#include <cstdint>
#include <string>

#include "aws/client.h"

namespace brume::bench {

class Connection {
 public:
  explicit Connection(std::uint16_t port) : port_(port) {}
  ~Connection() { close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Error: EndpointConnectionError.
  Result<aws::HttpAnswer> exchange(const aws::HttpRequest& request);
  [[nodiscard]] std::string authority() const { return fmt::format("127.0.0.1:{}", port_); }
  [[nodiscard]] std::uint64_t opened() const { return opened_; }

 private:
  Result<void> open();
  void close();
  Result<aws::HttpAnswer> read_answer();
  // Appends what has come to `buffer_`; false at the end of the stream. Error: of the socket.
  Result<bool> receive();

  std::uint16_t port_;
  int fd_ = -1;
  std::uint64_t opened_ = 0;
  std::string buffer_;
};

class ConnectionTransport : public aws::Transport {
 public:
  ConnectionTransport(std::uint16_t port, aws::Credentials credentials, std::string region)
      : connection_(port), credentials_(std::move(credentials)), region_(std::move(region)) {}
  Result<void> send(const aws::ServiceModel& service, const aws::Operation& operation, const aws::Call& call,
                    const void* input, void* output) override;

 private:
  Connection connection_;
  aws::Credentials credentials_;
  std::string region_;
};

// Adds Host and signature, as of now.
void sign_now(aws::HttpRequest& request, const std::string& authority, const aws::Credentials& credentials,
              std::string_view region, std::string_view service);

}  // namespace brume::bench
