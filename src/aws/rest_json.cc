#include "aws/rest_json.h"

#include <algorithm>
#include <set>

#include "aws/json_rpc.h"
#include "aws/text.h"

namespace brume::aws {
namespace {

std::unexpected<Error> malformed(std::string_view place, std::string_view expected) {
  return fail("SerializationException", "{}: expected {}", place, expected);
}

Result<void> read_scalar(const Member& member, const Shape& shape, void* out, std::string_view text) {
  if (auto read = from_text(shape, out, text); !read) return malformed(member.name, read.error().message);
  return {};
}

// --- lists in headers: comma-separated, elements with a comma or quote are quoted ---

std::string header_item(const Shape& shape, const void* value) {
  std::string text = to_text(shape, nullptr, value, TimeFormat::http_date);
  if (shape.kind != Kind::string || text.find_first_of(",\"") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

std::vector<std::string> header_items(const Shape& shape, std::string_view text) {
  const bool dates = shape.kind == Kind::timestamp &&
                     (shape.time_format == TimeFormat::unset || shape.time_format == TimeFormat::http_date);
  std::vector<std::string> items;
  std::string item;
  bool quoted = false, any_quote = false;
  int commas = 0;
  const auto finish = [&] {
    items.emplace_back(any_quote ? item : std::string(trim(item)));
    item.clear();
    any_quote = false;
    commas = 0;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\' && i + 1 < text.size())
      item += text[++i];
    else if (c == '"' && (quoted || trim(item).empty()))
      quoted = !quoted, any_quote = true, item = quoted ? "" : item;
    else if (!quoted && c == ',' && !(dates && commas++ == 0))
      finish();
    else if (!(any_quote && !quoted && c == ' '))
      item += c;  // blanks after a closing quote
  }
  if (!items.empty() || !trim(item).empty() || any_quote) finish();
  return items;
}

Result<void> read_header(const Member& member, void* structure, std::string_view text) {
  const Shape& shape = *member.shape();
  if (shape.kind != Kind::list) return read_scalar(member, shape, member.emplace(structure), text);
  void* list = member.emplace(structure);
  for (const std::string& item : header_items(*shape.element(), text))
    BRUME_CHECK(read_scalar(member, *shape.element(), shape.list->append(list), item));
  return {};
}

// A header's value is one line.
Result<std::string> header_text(const Member& member, const void* held) {
  const Shape& shape = *member.shape();
  std::string text;
  if (shape.kind == Kind::list) {
    for (std::size_t i = 0, n = shape.list->size(held); i < n; ++i)
      text += (i ? ", " : "") + header_item(*shape.element(), shape.list->at(held, i));
  } else {
    text = to_text(shape, &member, held, TimeFormat::http_date);
  }
  if (text.find_first_of("\r\n") != std::string::npos) return malformed(member.name, "a single line");
  return text;
}

Result<void> read_headers(const Member& member, void* structure, const Headers& headers) {
  const Shape& shape = *member.shape();
  if (member.location == Location::header) {
    const std::string* text = find_header(headers, member.wire());
    return text ? read_header(member, structure, *text) : Result<void>();
  }
  const std::string prefix = to_lower(member.wire_name ? member.wire_name : "");
  for (const auto& [name, value] : headers) {
    if (!to_lower(name).starts_with(prefix)) continue;
    const Shape& element = *shape.element();
    BRUME_CHECK(
        read_scalar(member, element, shape.map->insert(member.emplace(structure), name.substr(prefix.size())), value));
  }
  return {};
}

Result<void> write_headers(const Member& member, const void* held, Headers& headers) {
  if (member.location == Location::header) {
    BRUME_TRY(text, header_text(member, held));
    headers.emplace_back(member.wire(), std::move(text));
    return {};
  }
  const Shape& shape = *member.shape();
  shape.map->each(held, [&](const std::string& key, const void* value) {
    headers.emplace_back((member.wire_name ? member.wire_name : "") + key, to_text(*shape.element(), nullptr, value));
  });
  return {};
}

// --- bodies ---

Result<void> read_body(const Shape& shape, void* structure, std::string_view body) {
  if (!shape.payload) {
    if (body.empty()) return {};
    return read_json(shape, structure, body, kWireJson);
  }
  const Member* member = shape.find(shape.payload);
  if (!member || body.empty()) return {};
  const Shape& inner = *member->shape();
  if (inner.kind == Kind::blob) {
    static_cast<Blob*>(member->emplace(structure))->bytes = body;
    return {};
  }
  if (inner.kind == Kind::string) return read_scalar(*member, inner, member->emplace(structure), body);
  return read_json(inner, member->emplace(structure), body, kWireJson);
}

// The body and its content type ("" for no body).
std::pair<std::string, const char*> body_of(const Shape& shape, const void* structure, bool answer) {
  if (!shape.payload) {
    bool any = answer;
    for (const Member& member : shape.members) any = any || member.location == Location::body;
    if (!any) return {"", ""};
    return {write_json(shape, structure, kWireJson), "application/json"};
  }
  const Member* member = shape.find(shape.payload);
  const void* held = member ? member->get(structure) : nullptr;
  if (!member) return {"", ""};
  const Shape& inner = *member->shape();
  if (inner.kind == Kind::blob)
    return held ? std::pair(static_cast<const Blob*>(held)->bytes, "application/octet-stream")
                : std::pair(std::string(), "");
  if (inner.kind == Kind::string)
    return held ? std::pair(*static_cast<const std::string*>(held), "text/plain") : std::pair(std::string(), "");
  if (!held)
    return answer || inner.is_union ? std::pair(std::string(), "") : std::pair(std::string("{}"), "application/json");
  return {write_json(inner, held, kWireJson), "application/json"};
}

void write_query(const Member& member, const Shape& shape, std::string_view name, const void* held,
                 std::string& query) {
  if (shape.kind == Kind::list) {
    for (std::size_t i = 0, n = shape.list->size(held); i < n; ++i)
      write_query(member, *shape.element(), name, shape.list->at(held, i), query);
    return;
  }
  query.append(query.empty() ? "" : "&")
      .append(percent_encode(name))
      .append("=")
      .append(percent_encode(to_text(shape, &member, held)));
}

std::vector<std::string_view> segments(std::string_view path) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto slash = path.find('/');
    parts.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return parts;
    path.remove_prefix(slash + 1);
  }
}

Result<void> read_query(const Shape& shape, void* input, std::string_view query) {
  BRUME_TRY(pairs, parse_form(query));
  for (const Member& member : shape.members) {
    const Shape& inner = *member.shape();
    if (member.location != Location::query || inner.kind == Kind::map) continue;
    const Shape& item = inner.kind == Kind::list ? *inner.element() : inner;
    for (const auto& [name, value] : pairs) {
      if (name != member.wire()) continue;
      void* held = member.emplace(input);
      BRUME_CHECK(read_scalar(member, item, inner.kind == Kind::list ? inner.list->append(held) : held, value));
    }
  }
  // A map takes them all, also those that other members are named for (Smithy, httpQueryParams).
  for (const Member& member : shape.members) {
    const Shape& inner = *member.shape();
    if (member.location != Location::query || inner.kind != Kind::map) continue;
    for (const auto& [name, value] : pairs) {
      if (name.starts_with("X-Amz-") || !is_text(name)) continue;
      const Shape& element = *inner.element();
      const Shape& item = element.kind == Kind::list ? *element.element() : element;
      void* held = inner.map->insert(member.emplace(input), name);
      BRUME_CHECK(read_scalar(member, item, element.kind == Kind::list ? element.list->append(held) : held, value));
    }
  }
  return {};
}

}  // namespace

std::optional<UriLabels> match_uri(std::string_view uri, std::string_view target) {
  const auto [pattern, fixed_query] = split_target(uri);
  const auto [path, query] = split_target(target);
  UriLabels labels;
  const auto want = segments(pattern);
  auto have = segments(path);
  if (have.size() == want.size() + 1 && have.back().empty()) have.pop_back();  // a trailing slash
  std::size_t at = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    const std::string_view part = want[i];
    if (!part.starts_with('{')) {
      const auto given = at < have.size() ? percent_decode(have[at], false) : Result<std::string>("");
      if (at >= have.size() || !given || *given != part) return std::nullopt;
      ++at;
      continue;
    }
    const bool greedy = part.ends_with("+}");
    std::string_view name = part.substr(1, part.size() - (greedy ? 3 : 2));
    std::size_t count = 1;
    if (greedy) {
      const std::size_t after = want.size() - i - 1;
      if (have.size() < at + after + 1) return std::nullopt;
      count = have.size() - at - after;
    }
    std::string value;
    for (std::size_t k = 0; k < count; ++k, ++at) {
      if (at >= have.size()) return std::nullopt;
      const auto decoded = percent_decode(have[at], false);
      if (!decoded) return std::nullopt;
      value += (k ? "/" : "") + *decoded;
    }
    if (value.empty()) return std::nullopt;
    labels.emplace(name, std::move(value));
  }
  if (at != have.size()) return std::nullopt;
  if (!fixed_query.empty()) {
    const auto need = parse_form(fixed_query), given = parse_form(query);
    if (!need || !given) return std::nullopt;
    for (const auto& pair : *need)
      if (std::find(given->begin(), given->end(), pair) == given->end()) return std::nullopt;
  }
  return labels;
}

