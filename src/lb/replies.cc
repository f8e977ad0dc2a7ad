#include "lb/replies.h"

namespace brume::lb {

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Time-out";
    case 410: return "Gone";
    case 414: return "Request-URI Too Large";
    case 429: return "Too Many Requests";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Temporarily Unavailable";
    case 504: return "Gateway Time-out";
    case 505: return "HTTP Version Not Supported";
    default: return "";
  }
}

Reply standard_reply(int status) {
  const std::string_view phrase = reason_phrase(status);
  const std::string title = phrase.empty() ? std::to_string(status) : fmt::format("{} {}", status, phrase);
  return {.status = status,
          .content_type = "text/html",
          .body = fmt::format("<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n"
                              "</body>\r\n</html>\r\n",
                              title)};
}

Reply redirect_reply(int status, std::string location) {
  Reply reply = standard_reply(status);
  reply.location = std::move(location);
  return reply;
}

Reply fixed_reply(const FixedResponse& fixed) {
  return {.status = fixed.status,
          .content_type = fixed.content_type.empty() ? "text/plain" : fixed.content_type,
          .body = fixed.body};
}

std::string write_reply(const Reply& reply, std::string_view date, bool keep_alive, bool head_only) {
  std::string text = fmt::format("HTTP/1.1 {} {}\r\nServer: awselb/2.0\r\nDate: {}\r\n", reply.status,
                                 reason_phrase(reply.status), date);
  const bool bodiless = reply.status == 204;
  if (!bodiless) {
    text += fmt::format("Content-Type: {}\r\nContent-Length: {}\r\n", reply.content_type, reply.body.size());
  }
  text += keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n";
  if (!reply.location.empty()) text += "Location: " + reply.location + "\r\n";
  text += "\r\n";
  if (!head_only && !bodiless) text += reply.body;
  return text;
}

}  // namespace brume::lb
