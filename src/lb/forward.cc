#include "lb/forward.h"

#include <algorithm>
#include <charconv>

#include "lb/rules.h"

namespace brume::lb {
namespace {

bool ends_at_hop(Name name) {
  switch (name) {
    case Name::connection:
    case Name::keep_alive:
    case Name::proxy_connection:
    case Name::te:
    case Name::upgrade:
      return true;
    default:
      return false;
  }
}

// Fields a Connection field must not take away: they say what the message is.
bool is_essential(Name name) {
  return name == Name::host || name == Name::content_length || name == Name::transfer_encoding;
}

// Copies adjacent lines together.
class Runs {
 public:
  Runs(const char* base, std::string& out) : base_(base), out_(out) {}
  ~Runs() { flush(); }
  Runs(const Runs&) = delete;
  Runs& operator=(const Runs&) = delete;
  void keep(Span line) {
    if (line.begin != run_.end) {
      flush();
      run_.begin = line.begin;
    }
    run_.end = line.end;
  }
  void flush() {
    out_.append(base_ + run_.begin, run_.size());
    run_ = {run_.end, run_.end};
  }

 private:
  const char* base_;
  std::string& out_;
  Span run_;
};

// The Host value for the target: by default a port of the listener other than 80 and 443 is added, and those are
// removed
// ("Host header preservation" in the user guide).
void append_host(std::string_view value, const ForwardSettings& settings, std::string& out) {
  const HostPort parts = split_host(value);
  const bool standard = settings.listener_port == 80 || settings.listener_port == 443;
  out += "Host: ";
  if (settings.preserve_host_header) {
    out += value;
  } else if (standard && (parts.port == "80" || parts.port == "443")) {
    out += parts.host;
  } else {
    out += value;
    if (!standard && parts.port.empty() && !value.empty()) {
      out += ':';
      char digits[8];
      out.append(digits, std::to_chars(digits, digits + sizeof digits, settings.listener_port).ptr);
    }
  }
  out += "\r\n";
}

}  // namespace

XffMode parse_xff_mode(std::string_view text) {
  if (text == "preserve") return XffMode::preserve;
  return text == "remove" ? XffMode::remove : XffMode::append;
}

void write_request_head(const RequestHead& head, const char* base, const ForwardSettings& settings, bool upgrade,
                        std::string& out) {
  out += head.method.in(base);
  out += ' ';
  if (head.absolute) {
    if (head.path.empty()) out += '/';
    out.append(base + head.path.begin, head.target.end - head.path.begin);
  } else {
    out += head.target.in(base);
  }
  out += " HTTP/1.1\r\n";

  const Field* host = nullptr;
  const Field* trace = nullptr;
  bool has_forwarded_for = false;
  {
    Runs runs(base, out);
    for (const Field& field : head.fields) {
      switch (field.known) {
        case Name::host:
          if (host == nullptr) host = &field;  // of several the first counts
          continue;
        case Name::x_amzn_trace_id:
          if (trace == nullptr) trace = &field;
          continue;
        case Name::x_forwarded_for:
          has_forwarded_for = true;
          if (settings.xff_mode != XffMode::preserve) continue;
          break;
        case Name::x_forwarded_port:
        case Name::x_forwarded_proto:
          continue;
        case Name::transfer_encoding:
          if (!equals_ignoring_case(field.value.in(base), "chunked")) continue;  // identity: says nothing
          break;
        default:
          if (ends_at_hop(field.known)) continue;
      }
      if (head.connection.names_fields && !is_essential(field.known) &&
          head.connection_names(base, field.name.in(base))) {
        continue;
      }
      if (settings.drop_invalid_header_fields && !field.plain) continue;
      runs.keep(field.line);
    }
  }

  append_host(head.absolute     ? head.authority.in(base)
              : host != nullptr ? host->value.in(base)
                                : std::string_view(),
              settings, out);
  if (settings.xff_mode == XffMode::append) {
    out += "X-Forwarded-For: ";
    if (has_forwarded_for) {
      for (const Field& field : head.fields) {
        if (field.known != Name::x_forwarded_for || field.value.empty()) continue;
        out += field.value.in(base);
        out += ", ";
      }
    }
    out += settings.client;
    out += "\r\n";
  }
  out += settings.proto_fields;
  if (trace == nullptr) {
    out += "X-Amzn-Trace-Id: Root=";
    out += settings.trace_root;
  } else {
    out += "X-Amzn-Trace-Id: ";
    out += trace_id(trace->value.in(base), settings.trace_root);
  }
  out += "\r\n";
  if (upgrade) {
    out += "Connection: Upgrade\r\n";
    for (const Field& field : head.fields) {
      if (field.known == Name::upgrade) out.append(base + field.line.begin, field.line.size());
    }
  }
  out += "\r\n";
}

void write_response_head(const ResponseHead& head, const char* base, Afterwards afterwards, bool drop_chunked,
                         std::string& out) {
  char status[3];
  std::to_chars(status, status + 3, head.status);
  out += "HTTP/1.1 ";
  out.append(status, 3);
  out += ' ';
  out += head.reason.in(base);
  out += "\r\n";
  {
    Runs runs(base, out);
    for (const Field& field : head.fields) {
      if (ends_at_hop(field.known)) continue;
      if (drop_chunked && field.known == Name::transfer_encoding) continue;
      if (head.connection.names_fields && !is_essential(field.known) &&
          head.connection_names(base, field.name.in(base))) {
        continue;
      }
      runs.keep(field.line);
    }
  }
  switch (afterwards) {
    case Afterwards::keep_alive:
      out += "Connection: keep-alive\r\n\r\n";
      break;
    case Afterwards::close:
      out += "Connection: close\r\n\r\n";
      break;
    case Afterwards::upgrade:
      out += "Connection: Upgrade\r\n";
      for (const Field& field : head.fields) {
        if (field.known == Name::upgrade) out.append(base + field.line.begin, field.line.size());
      }
      out += "\r\n";
      break;
  }
}

std::string forwarded_for(std::string_view address, bool v4, std::uint16_t port, bool with_port) {
  if (!with_port) return std::string(address);
  return v4 ? fmt::format("{}:{}", address, port) : fmt::format("[{}]:{}", address, port);
}

int count_forwarded_for(const RequestHead& head, const char* base) {
  int count = 0;
  for (const Field& field : head.fields) {
    if (field.known != Name::x_forwarded_for || field.value.empty()) continue;
    const std::string_view value = field.value.in(base);
    count += 1 + int(std::ranges::count(value, ','));
  }
  return count;
}

std::string trace_id(std::string_view received, std::string_view root) {
  if (received.size() > std::size_t{7} * 1024) return "Root=" + std::string(root);
  std::string kept;
  bool has_root = false;
  while (!received.empty()) {
    const auto end = received.find(';');
    std::string_view item = received.substr(0, end);
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
    if (!item.empty() && !item.starts_with("Self=")) {
      if (!kept.empty()) kept += ';';
      kept += item;
      has_root = has_root || item.starts_with("Root=");
    }
    if (end == std::string_view::npos) break;
    received.remove_prefix(end + 1);
  }
  const std::string own = (has_root ? "Self=" : "Root=") + std::string(root);
  return kept.empty() ? own : own + ";" + kept;
}

}  // namespace brume::lb
