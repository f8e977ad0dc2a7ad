// What queries of Logs Insights cost on one core: text that is scanned a second.
//
//   insights_bench [--records N]
//
// In this process: N log events of 200 bytes (a web server's log as text and as JSON, VPC flow logs), one in a hundred
// of which is an error, added to a run of each query. The floor is what memory allows: a search for a text in each
// message. Prints the table.
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "arguments.h"
#include "services/logs/insights/query.h"

namespace brume::bench {
namespace {

namespace insights = logs::insights;

constexpr std::int64_t kStart = 1'767'225'600'000;

struct Log {
  std::vector<std::string> messages;
  double bytes = 0;
};

const char* level(int i) {
  return i % 100 == 7 ? "ERROR" : "INFO";
}
std::string text_line(int i) {
  return fmt::format(
      "2026-01-01T00:00:00Z {} request={:08x} user=u{} method=GET path=/api/v1/items/{} status={} took={} ms: done",
      level(i), i * 2654435761U, i % 1000, i % 5000, i % 100 == 7 ? 500 : 200, i % 977);
}
std::string json_line(int i) {
  return fmt::format(
      R"({{"time":"2026-01-01T00:00:00Z","level":"{}","request":{{"id":"{:08x}","method":"GET","path":"/api/v1/items/{}"}},"user":"u{}","status":{},"took":{}}})",
      level(i), i * 2654435761U, i % 5000, i % 1000, i % 100 == 7 ? 500 : 200, i % 977);
}
std::string flow_line(int i) {
  return fmt::format("2 123456789012 eni-{:017x} 10.0.{}.{} 10.1.0.1 {} 443 6 {} {} 1767225600 1767225660 ACCEPT OK",
                     i % 50, i % 7, i % 200, 1024 + i % 30000, 1 + i % 40, 40 + i % 9000);
}

Log make(int records, std::string (*line)(int)) {
  Log out;
  for (int i = 0; i < records; ++i) {
    out.messages.push_back(line(i));
    // A flow log's record is what it is, and shorter.
    if (line != flow_line) out.messages.back().resize(std::max<std::size_t>(200, out.messages.back().size()), ' ');
    out.bytes += double(out.messages.back().size());
  }
  return out;
}
void measure(const Log& log, const std::string& name, const std::string& text) {
  const insights::Query query = must(insights::Query::parse(text, Timestamp()));
  insights::Run run(query);
  const double before = own_cpu_ms();
  std::int64_t time = kStart;
  for (const std::string& message : log.messages) {
    // Oldest first, so that no query ends early.
    time += 10;
    run.add({time, time, message, "stream", "123456789012:group", "pointer"});
  }
  const std::size_t rows = must(run.rows()).size();
  const double ms = own_cpu_ms() - before;
  // As a table of Markdown wants it.
  std::string cell;
  for (const char c : text) cell += c == '|' ? std::string("\\|") : std::string(1, c);
  print_row({name, cell, fmt::format("{:.0f}", log.bytes / ms / 1e3),
             fmt::format("{:.0f}", ms * 1e6 / double(log.messages.size())), fmt::format("{}", rows)});
}

int run(const Arguments& arguments) {
  const int records = std::stoi(arguments.get("records", "500000"));
  const Log text = make(records, text_line), json = make(records, json_line), flow = make(records, flow_line);
  std::puts("| log | query | MB a second | ns a record | rows |\n|---|---|---|---|---|");
  std::size_t found = 0;
  const double before = own_cpu_ms();
  for (const std::string& message : text.messages)
    if (::memmem(message.data(), message.size(), "ERROR", 5) != nullptr) ++found;
  const double ms = own_cpu_ms() - before;
  print_row({"text", "memmem alone", fmt::format("{:.0f}", text.bytes / ms / 1e3),
             fmt::format("{:.0f}", ms * 1e6 / records), fmt::format("{}", found)});
  for (const char* query :
       {"filter @message like /ERROR/ | stats count(*) by bin(5m)", "stats count(*) by bin(5m)",
        "filter @message like /(?i)error/ | stats count(*)",
        "filter @message like /status=5\\d\\d/ | stats count(*) by bin(5m)",
        "parse @message \"user=* method=* path=* status=* took=* ms\" as user, method, path, status, took "
        "| stats avg(took), pct(took, 99) by status",
        "parse @message /user=(?<user>\\S+) .* took=(?<took>\\d+)/ | stats max(took) by user",
        "fields @timestamp, @message | sort @timestamp desc | limit 100"})
    measure(text, "text", query);
  for (const char* query :
       {"filter level = 'ERROR' | stats count(*) by bin(5m)", "filter status >= 500 | stats count(*) by bin(5m)",
        "stats count(*), avg(took), pct(took, 99) by request.method, status", "stats count_distinct(user) by bin(1h)",
        "fields user, took | sort took desc | limit 100"})
    measure(json, "JSON", query);
  for (const char* query : {"stats sum(bytes) as b by srcAddr, dstAddr | sort b desc | limit 15",
                            "filter isIpv4InSubnet(srcAddr, '10.0.3.0/24') | stats count(*) by dstPort"})
    measure(flow, "flow", query);
  return 0;
}

}  // namespace
}  // namespace brume::bench

int main(int argc, char** argv) {
  return brume::bench::run(brume::bench::Arguments(argc, argv));
}
