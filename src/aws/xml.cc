#include "aws/xml.h"

#include <pugixml.hpp>

#include "aws/text.h"

namespace brume::aws {
namespace {

constexpr int kMaxDepth = 32;

bool flattened(const Shape& shape, const Member& member) {
  return shape.flattened || member.flattened;
}

class Writer {
 public:
  std::string out;

  void open(std::string_view name) { out.append("<").append(name).append(">"); }
  void close(std::string_view name) { out.append("</").append(name).append(">"); }

  void text(std::string_view value) {
    for (const char c : value) {
      switch (c) {
        case '&':
          out += "&amp;";
          break;
        case '<':
          out += "&lt;";
          break;
        case '>':
          out += "&gt;";
          break;
        case '"':
          out += "&quot;";
          break;
        case '\r':
          out += "&#13;";
          break;
        case '\t':
        case '\n':
          out += c;
          break;
        default:
          // XML 1.0 has no way to write the other control characters.
          if (static_cast<unsigned char>(c) < 0x20)
            out += "\xEF\xBF\xBD";
          else
            out += c;
      }
    }
  }

  void element(std::string_view name, std::string_view value) {
    open(name);
    text(value);
    close(name);
  }

  void members(const Shape& shape, const void* structure, bool top) {
    for (const Member& member : shape.members) {
      if (member.xml_attribute) continue;
      const Shape& inner = *member.shape();
      const void* held = member.get(structure);
      if (!held) {
        if (top && inner.kind == Kind::list && !flattened(inner, member))
          out.append("<").append(member.wire()).append("/>");
        continue;
      }
      if (flattened(inner, member) && (inner.kind == Kind::list || inner.kind == Kind::map)) {
        items(inner, held, member.wire());
        continue;
      }
      value(inner, &member, held, member.wire());
    }
  }

 private:
  void value(const Shape& shape, const Member* member, const void* held, std::string_view name) {
    if (shape.kind == Kind::structure) {
      out.append("<").append(name);
      for (const Member& m : shape.members)
        if (const void* attribute = m.xml_attribute ? m.get(held) : nullptr) {
          // "xsi:type" needs its prefix declared.
          if (std::string_view(m.wire()).starts_with("xsi:"))
            out += " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"";
          out.append(" ").append(m.wire()).append("=\"");
          text(to_text(*m.shape(), &m, attribute));
          out += '"';
        }
      out += '>';
      members(shape, held, false);
      close(name);
      return;
    }
    const bool empty = (shape.kind == Kind::list && shape.list->size(held) == 0) ||
                       (shape.kind == Kind::map && shape.map->size(held) == 0);
    if (empty) {
      out.append("<").append(name).append("/>");
      return;
    }
    open(name);
    if (shape.kind == Kind::list)
      items(shape, held, shape.element_name ? shape.element_name : "member");
    else if (shape.kind == Kind::map)
      items(shape, held, "entry");
    else
      text(to_text(shape, member, held));
    close(name);
  }

  // The elements of a list, or the entries of a map, each as an element of this name.
  void items(const Shape& shape, const void* held, std::string_view name) {
    if (shape.kind == Kind::list) {
      for (std::size_t i = 0, n = shape.list->size(held); i < n; ++i)
        value(*shape.element(), nullptr, shape.list->at(held, i), name);
      return;
    }
    shape.map->each(held, [&](const std::string& key, const void* mapped) {
      open(name);
      element(shape.key_name ? shape.key_name : "key", key);
      value(*shape.element(), nullptr, mapped, shape.value_name ? shape.value_name : "value");
      close(name);
    });
  }
};

std::string text_of(const pugi::xml_node& node) {
  std::string text;
  for (const pugi::xml_node& child : node.children())
    if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) text += child.value();
  return text;
}

Result<void> read_value(const Shape& shape, void* out, const pugi::xml_node& node, int depth);

Result<void> read_entry(const Shape& shape, void* out, const pugi::xml_node& entry, int depth) {
  const pugi::xml_node key = entry.child(shape.key_name ? shape.key_name : "key");
  const pugi::xml_node value = entry.child(shape.value_name ? shape.value_name : "value");
  if (!key || !value) return fail("SerializationException", "A map entry in the answer lacks its key or value");
  return read_value(*shape.element(), shape.map->insert(out, text_of(key)), value, depth);
}

Result<void> read_members(const Shape& shape, void* out, const pugi::xml_node& node, int depth) {
  for (const Member& member : shape.members) {
    const Shape& inner = *member.shape();
    if (member.xml_attribute) {
      if (const auto attribute = node.attribute(member.wire()))
        BRUME_CHECK(from_text(inner, member.emplace(out), attribute.value()));
      continue;
    }
    const char* name = member.wire();
    if (flattened(inner, member) && (inner.kind == Kind::list || inner.kind == Kind::map)) {
      for (const pugi::xml_node& child : node.children(name)) {
        void* container = member.emplace(out);
        BRUME_CHECK(inner.kind == Kind::map
                        ? read_entry(inner, container, child, depth)
                        : read_value(*inner.element(), inner.list->append(container), child, depth));
      }
      continue;
    }
    if (const pugi::xml_node child = node.child(name))
      BRUME_CHECK(read_value(inner, member.emplace(out), child, depth));
  }
  return {};
}

Result<void> read_value(const Shape& shape, void* out, const pugi::xml_node& node, int depth) {
  if (depth > kMaxDepth) return fail("SerializationException", "The answer is nested more than {} deep", kMaxDepth);
  if (shape.kind == Kind::structure) return read_members(shape, out, node, depth + 1);
  if (shape.kind == Kind::list || shape.kind == Kind::map) {
    for (const pugi::xml_node& child : node.children()) {
      if (child.type() != pugi::node_element) continue;
      BRUME_CHECK(shape.kind == Kind::map ? read_entry(shape, out, child, depth + 1)
                                          : read_value(*shape.element(), shape.list->append(out), child, depth + 1));
    }
    return {};
  }
  if (auto read = from_text(shape, out, text_of(node)); !read)
    return fail("SerializationException", "The answer's <{}> is not {}", node.name(), read.error().message);
  return {};
}

bool load(pugi::xml_document& document, std::string_view body) {
  return bool(document.load_buffer(body.data(), body.size(), pugi::parse_default | pugi::parse_ws_pcdata_single,
                                   pugi::encoding_utf8));
}

}  // namespace

