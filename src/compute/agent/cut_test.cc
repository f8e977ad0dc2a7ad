#include "compute/agent/cut.h"

#include <gtest/gtest.h>
#include <boost/json.hpp>

namespace brume::agent {
namespace {

using std::chrono::milliseconds;

const Timestamp kNow(milliseconds(1'795'000'000'000));

struct Made {
  std::vector<std::pair<std::int64_t, std::string>> events;
  std::int64_t to = 0;
  bool full = false;
};

Made cut_all(const FileEntry& entry, const std::string& bytes, CutRequest request = {}) {
  std::vector<std::string> refused;
  auto rules = LineRules::compile(entry, refused);
  EXPECT_TRUE(rules) << rules.error().message;
  request.end = request.end ? request.end : std::int64_t(bytes.size());
  request.now = kNow;
  auto made = cut(*rules, request, [&](std::int64_t offset, std::size_t size, std::string& out) {
    const std::string part = bytes.substr(std::size_t(offset), std::min<std::size_t>(size, 1000));
    out += part;
    return std::int64_t(part.size());
  });
  EXPECT_TRUE(made);
  Made out{.events = {}, .to = made->to, .full = made->full};
  const auto body = boost::json::parse(made->batch.take_body("g", "s", "t"));
  for (const auto& event : body.at("logEvents").as_array())
    out.events.emplace_back(event.at("timestamp").as_int64(), std::string(event.at("message").as_string()));
  return out;
}

std::vector<std::string> texts(const Made& result) {
  std::vector<std::string> out;
  for (const auto& [time, text] : result.events) out.push_back(text);
  return out;
}

using Texts = std::vector<std::string>;

TEST(Cut, Lines) {
  struct Case {
    const char* bytes;
    bool end_last, final;
    Texts wanted;
    std::int64_t to;
  };
  const Case cases[] = {
      {"", true, true, {}, 0},
      {"a\nb\n", true, false, {"a", "b"}, 4},
      {"a\nb\n", false, false, {"a"}, 2},  // b may go on
      {"a\nb", true, false, {"a"}, 2},     // and a line without its end as well
      {"a\nb", true, true, {"a", "b"}, 3},
      {"a\r\nb\r\n", true, false, {"a", "b"}, 6},
      {"\n\na\n\n", true, false, {"a\n"}, 5},
      {"error\n  at x\n\tat y\nnext\n", true, false, {"error\n  at x\n\tat y", "next"}, 24},
      {"  begins with a blank\n", true, false, {"  begins with a blank"}, 22},
  };
  for (const Case& one : cases) {
    const auto got = cut_all({}, one.bytes, {.end_last = one.end_last, .final = one.final});
    EXPECT_EQ(texts(got), one.wanted) << one.bytes;
    EXPECT_EQ(got.to, one.to) << one.bytes;
  }
}

TEST(Cut, WhatIsNotTextIsReplacedAndNulsAtALinesBeginningAreLeftOut) {
  const std::string bytes = std::string("\0\0\0after a hole\n", 16) + std::string("a\0b\n", 4) + "x\xff\xc3y\n";
  EXPECT_EQ(texts(cut_all({}, bytes, {.end_last = true})),
            (Texts{"after a hole", std::string("a\0b", 3), "x\xef\xbf\xbd\xef\xbf\xbdy"}));
}

TEST(Cut, PatternsAndFilters) {
  FileEntry entry;
  entry.multi_line_start_pattern = "^BEGIN";
  entry.filters = {{true, "keep"}, {false, "secret"}};
  const auto got =
      cut_all(entry, "BEGIN keep\none\nBEGIN drop\nBEGIN keep secret\nBEGIN keep\n two\n", {.end_last = true});
  EXPECT_EQ(texts(got), (Texts{"BEGIN keep\none", "BEGIN keep\n two"}));
  EXPECT_EQ(got.to, 60);
}

TEST(Cut, TimesAreTheLinesOwnElseTheLastElseThoseOfReading) {
  FileEntry entry;
  entry.timestamp_format = "%Y-%m-%d %H:%M:%S";
  entry.utc = true;
  const std::vector<Mark> marks = {{2, kNow - milliseconds(500)}, {4, kNow - milliseconds(250)}};
  const auto got =
      cut_all(entry, "a\nb\n2026-11-18 11:00:00 c\nd\n2026-11-18 10:59:59 e\n", {.end_last = true, .marks = &marks});
  const std::int64_t c = 1'794'999'600'000, now = kNow.time_since_epoch().count();
  const std::vector<std::pair<std::int64_t, std::string>> wanted = {
      {c - 1000, "2026-11-18 10:59:59 e"}, {c, "2026-11-18 11:00:00 c"}, {c, "d"}, {now - 500, "a"}, {now - 250, "b"}};
  EXPECT_EQ(got.events, wanted);
  entry.trim_timestamp = true;
  EXPECT_EQ(texts(cut_all(entry, "2026-11-18 11:00:00 c\n", {.end_last = true})), Texts{" c"});
}

TEST(Cut, TwentyFourHoursACall) {
  FileEntry entry;
  entry.timestamp_format = "%Y-%m-%dT%H:%M:%S";
  entry.utc = true;
  const std::string bytes = "2026-11-20T10:00:00 a\n2026-11-20T09:00:00 b\n2026-11-21T09:00:01 c\n";
  const auto got = cut_all(entry, bytes, {.end_last = true});
  EXPECT_EQ(texts(got), (Texts{"2026-11-20T09:00:00 b", "2026-11-20T10:00:00 a"}));
  EXPECT_EQ(got.events[0].first + 3'600'000, got.events[1].first);
  EXPECT_EQ(got.to, 44);
  EXPECT_TRUE(got.full);
}

TEST(Cut, TenThousandEventsAndAMebibyteACall) {
  std::string bytes;
  for (int i = 0; i < 10'500; ++i) bytes += "x\n";
  auto got = cut_all({}, bytes, {.end_last = true});
  EXPECT_EQ(got.events.size(), 10'000U);
  EXPECT_TRUE(got.full);
  bytes.clear();
  for (int i = 0; i < 2'000; ++i) bytes += std::string(1000, 'y') + "\n";
  got = cut_all({}, bytes, {.end_last = true});
  EXPECT_EQ(got.events.size(), 1'048'576U / 1026);
  EXPECT_EQ(got.to, std::int64_t(got.events.size()) * 1001);
  // The rest follows.
  const auto rest = cut_all({}, bytes, {.from = got.to, .end_last = true});
  EXPECT_EQ(rest.events.size() + got.events.size(), 2'000U);
}

TEST(Cut, AMegabyteIsALineAndMoreIsSeveral) {
  const std::string one(1'000'000, 'm');
  EXPECT_EQ(texts(cut_all({}, one + "\n", {.end_last = true})), Texts{one});
  const std::string large(2'500'000, 'l');
  std::string got;
  for (CutRequest request{.end_last = true}; request.from < 2'500'001;) {
    const auto part = cut_all({}, large + "\n", request);
    ASSERT_GT(part.to, request.from);
    request.from = part.to;
    for (const std::string& text : texts(part)) got += text;
  }
  EXPECT_TRUE(got == large);
}

TEST(Cut, WhatGrowsAsJsonIsCutSmaller) {
  const std::string controls(1'000'000, '\x01');
  std::string got;
  for (CutRequest request{.end_last = true}; request.from < 1'000'001;) {
    const auto part = cut_all({}, controls + "\n", request);
    ASSERT_GT(part.to, request.from);
    request.from = part.to;
    for (const std::string& text : texts(part)) got += text;
  }
  EXPECT_TRUE(got == controls);
}

TEST(Cut, AnEventOfTooManyLinesIsTruncated) {
  std::string bytes = "begin\n";
  for (int i = 0; i < 3'000; ++i) bytes += " " + std::string(999, 'z') + "\n";
  const auto got = cut_all({}, bytes + "next\n", {.end_last = true});
  ASSERT_GE(got.events.size(), 1U);
  EXPECT_TRUE(got.events[0].second.ends_with(kTruncated));
  EXPECT_LE(got.events[0].second.size(), kMaxEvent);
}

TEST(Cut, Encodings) {
  FileEntry entry;
  entry.encoding = "UTF-16LE";
  const auto wide = [](std::u16string_view text) {
    return std::string(reinterpret_cast<const char*>(text.data()), text.size() * 2);
  };
  EXPECT_EQ(texts(cut_all(entry, wide(u"\ufeffgrüße\r\n\u0a00x\n"), {.end_last = true})), (Texts{"grüße", "\u0a00x"}));
  entry.encoding = "latin1";
  EXPECT_EQ(texts(cut_all(entry, "gr\xfc\xdf\x65 \x80\n", {.end_last = true})), Texts{"grüße €"});
  entry.encoding = "koi8-r";
  EXPECT_EQ(texts(cut_all(entry, "\xf0\xd2\xc9\xd7\xc5\xd4\n", {.end_last = true})), Texts{"Привет"});
  entry.encoding = "shift_jis";
  EXPECT_EQ(texts(cut_all(entry, "\x83\x5c\x83\x5c\r\n\x83\n \x95\x5c\n", {.end_last = true})),
            (Texts{"ソソ", "\ufffd\n 表"}));
  // Each line begins in ASCII, whatever the one before ended in.
  entry.encoding = "iso-2022-jp";
  EXPECT_EQ(texts(cut_all(entry, "\x1b$B$\"\n$\"\x1b$B$$\x1b(B\n", {.end_last = true})), (Texts{"あ", "$\"い"}));
  std::vector<std::string> refused;
  entry.encoding = "hz-gb-2312";
  EXPECT_EQ(LineRules::compile(entry, refused).error().message, "encoding hz-gb-2312 is not known here");
}

TEST(Cut, PiecesOfALongLineAreWholeCharacters) {
  struct Case {
    const char *encoding, *begin, *character, *text;
  };
  const Case cases[] = {{"shift_jis", "x", "\x83\x5c", "ソ"},
                        {"gb18030", "xy", "\x90\x30\x81\x30", "\U00010000"},
                        {"euc-jp", "x", "\x8f\xa2\xaf", "˘"},
                        {"iso-2022-jp", "xy", "\x1b$B$\"$$\x1b(B", "あい"}};
  for (const Case& one : cases) {
    FileEntry entry;
    entry.encoding = one.encoding;
    std::string bytes = one.begin, wanted = one.begin, got;
    while (bytes.size() < 700'000) {
      bytes += one.character;
      wanted += one.text;
    }
    bytes += '\n';
    std::size_t pieces = 0;
    for (CutRequest request{.end_last = true}; request.from < std::int64_t(bytes.size());) {
      const auto part = cut_all(entry, bytes, request);
      ASSERT_GT(part.to, request.from) << one.encoding;
      request.from = part.to;
      for (const std::string& text : texts(part)) got += text;
      pieces += part.events.size();
    }
    EXPECT_TRUE(got == wanted) << one.encoding;
    EXPECT_GE(pieces, 3U) << one.encoding;
  }
}

TEST(Cut, IsTheSameWhenMadeAgain) {
  std::string bytes;
  for (int i = 0; i < 5'000; ++i) bytes += (i % 3 ? "line " : "  more ") + std::to_string(i) + "\n";
  const std::vector<Mark> marks = {{100, kNow - milliseconds(9)}, {20'000, kNow - milliseconds(5)}, {1 << 20, kNow}};
  const auto first = cut_all({}, bytes, {.end_last = true, .marks = &marks});
  const auto again = cut_all({}, bytes, {.end = first.to, .end_last = true, .final = true, .marks = &marks});
  EXPECT_EQ(first.events, again.events);
}

}  // namespace
}  // namespace brume::agent