Result<void> read_rest_request(const Operation& operation, const HttpRequest& request, void* input) {
  if (!operation.input) return {};
  const Shape& shape = *operation.input();
  const auto labels = match_uri(operation.uri, request.target);
  if (!labels) return malformed("The path", operation.uri);
  for (const Member& member : shape.members) {
    if (member.location == Location::uri) {
      const auto label = labels->find(std::string_view(member.wire()));
      if (label == labels->end()) return malformed(member.name, "a part of the path");
      BRUME_CHECK(read_scalar(member, *member.shape(), member.emplace(input), label->second));
    } else if (member.location == Location::header || member.location == Location::headers) {
      BRUME_CHECK(read_headers(member, input, request.headers));
    }
  }
  BRUME_CHECK(read_query(shape, input, split_target(request.target).second));
  return read_body(shape, input, request.body);
}

Result<HttpRequest> write_rest_request(const Operation& operation, const void* input) {
  HttpRequest request{.method = operation.method};
  const auto [pattern, fixed_query] = split_target(operation.uri);
  std::string path(pattern), query(fixed_query);
  if (operation.input && input) {
    const Shape& shape = *operation.input();
    std::set<std::string_view> named;
    for (const Member& member : shape.members)
      if (member.location == Location::query && member.shape()->kind != Kind::map) named.insert(member.wire());
    for (const Member& member : shape.members) {
      const void* held = member.get(input);
      if (member.location == Location::uri) {
        const std::string text = held ? to_text(*member.shape(), &member, held) : "";
        if (text.empty()) return fail("ParamValidation", "The parameter {} must not be empty", member.name);
        for (const bool greedy : {false, true}) {
          const std::string label = fmt::format("{{{}{}}}", member.wire(), greedy ? "+" : "");
          if (const auto at = path.find(label); at != std::string::npos)
            path.replace(at, label.size(), percent_encode(text, greedy ? "/" : ""));
        }
      }
      if (!held) continue;
      if (member.location == Location::query) {
        const Shape& inner = *member.shape();
        if (inner.kind != Kind::map) {
          write_query(member, inner, member.wire(), held, query);
        } else {
          inner.map->each(held, [&](const std::string& key, const void* value) {
            if (!named.contains(key)) write_query(member, *inner.element(), key, value, query);
          });
        }
      } else if (member.location == Location::header || member.location == Location::headers) {
        BRUME_CHECK(write_headers(member, held, request.headers));
      }
    }
    auto [body, type] = body_of(shape, input, false);
    request.body = std::move(body);
    if (*type && !find_header(request.headers, "Content-Type")) request.headers.emplace_back("Content-Type", type);
  }
  request.target = path + (query.empty() ? "" : "?" + query);
  return request;
}

