// Requests and responses of HTTP/1.1 (RFC 9110, RFC 9112) as values, whole, without any I/O.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace swage::http {

struct Field {
  std::string name, value;
};

// The fields of a message, in order. Names are found without regard to case (RFC 9110, 5.1).
class Fields {
 public:
  void add(std::string name, std::string value);
  // Instead of all that have this name.
  void set(std::string name, std::string value);
  void remove(std::string_view name);
  // The value of the first one; nullopt: there is none.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  [[nodiscard]] std::size_t count(std::string_view name) const;
  // True where the lists of all fields of this name, "a, b" and "c", have `element` among them, without case.
  [[nodiscard]] bool lists(std::string_view name, std::string_view element) const;

  [[nodiscard]] std::size_t size() const { return fields_.size(); }
  [[nodiscard]] auto begin() const { return fields_.begin(); }
  [[nodiscard]] auto end() const { return fields_.end(); }

 private:
  std::vector<Field> fields_;
};

struct Request {
  std::string method;  // as sent: "POST"; case matters
  std::string target;  // "/path?query", as sent ("//v1/x" too), or "*"; of "http://host/path" what begins at the path
  Fields fields;       // a request of HTTP/1.1 has exactly one Host
  std::string body;    // decoded; what trails a chunked body is dropped
  bool body_too_large = false;  // body is empty, and more than Limits::body
  bool http_1_0 = false;

  [[nodiscard]] std::string_view path() const;   // of the target, before any '?'
  [[nodiscard]] std::string_view query() const;  // of the target, after the first '?'; empty where there is none
};

struct Response {
  unsigned status = 200;
  // What frames the message (Content-Length, Transfer-Encoding) and Date is the server's to say: ignored here.
  // `Connection: close` closes.
  Fields fields;
  std::string body;
};

// How much of a message is taken.
struct MessageLimits {
  std::size_t header = 0;  // bytes of the first line and fields; the same again for trailers and chunk extensions
  std::size_t fields = 0;
  std::size_t body = 0;  // bytes, decoded
};

}  // namespace swage::http
