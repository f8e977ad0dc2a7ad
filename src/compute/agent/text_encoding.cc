#include "compute/agent/text_encoding.h"

#include <array>
#include <cstring>

#include "compute/agent/encoding_tables.h"

namespace brume::agent {
namespace {

// Other names, as the WHATWG's list has them, which the CloudWatch agent goes by: there latin1 is Windows' superset.
constexpr std::pair<std::string_view, std::string_view> kAliases[] = {
    {"utf8", "utf-8"},
    {"utf_8", "utf-8"},
    {"ascii", "utf-8"},
    {"us-ascii", "utf-8"},
    {"utf16", "utf-16le"},
    {"utf-16", "utf-16le"},
    {"utf16le", "utf-16le"},
    {"utf16be", "utf-16be"},
    {"latin1", "windows-1252"},
    {"latin-1", "windows-1252"},
    {"l1", "windows-1252"},
    {"iso-8859-1", "windows-1252"},
    {"cp1252", "windows-1252"},
    {"latin2", "iso-8859-2"},
    {"latin4", "iso-8859-4"},
    {"latin5", "windows-1254"},
    {"iso-8859-9", "windows-1254"},
    {"latin6", "iso-8859-10"},
    {"iso-8859-11", "windows-874"},
    {"cyrillic", "iso-8859-5"},
    {"greek", "iso-8859-7"},
    {"cp866", "ibm866"},
    {"cp1250", "windows-1250"},
    {"cp1251", "windows-1251"},
    {"cp1253", "windows-1253"},
    {"cp1254", "windows-1254"},
    {"cp1257", "windows-1257"},
    {"cp1258", "windows-1258"},
    {"cp1255", "windows-1255"},
    {"cp1256", "windows-1256"},
    {"koi8", "koi8-r"},
    {"mac", "macintosh"},
    {"x-mac-ukrainian", "x-mac-cyrillic"},
    {"arabic", "iso-8859-6"},
    {"hebrew", "iso-8859-8"},
    {"ms932", "shift_jis"},
    {"cp932", "shift_jis"},
    {"ms_kanji", "shift_jis"},
    {"shift-jis", "shift_jis"},
    {"csshiftjis", "shift_jis"},
    {"sjis", "shift_jis"},
    {"x-sjis", "shift_jis"},
    {"windows-31j", "shift_jis"},
    {"euc_jp", "euc-jp"},
    {"eucjp", "euc-jp"},
    {"x-euc-jp", "euc-jp"},
    {"iso2022-jp", "iso-2022-jp"},
    {"iso2022_jp", "iso-2022-jp"},
    {"csiso2022jp", "iso-2022-jp"},
    {"big5-hkscs", "big5"},
    {"cn-big5", "big5"},
    {"csbig5", "big5"},
    {"cp950", "big5"},
    {"euc_kr", "euc-kr"},
    {"euckr", "euc-kr"},
    {"cseuckr", "euc-kr"},
    {"korean", "euc-kr"},
    {"ks_c_5601-1987", "euc-kr"},
    {"ks_c_5601-1989", "euc-kr"},
    {"ksc5601", "euc-kr"},
    {"ksc_5601", "euc-kr"},
    {"windows-949", "euc-kr"},
    {"cp949", "euc-kr"},
    {"gbk", "gb18030"},
    {"x-gbk", "gb18030"},
    {"gb2312", "gb18030"},
    {"gb_2312", "gb18030"},
    {"gb_2312-80", "gb18030"},
    {"csgb2312", "gb18030"},
    {"chinese", "gb18030"},
    {"cp936", "gb18030"},
};

constexpr std::pair<std::string_view, Multibyte> kMultibyte[] = {
    {"shift_jis", Multibyte::shift_jis}, {"euc-jp", Multibyte::euc_jp}, {"iso-2022-jp", Multibyte::iso_2022_jp},
    {"big5", Multibyte::big5},           {"euc-kr", Multibyte::euc_kr}, {"gb18030", Multibyte::gb18030},
};

void append_utf8(char32_t c, std::string& out) {
  if (c < 0x80) {
    out += char(c);
  } else if (c < 0x800) {
    out += char(0xc0 | (c >> 6));
    out += char(0x80 | (c & 63));
  } else if (c < 0x10000) {
    out += char(0xe0 | (c >> 12));
    out += char(0x80 | ((c >> 6) & 63));
    out += char(0x80 | (c & 63));
  } else {
    out += char(0xf0 | (c >> 18));
    out += char(0x80 | ((c >> 12) & 63));
    out += char(0x80 | ((c >> 6) & 63));
    out += char(0x80 | (c & 63));
  }
}

// The length of the well-formed character at `at` (Unicode, table 3-7); 0 if there is none.
std::size_t character(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U; };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const unsigned first = byte(0), second = byte(1);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool well =
        follows(1) && follows(2) && !(first == 0xe0 && second < 0xa0) && !(first == 0xed && second > 0x9f);
    return well ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool well = follows(1) && follows(2) && follows(3) && !(first == 0xf0 && second < 0x90) &&
                      !(first == 0xf4 && second > 0x8f);
    return well ? 4 : 0;
  }
  return 0;
}

