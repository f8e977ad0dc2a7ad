// What shipping a line costs in an instance: processor time of the agent, and of rsyslog's imfile beside it.
//
//   agent_bench --folder FOLDER [--lines N] [--rsyslogd PROGRAM]
//
// A log of N lines of 200 bytes (access log and JSON) is there before either starts. The agent's own code ships it to a
// sink in this process, which answers 200 to each call (the sink's own time is another thread's and is left out).
// rsyslog reads the same file with imfile and sends each line to a UDP port, which is the cheapest that it can do; its
// processor time is from /proc. Prints the table.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "arguments.h"
#include "compute/agent/posix_world.h"
#include "compute/agent/shipper.h"
#include "measure.h"
#include "process.h"

namespace brume::bench {
namespace {

// A server that takes requests and answers 200 with {}.
class Sink {
 public:
  Sink() {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(fd_, 8) != 0 ||
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      give_up("no socket for the sink");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Sink() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::size_t calls() const { return calls_; }

 private:
  void serve() {
    for (int client; (client = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0; ::close(client)) {
      std::string bytes;
      std::vector<char> buffer(1 << 20);
      for (ssize_t n; (n = ::recv(client, buffer.data(), buffer.size(), 0)) > 0;) {
        bytes.append(buffer.data(), std::size_t(n));
        const std::size_t head = bytes.find("\r\n\r\n"), at = bytes.find("Content-Length: ");
        if (head == std::string::npos || at == std::string::npos) continue;
        const std::size_t whole = head + 4 + std::stoul(bytes.substr(at + 16));
        if (bytes.size() < whole) continue;
        bytes.erase(0, whole);
        ++calls_;
        static constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        if (::send(client, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL) < 0) break;
      }
    }
  }

  int fd_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<std::size_t> calls_ = 0;
  std::thread thread_;
};

std::string access_line(int number) {
  std::string line = fmt::format(
      "2026-11-28 10:{:02}:{:02} 10.0.3.{} \"GET /orders/{}?page=2 HTTP/1.1\" 200 {} 0.00{} \"Mozilla/5.0 (X11; Linux "
      "x86_64) AppleWebKit/537.36\"",
      number / 60 % 60, number % 60, number % 250, number, number % 9000, number % 10);
  line.resize(199, '-');
  return line + "\n";
}

std::string json_line(int number) {
  std::string line = fmt::format(
      R"({{"time":"2026-11-28T10:{:02}:{:02}Z","level":"info","order":{},"message":"taken","path":"/orders/{}","filler":")",
      number / 60 % 60, number % 60, number, number);
  line.resize(197, 'x');
  return line + "\"}\n";
}

void write_log(const std::string& path, int lines, std::string (*line)(int)) {
  std::ofstream out(path, std::ios::trunc);
  for (int i = 0; i < lines; ++i) out << line(i);
  out.flush();
  if (!out) give_up("cannot write " + path);
}

double ship(const std::string& folder, const std::string& path, int lines, const agent::FileEntry& how) {
  Sink sink;
  agent::Cloud cloud({.address = INADDR_LOOPBACK, .port = sink.port()}, "eu-west-1", true,
                     {"AKID", "secret", "", Timestamp(std::chrono::hours(24 * 365 * 100))});
  const std::string states = folder + "/state";
  std::filesystem::remove_all(states);
  agent::PosixWorld world(states, cloud, [](const std::string& line) { give_up(line); });
  agent::Notices notices([&](const std::string& line) { world.say(line); });
  agent::Config config;
  config.files = {how};
  config.files[0].key = config.files[0].file_path = path;
  config.files[0].log_group_name = "bench";
  config.files[0].log_stream_name = "bench";
  const double before = thread_cpu_ns();
  agent::Shipper shipper(config, {}, states, world, notices);
  shipper.step();
  shipper.finish();
  const double used = thread_cpu_ns() - before;
  if (sink.calls() < std::size_t(lines) / 10'000) give_up("not all was shipped");
  return used / lines / 1000;
}

double rsyslog(const std::string& folder, const std::string& path, int lines, const std::string& program) {
  const int port = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const int buffer = 64 << 20;
  ::setsockopt(port, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
  if (::bind(port, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(port, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    give_up("no socket for rsyslog");
  const std::string work = folder + "/rsyslog";
  std::filesystem::remove_all(work);
  std::filesystem::create_directories(work);
  std::ofstream(work + "/conf") << fmt::format(
      "global(workDirectory=\"{0}\")\nmodule(load=\"imfile\")\ninput(type=\"imfile\" File=\"{1}\" Tag=\"b\" "
      "ruleset=\"out\")\nruleset(name=\"out\") {{ action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{2}\" "
      "protocol=\"udp\") }}\n",
      work, path, ntohs(address.sin_port));
  Process server({program, "-n", "-f", work + "/conf", "-i", work + "/pid"}, work + "/log");
  // It has come to the end when it uses no more.
  double used = 0, last = -1;
  for (int still = 0; still < 4; still = used == last && used > 0 ? still + 1 : 0) {
    last = used;
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    if (server.ended()) give_up("rsyslogd ended; see " + work + "/log");
    used = cpu_ms(server.pid());
  }
  ::close(port);
  return used * 1000 / lines;
}

int run(int argc, char** argv) {
  const Arguments arguments(argc, argv);
  const std::string folder = arguments.get("folder");
  const int lines = std::stoi(arguments.get("lines", "300000"));
  const std::string program = arguments.get("rsyslogd", "/usr/sbin/rsyslogd");
  agent::FileEntry plain, timed;
  timed.timestamp_format = "%Y-%m-%d %H:%M:%S";
  timed.utc = true;
  agent::FileEntry filtered = timed;
  filtered.filters = {{false, "GET /health"}};
  const std::string access = folder + "/access.log", json = folder + "/json.log";
  write_log(access, lines, &access_line);
  write_log(json, lines, &json_line);
  print_row({"shipping a line of 200 bytes", "processor µs"});
  print_row({"---", "---:"});
  const auto row = [](const std::string& name, double value) { print_row({name, fmt::format("{:.2f}", value)}); };
  row("agent, access log", ship(folder, access, lines, plain));
  row("agent, access log, its times read", ship(folder, access, lines, timed));
  row("agent, access log, its times read, a filter", ship(folder, access, lines, filtered));
  row("agent, JSON log", ship(folder, json, lines, plain));
  if (::access(program.c_str(), X_OK) == 0)
    row("rsyslog, imfile to UDP", rsyslog(folder, access, lines, program));
  else
    print_row({"rsyslog", "not installed"});
  return 0;
}

}  // namespace
}  // namespace brume::bench

int main(int argc, char** argv) {
  return brume::bench::run(argc, argv);
}