HttpAnswer write_rest_answer(const Operation& operation, const void* output) {
  HttpAnswer answer{.status = operation.status};
  if (!operation.output || !output) {
    answer.headers.emplace_back("Content-Type", "application/json");
    return answer;
  }
  const Shape& shape = *operation.output();
  for (const Member& member : shape.members) {
    const void* held = member.get(output);
    if (!held) continue;
    if (member.location == Location::status_code) answer.status = *static_cast<const std::int32_t*>(held);
    // A value that is no header is a mistake of the service; it is left out rather than splitting the answer.
    else if (member.location == Location::header || member.location == Location::headers)
      (void)write_headers(member, held, answer.headers);
  }
  auto [body, type] = body_of(shape, output, true);
  answer.body = std::move(body);
  if (*type && !find_header(answer.headers, "Content-Type")) answer.headers.emplace_back("Content-Type", type);
  return answer;
}

Result<void> read_rest_answer(const Operation& operation, const HttpAnswer& answer, void* output) {
  if (!operation.output || !output) return {};
  const Shape& shape = *operation.output();
  for (const Member& member : shape.members) {
    if (member.location == Location::status_code)
      *static_cast<std::int32_t*>(member.emplace(output)) = answer.status;
    else if (member.location == Location::header || member.location == Location::headers)
      BRUME_CHECK(read_headers(member, output, answer.headers));
  }
  return read_body(shape, output, answer.body);
}

}  // namespace brume::aws