// What may stand in a JSON string as it is, of ASCII.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (int c = 0x20; c < 0x7f; ++c) plain[std::size_t(c)] = c != '"' && c != '\\';
  plain[0x7f] = true;
  return plain;
}();

// Eight bytes at once: is one of them a quote, a backslash, a control character or not ASCII?
bool all_plain(const char* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  constexpr std::uint64_t kOnes = 0x0101010101010101, kHighs = 0x8080808080808080;
  const auto has_zero = [](std::uint64_t x) { return (x - kOnes) & ~x & kHighs; };
  const std::uint64_t control = (word - kOnes * 0x20) & ~word & kHighs;
  return ((word & kHighs) | control | has_zero(word ^ (kOnes * '"')) | has_zero(word ^ (kOnes * '\\'))) == 0;
}

}  // namespace

std::optional<TextEncoding> TextEncoding::find(std::string_view name) {
  std::string wanted;
  for (const char c : name) wanted += c >= 'A' && c <= 'Z' ? char(c + 32) : c;
  if (wanted.starts_with("iso8859")) wanted.insert(3, "-");
  if (wanted.starts_with("iso_8859")) wanted[3] = '-';
  for (const auto& [alias, real] : kAliases)
    if (wanted == alias) wanted = real;
  TextEncoding out;
  if (wanted.empty() || wanted == "utf-8") return out;
  if (wanted == "utf-16le" || wanted == "utf-16be") {
    out.kind_ = wanted == "utf-16le" ? Kind::utf16le : Kind::utf16be;
    return out;
  }
  for (const auto& [real, encoding] : kMultibyte) {
    if (real != wanted) continue;
    out.kind_ = Kind::multibyte;
    out.multibyte_ = encoding;
    return out;
  }
  if (wanted.starts_with("cp")) wanted.replace(0, 2, "ibm");
  for (const CodePage& page : code_pages()) {
    if (page.name != wanted) continue;
    out.kind_ = Kind::table;
    out.table_ = page.upper;
    return out;
  }
  return std::nullopt;
}

std::size_t TextEncoding::find_line_feed(std::string_view bytes, std::size_t from) const {
  if (unit() == 1) return bytes.find('\n', from);
  for (std::size_t at = from; (at = bytes.find('\n', at)) != std::string_view::npos; ++at) {
    const std::size_t begin = at & ~std::size_t(1);
    if (begin + 1 >= bytes.size()) break;
    if (kind_ == Kind::utf16le ? at == begin && bytes[begin + 1] == 0 : at == begin + 1 && bytes[begin] == 0)
      return begin;
  }
  return std::string_view::npos;
}

