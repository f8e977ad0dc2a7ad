#include "compute/agent/statsd.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "compute/agent/statsd_listener.h"

namespace brume::agent {
namespace {

Timestamp at(std::int64_t seconds) {
  return Timestamp(std::chrono::seconds(seconds));
}

// "name[type,tag=value,…]" to value, and how often it came.
using Told = std::map<std::string, std::vector<std::pair<double, double>>>;

Told told(const std::vector<Datum>& data) {
  Told out;
  for (const Datum& datum : data) {
    std::string name = datum.metric;
    for (const auto& [tag, value] : datum.dimensions) name += " " + (tag == "metric_type" ? value : tag + "=" + value);
    out[name] = datum.values;
  }
  return out;
}

Told told(const std::string& lines, const StatsdConfig& config = {}) {
  Statsd statsd(config);
  statsd.take(lines);
  EXPECT_EQ(statsd.lost(), Statsd::Lost()) << lines;
  statsd.collect(at(600));
  EXPECT_TRUE(statsd.take_data(at(659)).empty());
  return told(statsd.take_data(at(660)));
}

TEST(Statsd, CountersGaugesSetsTimings) {
  EXPECT_EQ(told("small.inc:1|c\nbig:100|c\r\n\n big:1|c \nbig:100000|c"),
            (Told{{"small_inc counter", {{1, 1}}}, {"big counter", {{100101, 1}}}}));
  EXPECT_EQ(told("r:1|c|@0.1\nr:1|c\nf:1.9|c\nn:100|c\nn:-5|c\nn:+2|c"),
            (Told{{"r counter", {{11, 1}}}, {"f counter", {{1, 1}}}, {"n counter", {{97, 1}}}}));
  EXPECT_EQ(told("g:100|g\ng:-10|g\ng:+30|g\nlone:-5|g\nover:1|g\nover:4.7E-5|g"),
            (Told{{"g gauge", {{120, 1}}}, {"lone gauge", {{-5, 1}}}, {"over gauge", {{0.000047, 1}}}}));
  EXPECT_EQ(told("u:1|s\nu:1|s\nu:x y|s\nu:|s"), (Told{{"u set", {{3, 1}}}}));
  EXPECT_EQ(told("t:1|ms\nt:11|ms\nt:1|ms|@0.5\nh:3|h:4|h"),
            (Told{{"t timing", {{1, 3}, {11, 1}}}, {"h histogram", {{3, 1}, {4, 1}}}}));
  // One name, several types: several metrics.
  EXPECT_EQ(told("a:1|c:2|g"), (Told{{"a counter", {{1, 1}}}, {"a gauge", {{2, 1}}}}));
  EXPECT_EQ(told("x:1|c|0.1\nx:1|c|@foo\nx:1|c|@7\nx:1|c|@0"), (Told{{"x counter", {{4, 1}}}}));
}

TEST(Statsd, Tags) {
  EXPECT_EQ(told("c:1|c|#host:local,env:prod,endpoint:/:tenant?/oauth\nc:1|c|#live\nc:2|c|@0.5|#live,,empty:,:x"),
            (Told{{"c endpoint=/:tenant?/oauth env=prod host=local counter", {{1, 1}}},
                  {"c live=<empty> counter", {{5, 1}}}}));
}

TEST(Statsd, TagsBehindTheName) {
  EXPECT_EQ(told("cpu.idle,host=h,none,region=w:5|g|#host:other"),
            (Told{{"cpu_idle host=other gauge region=w", {{5, 1}}}}));
  EXPECT_EQ(told("a.b-c:1|c", {.separator = "."}), (Told{{"a.b-c counter", {{1, 1}}}}));
  EXPECT_EQ(told("a:1|c|#metric_type:mine"), (Told{{"a mine", {{1, 1}}}}));
}

TEST(Statsd, LinesThatAreNoneAreCounted) {
  const char* lines[] = {"no.pipe:45g",
                         "no.colon45|c",
                         "type:45|e",
                         "signed:+10|s",
                         "signed:+10|ms",
                         "signed:-10|h",
                         "value:foobar|c",
                         "value:d11|c",
                         "value:1d1|c",
                         "value:|g",
                         "value:nan|g",
                         "value:inf|g",
                         "value:1e200|g",
                         "value:+-1|g",
                         "ok:1|c:2|x",
                         ":1|c",
                         "  :1|c",
                         "#a:1|c",
                         "gr\xc3\xbc\xc3\x9f:1|c",
                         "a\x01:1|c",
                         "a:1|c|#t\xff:x",
                         ""};
  Statsd statsd({});
  std::uint64_t malformed = 0;
  for (const char* line : lines) {
    statsd.take(line);
    malformed += *line ? 1 : 0;
    EXPECT_EQ(statsd.lost().malformed, malformed) << line;
  }
  statsd.take(std::string(256, 'n') + ":1|c");
  statsd.take("a:1|c|#" + std::string(256, 't') + ":x");
  statsd.take("a:1|c|#t:" + std::string(1025, 'v'));
  EXPECT_EQ(statsd.lost().malformed, malformed + 3);
  statsd.collect(at(60));
  EXPECT_TRUE(statsd.take_data(at(120)).empty());
}

TEST(Statsd, CollectionsAreValuesOfTheirAggregation) {
  Statsd statsd({.aggregation_interval = 30, .dropped = {"c"}});
  for (const int second : {600, 610, 620}) {
    statsd.take("c:5|c\ng:+1|g\nt:7|ms");
    statsd.collect(at(second));
  }
  statsd.take("c:1|c");
  statsd.collect(at(630));
  const auto data = statsd.take_data(at(630));
  EXPECT_EQ(told(data), (Told{{"c counter", {{5, 3}}}, {"g gauge", {{1, 3}}}, {"t timing", {{7, 3}}}}));
  for (const Datum& datum : data) {
    EXPECT_EQ(datum.time, at(600));
    EXPECT_TRUE(datum.high_resolution);
    EXPECT_EQ(datum.drop_original, datum.metric == "c");
  }
  EXPECT_EQ(told(statsd.take_data(at(659), true)), (Told{{"c counter", {{1, 1}}}}));
  // Without aggregation each collection is told by itself.
  Statsd each({.aggregation_interval = 0});
  each.take("c:5|c");
  each.collect(at(604));
  EXPECT_EQ(each.take_data(at(604)).at(0).time, at(604));
  // The clock is set back: nothing waits for ever.
  statsd.take("c:5|c");
  statsd.collect(at(9000));
  EXPECT_EQ(statsd.take_data(at(630)).size(), 1U);
}

TEST(Statsd, Bounds) {
  Statsd many({});
  for (std::size_t i = 0; i < kMaxSeries + 5; ++i) many.take(fmt::format("n{}:1|c", i));
  EXPECT_EQ(many.lost(), (Statsd::Lost{0, 5}));
  many.collect(at(0));
  many.take("new:1|c");
  EXPECT_EQ(many.lost().beyond, 5U);

  Statsd names({});
  std::string tags;
  for (int i = 0; i < 25; ++i) tags += fmt::format("t{}:{},", i, std::string(1000, 'x'));
  for (int i = 0; i < 400; ++i) names.take(fmt::format("n{}:1|c|#{}", i, tags));
  EXPECT_GT(names.lost().beyond, 200U);

  // More different values than are kept are told to two digits.
  Statsd values({});
  for (int i = 1; i <= 3000; ++i) values.take(fmt::format("t:{}|ms", i));
  EXPECT_EQ(values.lost(), Statsd::Lost());
  values.collect(at(0));
  double count = 0;
  const auto data = values.take_data(at(60));
  EXPECT_LE(data.at(0).values.size(), kMaxDistinct);
  for (const auto& [value, times] : data.at(0).values) count += times;
  EXPECT_EQ(count, 3000);

  Statsd members({});
  for (std::size_t i = 0; i < kMaxStored + 7; ++i) members.take(fmt::format("s:{}|s", i));
  EXPECT_EQ(members.lost(), (Statsd::Lost{0, 7}));
  members.collect(at(0));
  members.take("s:1|s");
  EXPECT_EQ(members.lost().beyond, 7U);
}

void send_to(std::uint16_t port, const std::string& datagram) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::sendto(fd, datagram.data(), datagram.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to),
            ssize_t(datagram.size()));
  ::close(fd);
}

TEST(StatsdListener, TakesWhatComesUpToItsBound) {
  for (const char* address : {":0", "127.0.0.1:0", "localhost:0"}) {
    auto listener = StatsdListener::open(address, 2);
    ASSERT_TRUE(listener) << listener.error().message;
    send_to((*listener)->port(), "a:1|c");
    std::vector<std::string> came;
    while ((came = (*listener)->take()).empty()) std::this_thread::yield();
    EXPECT_EQ(came, std::vector<std::string>{"a:1|c"}) << address;
    EXPECT_TRUE((*listener)->take().empty());
    for (int i = 0; i < 3; ++i) send_to((*listener)->port(), "b:1|c");
    while ((*listener)->dropped() == 0) std::this_thread::yield();
    EXPECT_EQ((*listener)->take().size(), 2U);
    const auto second = StatsdListener::open(fmt::format("127.0.0.1:{}", (*listener)->port()), 2);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, "Unavailable");
  }
  for (const char* address : {"", "8125", ":x", ":70000", "example.com:8125", "[::1:8125", "1.2.3:1"})
    EXPECT_EQ(StatsdListener::open(address, 2).error().code, "InvalidConfiguration") << address;
}

}  // namespace
}  // namespace brume::agent
