#include "compute/agent/text_encoding.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace brume::agent {
namespace {

std::string decoded(const std::string& encoding, std::string_view bytes) {
  const auto found = TextEncoding::find(encoding);
  EXPECT_TRUE(found) << encoding;
  std::string out;
  if (found) found->decode(bytes, out);
  return out;
}

// Every character that Python's codecs have, one by one, and all of an encoding in one text.
TEST(TextEncoding, IsAsPythonsCodecs) {
  std::map<std::string, std::size_t> characters;
  for (const auto& file : std::filesystem::directory_iterator(BRUME_ENCODING_SAMPLES)) {
    const std::string name = file.path().filename();
    std::ifstream in(file.path(), std::ios::binary);
    std::string all, wanted;
    std::size_t wrong = 0;
    for (std::string line; std::getline(in, line);) {
      const std::size_t tab = line.find('\t');
      ASSERT_NE(tab, std::string::npos);
      const std::string encoded = line.substr(0, tab), text = line.substr(tab + 1);
      if (decoded(name, encoded) != text && ++wrong < 5)
        ADD_FAILURE() << name << ": " << testing::PrintToString(encoded) << " is " << decoded(name, encoded) << ", not "
                      << text;
      all += encoded;
      wanted += text;
      ++characters[name];
    }
    EXPECT_EQ(wrong, 0U) << name;
    EXPECT_TRUE(decoded(name, all) == wanted) << name;
  }
  EXPECT_EQ(characters.size(), 43U);
  // As many as the standards have, so that none is passed over.
  for (const auto& [name, least] : std::map<std::string, std::size_t>{{"shift_jis", 9'600},
                                                                      {"euc-jp", 13'000},
                                                                      {"iso-2022-jp", 6'879},
                                                                      {"big5", 18'300},
                                                                      {"euc-kr", 17'048},
                                                                      {"gbk", 21'791},
                                                                      {"gb18030", 90'000}})
    EXPECT_GE(characters[name], least) << name;
}

TEST(TextEncoding, NamesOfTheAgent) {
  for (const char* name :
       {"",           "ascii",       "UTF-8",  "utf-16",  "utf-16be",  "shift-jis",      "Shift_JIS",    "euc-jp",
        "iso2022-jp", "big5",        "gb2312", "GB18030", "euc-kr",    "ks_c_5601-1987", "ibm866",       "iso8859-5",
        "iso_8859-6", "iso-8859-15", "latin1", "koi8-u",  "macintosh", "x-mac-cyrillic", "windows-1256", "windows-874",
        "cp437",      "IBM850"})
    EXPECT_TRUE(TextEncoding::find(name)) << name;
  for (const char* name : {"hz-gb-2312", "iso-2022-kr", "euc-tw", "utf-32", "ibm037", "utf-7", "x"})
    EXPECT_FALSE(TextEncoding::find(name)) << name;
}

// By the decoders of the WHATWG's Encoding Standard.
TEST(TextEncoding, WhatMeansNothingIsReplaced) {
  struct Case {
    const char *encoding, *bytes, *text;
  };
  const Case cases[] = {
      {"shift_jis", "\x83\x5c\\n", "ソ\\n"},  // 0x5c as a second byte
      {"shift_jis", "\x83", "\ufffd"},
      {"shift_jis", "\x83 \x83\"", "\ufffd \ufffd\""},
      {"shift_jis", "\x85\xa0x", "\ufffdx"},
      {"shift_jis", "\xa0\xfd\xb1", "\ufffd\ufffdｱ"},
      {"shift_jis", "\xf0\x40\xfa\x40", "\ue000ⅰ"},
      {"euc-jp", "\x8f\xa2\xaf\xad\xa1\x8e\xb1", "˘①ｱ"},
      {"euc-jp", "\x8f\xa1\xa1x\x8f\xa2\x41\x8f", "\ufffdx\ufffd\x41\ufffd"},
      {"euc-jp", "\xa4\x0b\x90x", "\ufffd\x0b\ufffdx"},
      {"big5", "\x88\x62\x88\xa5\x87\x45", "Ê̄ê̌𧉧"},
      {"big5", "\x81\x40\xa1\x7f\xff", "\ufffd@\ufffd\x7f\ufffd"},
      {"euc-kr", "\x81\x41\x81[\xb0\xa1", "갂\ufffd[가"},
      {"gb18030", "\x80\x81\x30\x81\x30\x94\x39\xda\x33\xe3\x32\x9a\x35", "€\u0080💩\U0010ffff"},
      {"gb18030", "\xe3\x32\x9a\x36\x84\x32\x81\x30x", "\ufffd\ufffdx"},
      {"gb18030", "\x81\x30x\x81\x30\x81", "\ufffd0x\ufffd0\ufffd"},
      {"gbk", "\x81\x7f\xff", "\ufffd\x7f\ufffd"},
      {"iso-2022-jp", "a\x1b$B$\"\x1b(J\\~\x1b(I1\x1b(Bz", "aあ¥‾ｱz"},
      {"iso-2022-jp", "\x1b$@$\x1b(B\x1b\x0e\xa4", "\ufffd\ufffd\ufffd\ufffd"},
      {"utf-16le", "a", "\ufffd"},
      {"iso-8859-3", "\xa5", "\ufffd"},
      {"windows-1252", "\x81", "\u0081"},
      {"windows-1253", "\xaa", "\ufffd"},
  };
  for (const Case& one : cases)
    EXPECT_EQ(decoded(one.encoding, one.bytes), one.text) << one.encoding << testing::PrintToString(one.bytes);
}

TEST(TextEncoding, PiecesEndWhereCharactersEnd) {
  const auto cut = [](const char* encoding, std::string_view bytes, std::size_t size) {
    return TextEncoding::find(encoding)->cut(bytes, size);
  };
  EXPECT_EQ(cut("shift_jis", "\x83\x5c\x83\x5c\x83\x5c", 5), 4U);
  EXPECT_EQ(cut("gb18030", "a\x81\x30\x81\x30z", 4), 1U);
  EXPECT_EQ(cut("koi8-r", "\xf0\xd2\xc9\xd7\xc5", 4), 4U);
  EXPECT_EQ(cut("utf-8", "aaaü", 4), 3U);
  EXPECT_EQ(cut("utf-16le", std::string_view("a\0\x3d\xd8\xa9\xdcz\0", 8), 4), 2U);
  EXPECT_EQ(cut("utf-16be", std::string_view("\0a\0b\0c", 6), 5), 4U);
  // Where ISO-2022-JP is in ASCII again, if it ever is.
  EXPECT_EQ(cut("iso-2022-jp", "a\x1b$B$\"\x1b(Bz\x1b$B$\"$\"", 14), 10U);
  EXPECT_EQ(cut("iso-2022-jp", "\x1b$B$\"$\"$\"", 8), 7U);
  EXPECT_EQ(cut("euc-jp", "abc", 4), 3U);
}

}  // namespace
}  // namespace brume::agent