std::string write_xml_answer(QueryDialect dialect, const ServiceModel& service, const Operation& operation,
                             const void* output, std::string_view request_id) {
  Writer writer;
  writer.out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  const std::string root = std::string(operation.name) + "Response";
  writer.out.append("<").append(root);
  if (service.xml_namespace) {
    std::string name_space = service.xml_namespace;
    if (dialect == QueryDialect::ec2 && !name_space.ends_with('/')) name_space += '/';
    writer.out.append(" xmlns=\"").append(name_space).append("\"");
  }
  writer.out += '>';
  if (dialect == QueryDialect::ec2) {
    writer.element("requestId", request_id);
    if (operation.output && output)
      writer.members(*operation.output(), output, true);
    else
      writer.element("return", "true");
  } else {
    if (operation.output && output) {
      if (operation.result_wrapper) writer.open(operation.result_wrapper);
      writer.members(*operation.output(), output, true);
      if (operation.result_wrapper) writer.close(operation.result_wrapper);
    }
    writer.open("ResponseMetadata");
    writer.element("RequestId", request_id);
    writer.close("ResponseMetadata");
  }
  writer.close(root);
  return std::move(writer.out);
}

std::string write_xml_error(QueryDialect dialect, const char* xml_namespace, const Error& error,
                            std::string_view request_id) {
  Writer writer;
  writer.out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  if (dialect == QueryDialect::ec2) {
    writer.out += "<Response><Errors><Error>";
    writer.element("Code", error.code);
    writer.element("Message", error.message);
    writer.out += "</Error></Errors>";
    writer.element("RequestID", request_id);
    writer.out += "</Response>";
    return std::move(writer.out);
  }
  writer.out += "<ErrorResponse";
  if (xml_namespace) writer.out.append(" xmlns=\"").append(xml_namespace).append("\"");
  writer.out += "><Error>";
  writer.element("Type", error.status < 500 ? "Sender" : "Receiver");
  writer.element("Code", error.code);
  writer.element("Message", error.message);
  writer.out += "</Error>";
  writer.element("RequestId", request_id);
  writer.out += "</ErrorResponse>";
  return std::move(writer.out);
}

Result<void> read_xml_answer(QueryDialect dialect, const Operation& operation, void* output, std::string_view body) {
  if (!operation.output || !output || body.empty()) return {};
  pugi::xml_document document;
  if (!load(document, body)) return fail("SerializationException", "The answer to {} is not XML", operation.name);
  pugi::xml_node node = document.document_element();
  if (dialect == QueryDialect::query && operation.result_wrapper) {
    if (node.name() != std::string(operation.name) + "Response")
      return fail("SerializationException", "The answer is <{}>, not one to {}", node.name(), operation.name);
    node = node.child(operation.result_wrapper);  // left out by some services when it would be empty
  }
  return read_members(*operation.output(), output, node, 0);
}

Error read_xml_error(int status, std::string_view body) {
  pugi::xml_document document;
  load(document, body);
  const pugi::xml_node root = document.document_element();
  pugi::xml_node error = root.child("Errors").child("Error");
  if (!error) error = root.child("Error");
  Error result{text_of(error.child("Code")), text_of(error.child("Message")), status};
  if (result.code.empty()) result.code = "UnknownError";
  return result;
}

}  // namespace brume::aws
