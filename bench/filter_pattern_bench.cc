// What it costs to ask a filter pattern about log events, and grep, or a tree of each event, about the same.
//
//   bench_filter_pattern --folder FOLDER [--events N]
//
// The events are in memory, one after the other; grep reads them from a file in FOLDER that the kernel has in memory.
// One thread, processor time. Gives up if grep counts others than the pattern. Prints the table itself.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <fstream>
#include <functional>

#include "arguments.h"
#include "services/logs/pattern/filter_pattern.h"

namespace brume::bench {
namespace {

struct Events {
  explicit Events(std::string name) : file(std::move(name)) {}
  void add(const std::string& event) { (text += event) += '\n'; }
  void write() const {
    if (!(std::ofstream(file, std::ios::binary) << text)) give_up("cannot write " + file);
  }
  template <typename Use>
  void each(Use use) const {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      use(std::string_view(text).substr(at, end - at));
      at = end + 1;
    }
  }

  std::string file, text;
  int count = 0;
};

// 200 bytes of words each; one in a hundred is an error, one in a thousand of those kept by two terms.
Events text_events(const std::string& folder, int count) {
  static constexpr const char* kWords[] = {"request", "finished", "Order", "in",   "INFO",
                                           "cache",   "for",      "the",   "user", "REST"};
  Events out(folder + "/text");
  out.count = count;
  for (int i = 0; i < count; ++i) {
    std::string event = fmt::format("2026-11-28T20:{:02}:{:02}.{:03}Z {} ", i / 60'000 % 60, i / 1000 % 60, i % 1000,
                                    i % 100 == 7 ? "ERROR" : "INFO");
    if (i % 1000 == 7) event += "TIMEOUT ";
    for (int word = i; event.size() < 190; ++word) (event += kWords[word * 7 % 10]) += ' ';
    event.resize(200, '.');
    out.add(event);
  }
  out.write();
  return out;
}

// Some 300 bytes of JSON each, as an application's logger writes them.
Events json_events(const std::string& folder, int count) {
  Events out(folder + "/json");
  out.count = count;
  for (int i = 0; i < count; ++i)
    out.add(fmt::format(
        R"({{"timestamp":"2026-11-28T20:{:02}:{:02}.{:03}Z","level":"{}","logger":"com.example.shop.OrderService","thread":)"
        R"("http-nio-8080-exec-{}","message":"request finished for the user and the cache was asked in between","http":)"
        R"({{"method":"GET","path":"/orders/{}","status":{}}},"tags":["shop","eu-west-1"],"latency":{}}})",
        i / 60'000 % 60, i / 1000 % 60, i % 1000, i % 100 == 7 ? "ERROR" : "INFO", i % 20, i, i % 100 == 7 ? 500 : 200,
        i % 1000));
  out.write();
  return out;
}

Events access_events(const std::string& folder, int count) {
  Events out(folder + "/access");
  out.count = count;
  for (int i = 0; i < count; ++i)
    out.add(
        fmt::format(R"(10.0.{}.{} - frank [28/Nov/2026:20:13:25 +0000] "GET /orders/{}/items.html HTTP/1.1" {} {} "-" )"
                    R"("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")",
                    i % 250, i % 199, i, i % 100 == 7 ? 503 : 200, i % 5000));
  out.write();
  return out;
}

void row(const Events& events, const std::string& who, const std::string& what, double ms, int matches) {
  print_row({events.file.substr(events.file.rfind('/') + 1), who, "`" + what + "`",
             fmt::format("{:.2f}", double(events.text.size()) / 1e6 / ms),
             fmt::format("{:.0f}", ms * 1e6 / events.count), fmt::format("{:.1f} %", matches * 100.0 / events.count)});
}

// The median of five turns.
int measure(const Events& events, const std::string& who, const std::string& what,
            const std::function<bool(std::string_view)>& matches) {
  std::vector<double> turns;
  int count = 0;
  for (int turn = 0; turn < 5; ++turn) {
    count = 0;
    const double before = own_cpu_ms();
    events.each([&](std::string_view event) { count += matches(event) ? 1 : 0; });
    turns.push_back(own_cpu_ms() - before);
  }
  row(events, who, what, median(turns), count);
  return count;
}

int ask_pattern(const Events& events, const std::string& text) {
  const logs::FilterPattern pattern = must(logs::FilterPattern::parse(text));
  return measure(events, "Brume", text, [&](std::string_view event) { return pattern.matches(event); });
}

// grep -c with these arguments, in the C locale; the median of five turns.
int ask_grep(const Events& events, const std::vector<std::string>& arguments) {
  std::vector<double> turns;
  std::string what = "grep -c", counted;
  for (const std::string& argument : arguments) what += " " + argument;
  for (int turn = 0; turn < 5; ++turn) {
    int output[2];
    if (pipe(output) != 0) give_up("no pipe");
    const pid_t child = fork();
    if (child == 0) {
      std::vector<const char*> argv = {"grep", "-c"};
      for (const std::string& argument : arguments) argv.push_back(argument.c_str());
      argv.push_back(events.file.c_str());
      argv.push_back(nullptr);
      dup2(output[1], 1);
      setenv("LC_ALL", "C", 1);
      execvp("grep", const_cast<char* const*>(argv.data()));
      _exit(127);
    }
    close(output[1]);
    char buffer[32] = {};
    const ssize_t size = read(output[0], buffer, sizeof buffer - 1);
    close(output[0]);
    rusage usage{};
    wait4(child, nullptr, 0, &usage);
    counted.assign(buffer, std::size_t(std::max<ssize_t>(size, 0)));
    const auto ms = [](const timeval& time) { return double(time.tv_sec) * 1e3 + double(time.tv_usec) / 1e3; };
    turns.push_back(ms(usage.ru_utime) + ms(usage.ru_stime));
  }
  const int count = std::atoi(counted.c_str());
  row(events, "GNU grep", what, median(turns), count);
  return count;
}

void same(int ours, int theirs) {
  if (ours != theirs) give_up(fmt::format("the pattern matches {} events, the peer {}", ours, theirs));
}
// A pattern beside a grep that has to count the same.
void beside_grep(const Events& events, const std::string& pattern, const std::vector<std::string>& arguments) {
  const int ours = ask_pattern(events, pattern);
  same(ours, ask_grep(events, arguments));
}

void measure_text(const Events& events) {
  beside_grep(events, "ERROR", {"-F", "ERROR"});
  ask_pattern(events, "ERROR TIMEOUT");
  beside_grep(events, "?ERROR ?WARN", {"-F", "-e", "ERROR", "-e", "WARN"});
  beside_grep(events, "-INFO", {"-v", "-F", "INFO"});
  beside_grep(events, "%E[A-Z]+R [A-Z]+%", {"-E", "E[A-Z]+R [A-Z]+"});
}

void measure_json(const Events& events) {
  // A tree of each event: what the scan saves.
  const auto beside_tree = [&](const std::string& pattern, const std::string& what,
                               const std::function<bool(const boost::json::object&)>& holds) {
    const int ours = ask_pattern(events, pattern);
    const int theirs = measure(events, "Boost.JSON's tree", what, [&](std::string_view event) {
      unsigned char memory[8192];
      boost::json::static_resource resource(memory);
      return holds(boost::json::parse(event, &resource).as_object());
    });
    same(ours, theirs);
  };
  beside_tree("{ $.level = \"ERROR\" }", "level is ERROR",
              [](const auto& event) { return event.at("level").as_string() == "ERROR"; });
  ask_pattern(events, "{ $.level = \"INFO\" }");
  ask_pattern(events, "{ $.level = E* && $.http.status >= 500 }");
  beside_tree("{ $.latency > 990 }", "latency above 990",
              [](const auto& event) { return event.at("latency").as_int64() > 990; });
  ask_pattern(events, "{ $.error NOT EXISTS }");
}

void measure_access(const Events& events) {
  beside_grep(events, "[ip, id, user, time, request, status = 5*, ...]",
              {"-E", "^[^ ]+ [^ ]+ [^ ]+ \\[[^]]*\\] \"[^\"]*\" 5"});
  ask_pattern(events, "[..., status, bytes > 4990, referrer, agent]");
}

}  // namespace
}  // namespace brume::bench

int main(int argc, char** argv) {
  using namespace brume::bench;
  const Arguments arguments(argc, argv);
  const std::string folder = arguments.get("folder");
  const int events = std::stoi(arguments.get("events", "500000"));
  print_row({"events", "who", "asked", "GB/s", "ns an event", "match"});
  print_row({"---", "---", "---", "---", "---", "---"});
  measure_text(text_events(folder, events));
  measure_json(json_events(folder, events));
  measure_access(access_events(folder, events));
}