void TextEncoding::decode(std::string_view bytes, std::string& out) const {
  if (kind_ == Kind::utf8) {
    out += bytes;
    return;
  }
  if (kind_ == Kind::multibyte) {
    MultibyteReader reader(multibyte_);
    while (!bytes.empty()) {
      const auto character = reader.next(bytes);
      bytes.remove_prefix(character.size);
      if (character.code != kNoCharacter) append_utf8(character.code, out);
      if (character.accent) append_utf8(character.accent, out);
    }
    return;
  }
  if (kind_ == Kind::table) {
    for (const char c : bytes) {
      const auto byte = static_cast<unsigned char>(c);
      append_utf8(byte < 0x80 ? byte : table_[byte - 0x80], out);
    }
    return;
  }
  const auto word = [&](std::size_t at) {
    const auto a = static_cast<unsigned char>(bytes[at]), b = static_cast<unsigned char>(bytes[at + 1]);
    return char32_t(kind_ == Kind::utf16le ? a | (b << 8) : b | (a << 8));
  };
  for (std::size_t at = 0; at < bytes.size(); at += 2) {
    if (at + 1 == bytes.size()) return append_utf8(kReplacement, out);
    char32_t c = word(at);
    if (c == 0xfeff && at == 0) continue;  // a byte order mark
    if (c >= 0xd800 && c < 0xe000) {
      const char32_t low = c < 0xdc00 && at + 3 < bytes.size() ? word(at + 2) : 0;
      if (low >= 0xdc00 && low < 0xe000) {
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        at += 2;
      } else {
        c = kReplacement;
      }
    }
    append_utf8(c, out);
  }
}

std::size_t TextEncoding::cut(std::string_view bytes, std::size_t size) const {
  if (bytes.size() <= size) return bytes.size();
  switch (kind_) {
    case Kind::utf8:
      return cut_at_character(bytes, size);
    case Kind::table:
      return size;
    case Kind::multibyte: {
      MultibyteReader reader(multibyte_);
      std::size_t end = 0, rest = 0;
      for (;;) {
        const std::size_t next = end + reader.next(bytes.substr(end)).size;
        if (next > size) break;
        end = next;
        if (reader.is_at_rest()) rest = end;
      }
      return rest ? rest : end;
    }
    default: {
      size -= size % 2;
      const auto high = static_cast<unsigned char>(bytes[kind_ == Kind::utf16le ? size - 1 : size - 2]);
      return high >= 0xd8 && high < 0xdc ? size - 2 : size;  // not within a pair of surrogates
    }
  }
}

std::size_t append_json(std::string_view text, std::string& out) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::size_t size = text.size(), begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (at + 8 <= text.size() && all_plain(text.data() + at)) {
      at += 8;
      continue;
    }
    const auto c = static_cast<unsigned char>(text[at]);
    if (kPlain[c]) {
      ++at;
      continue;
    }
    const std::size_t length = c < 0x80 ? 0 : character(text, at);
    if (length > 0) {
      at += length;
      continue;
    }
    out.append(text, begin, at - begin);
    if (c >= 0x80) {
      out += "\xef\xbf\xbd";
      size += 2;
    } else {
      out += '\\';
      switch (c) {
        case '"':
        case '\\':
          out += char(c);
          break;
        case '\n':
          out += 'n';
          break;
        case '\t':
          out += 't';
          break;
        case '\r':
          out += 'r';
          break;
        default:
          out += "u00";
          out += kDigits[c >> 4];
          out += kDigits[c & 15];
      }
    }
    begin = ++at;
  }
  out.append(text, begin);
  return size;
}

std::size_t cut_at_character(std::string_view text, std::size_t size) {
  if (text.size() <= size) return text.size();
  // A character has at most four bytes; what is not UTF-8 may be cut anywhere.
  for (std::size_t back = 0; back < 4 && back < size; ++back)
    if ((static_cast<unsigned char>(text[size - back]) & 0xc0) != 0x80) return size - back;
  return size;
}

}  // namespace brume::agent
